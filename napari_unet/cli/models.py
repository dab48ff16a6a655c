"""`napari-unet models`: which models there are, what they are, and others' models."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from typer import Argument

from napari_unet import exchange, models, tasks, weights
from napari_unet.cli import outputs
from napari_unet.cli.console import counted, plain, report, say
from napari_unet.cli.export_model import export_model
from napari_unet.cli.options import JsonOption, OverwriteOption, option

if TYPE_CHECKING:
    from napari_unet.models.record import ModelRecord
    from napari_unet.models.spec import ModelSpec
    from napari_unet.models.training import TrainingNotes

app = typer.Typer(
    help="List, show, import and export models.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the built-in models."""
    rows = [(_row(spec.name, spec), spec) for spec in models.list_models()]
    report([row for row, _ in rows], _overview(rows), as_json=as_json)


@app.command()
def show(
    model: Annotated[
        str, Argument(metavar="M", help="A built-in model or a model folder.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Show what a model is: data, licence, scores, network."""
    # Loading proves that the weights are there and fit.
    spec = weights.load_model(model).spec
    row = _row(model, spec)
    record = models.read_record(model)
    training = models.read_training(models.model_folder(model))
    result = {
        **row,
        "spec": spec.model_dump(mode="json"),
        "record": record.model_dump(mode="json", exclude_none=True),
        "training": training.model_dump(mode="json") if training else None,
    }
    facts = {**_facts(row, spec), **_made(record, training)}
    report(result, _hanging(facts), as_json=as_json)


@app.command("import")
def import_(
    file: Annotated[
        Path,
        Argument(
            metavar="FILE",
            help="Zip file of a model folder or of a BioImage.IO package, or weights "
            "(.pt, .pth, .safetensors).",
        ),
    ],
    out: Annotated[Path, option("MODEL", "Model folder to make.")],
    like: Annotated[
        str | None,
        option(
            "M",
            "Model, or file like its model.json, that has the network which the "
            "weights are of.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a model folder of a file from elsewhere.

    Of a package of BioImage.IO the network in TorchScript is taken, of which arithmetic
    alone is run. In all others nothing is run: a file is refused if it holds anything
    else than the weights of that network.
    """
    sources = [file, *outputs.folders_of(like)]
    outputs.refuse_replacing_inputs(sources, [out], "what the model is made from")
    if not overwrite:
        outputs.refuse_existing([out])
    imported = exchange.import_file(file, out.resolve().name[:100], like)
    spec = imported.model.spec
    with outputs.output_folder(out.absolute().parent):
        weights.save_model(
            imported.model, out, overwrite, imported.record, imported.training
        )
    for note in imported.notes:
        say(f"{file}: {note}")
    result = {"model": str(out), "notes": list(imported.notes)}
    words = f"{out}: {spec.task}, {spec.architecture.kind}"
    report(result, [words], as_json=as_json)


app.command("export")(export_model)


def _row(model: str, spec: ModelSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "task": spec.task,
        "data": spec.card.data,
        "license": spec.card.license,
        "score": spec.card.score,
        "megabytes": round(models.model_size(model), 2),
    }


def _overview(rows: list[tuple[dict[str, Any], ModelSpec]]) -> Iterator[str | Table]:
    table = Table("name", "task", "data", "license", "score", "MB")
    for column in table.columns:
        column.overflow = "fold"
    for row, spec in rows:
        first_words = spec.description.split(",")[0]
        table.add_row(
            spec.name,
            f"{tasks.task_of(spec).words.outcome}: {first_words}",
            _briefly(spec.card.data),
            spec.card.license,
            spec.card.headline,
            f"{row['megabytes']:.1f}",
        )
    yield table
    yield "What each is for, and what not: napari-unet models show NAME"


def _facts(row: dict[str, Any], spec: ModelSpec) -> dict[str, str]:
    network, sizes = spec.architecture.model_dump(), spec.diameters
    return {
        "name": spec.name,
        "description": spec.description,
        "notes": spec.card.notes,
        "task": spec.task,
        "predicts": ", ".join(spec.names),
        "channels": str(spec.in_channels),
        "object size": "{:g} to {:g} px".format(*sizes) if sizes else "",
        "pixel size": f"{spec.pixel_size:g} µm" if spec.pixel_size else "",
        "data": spec.card.data,
        "license": spec.card.license,
        "score": ", ".join(f"{k} {value:.2f}" for k, value in spec.card.score.items()),
        "network": ", ".join(f"{key} {value}" for key, value in network.items()),
        "megabytes": f"{row['megabytes']:.1f}",
    }


def _made(record: ModelRecord, training: TrainingNotes | None) -> dict[str, str]:
    if training is None:
        return {}
    return {
        "made": f"{record.created.astimezone():%Y-%m-%d %H:%M}",
        "started from": training.start,
        "learned from": counted(training.image_count, "image"),
        "training": f"{record.steps} steps, {record.seconds or 0:.0f} s",
    }


def _hanging(facts: dict[str, str]) -> Iterator[str]:
    """Yield facts beside their names; words are not cut, for they may be paths."""
    lines = textwrap.TextWrapper(
        shutil.get_terminal_size().columns,
        subsequent_indent=14 * " ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for name, text in facts.items():
        if text:
            lines.initial_indent = f"{name:<13} "
            yield lines.fill(plain(text))


def _briefly(data: str) -> str:
    """Return what sets of data are called, without who made them and what was taken."""
    cited = re.findall(r"(?:^|; )([^(;]+) \(", data)
    return ", ".join(cited) or re.split(r"[:;,]", data)[0]
