"""The README of a model folder: what a person who finds the folder should know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_unet.models.record import ModelRecord
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training import TrainingNotes
from napari_unet.tasks import task_of

CARD_FILE = "README.md"

_MARK = "<!-- Written by napari-unet with the model; it is replaced with it, too. -->"
_LEARNED = "`training.json` holds the settings of its training and the images' names.\n"
_MOST_NAMES = 50
_MINUTE = 60
_USUAL = ("optimizer", "learning_rate", "batch_size", "crop", "seed")


def card_text(
    spec: ModelSpec, record: ModelRecord, notes: TrainingNotes | None = None
) -> str:
    """Return the README of a model, in Markdown."""
    facts = {**_what_it_is(spec), **_how_it_was_made(spec, record, notes)}
    rows = "\n".join(f"| {k} | {_cell(v)} |" for k, v in facts.items() if v)
    return f"""# {_cell(spec.name)}

{_MARK}

{_cell(spec.description) or "A model of napari-unet."}

| | |
|---|---|
{rows}

## Use it

In napari, open this folder in *Plugins > U-Net > Segment and correct*. On the command
line and in Python, write its place for `MODEL`:

```
napari-unet predict images --model MODEL --out labels
napari-unet models show MODEL
```

```python
import napari_unet as nu

labels = nu.predict(image, nu.load_model("MODEL"))
```

The folder is the model: copy all of it. `model.json` describes it, the weights are in
`weights.safetensors`, and `record.json` tells which model it is and which its parent.
{_LEARNED if notes else ""}"""


def is_card(path: Path) -> bool:
    """Whether a README was written here, and not by somebody else."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _MARK in file.read(10_000)
    except OSError:
        return False


def _what_it_is(spec: ModelSpec) -> dict[str, str]:
    network = spec.architecture.model_dump()
    return {
        "finds": f"{task_of(spec).words.outcome}: {', '.join(spec.names)}".rstrip(": "),
        "channels": str(spec.in_channels),
        "network": _listed(network),
        "object size": "{:g} to {:g} px".format(*spec.diameters)
        if spec.diameters
        else "",
        "pixel size": f"{spec.pixel_size:g} µm" if spec.pixel_size else "",
    }


def _how_it_was_made(
    spec: ModelSpec, record: ModelRecord, notes: TrainingNotes | None
) -> dict[str, str]:
    # A card that came along with the start tells of that one.
    own = _is_own(spec, notes) if notes is not None else record.run is None
    made_here = record.run is not None or record.parent is not None
    card, of_start = spec.card, "" if own else " of its start"
    score = ", ".join(f"{k} {value:.3g}" for k, value in card.score.items())
    return {
        "made": f"{record.created:%Y-%m-%d %H:%M} UTC" if made_here else "",
        "started from": notes.start if notes else "",
        "parent": str(record.parent or ""),
        **_training(record, notes),
        "data": notes.data if notes else "",
        f"data{of_start}": card.data,
        f"licence{of_start}": card.license,
        f"scores{of_start}": score,
        "notes": card.notes if own else "",
    }


def _is_own(spec: ModelSpec, notes: TrainingNotes) -> bool:
    return bool(notes.data) and notes.data in spec.card.data


def _training(record: ModelRecord, notes: TrainingNotes | None) -> dict[str, str]:
    facts = {"learned from": _learned_from(record), "training": _effort(record)}
    if record.score is not None:
        before = record.start_score
        was = f", its start {before:.3f}" if before is not None else ""
        facts["agreement with what was held out"] = f"{record.score:.3f}{was}"
    if notes is None:
        return facts
    shown = ", ".join(notes.images[:_MOST_NAMES])
    more = notes.image_count - min(len(notes.images), _MOST_NAMES)
    return {
        **facts,
        "images": shown + (f" and {more} more" if more > 0 else ""),
        "settings": _listed({k: notes.settings.get(k) for k in _USUAL}),
        "replayed": f"sample images of {notes.replayed}" if notes.replayed else "",
        "program": f"napari-unet {notes.program}" if notes.program else "",
    }


def _learned_from(record: ModelRecord) -> str:
    told = [
        f"{count:,} verified {what}"
        for count, what in ((record.objects, "objects"), (record.pixels, "pixels"))
        if count is not None
    ]
    return ", ".join(told)


def _effort(record: ModelRecord) -> str:
    told = f"{record.steps:,} steps" if record.steps is not None else ""
    if record.seconds is None:
        return told
    minutes = record.seconds / _MINUTE
    took = f"{record.seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min"
    return f"{told}, {took}".removeprefix(", ")


def _listed(values: Mapping[str, Any]) -> str:
    named = {k.replace("_", " "): v for k, v in values.items() if v is not None}
    return ", ".join(f"{name} {value}" for name, value in named.items())


def _cell(text: str) -> str:
    """Return a text as it can stand in a table: names may come from anywhere."""
    line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "|<>`[]*_" else c for c in line if c.isprintable())
