"""The page for people in a package: what the model is for, how its maps are read."""

from __future__ import annotations

from collections.abc import Iterator

from napari_unet.exchange.graph import NEAR_ENOUGH, Sizes
from napari_unet.exchange.words import after_words, before_words
from napari_unet.models.spec import ModelSpec

_DECODE = """\
```python
import numpy as np
import napari_unet as nu

model = nu.load_model("FOLDER OF THIS FILE")   # model.json and weights.safetensors
labels = nu.predict(image, model)              # all of it, from the raw image

maps = np.load("output.npy")[0]                # or: from maps that were made elsewhere
labels = nu.decode(maps, model)
```
"""

_VALIDATION = f"""\
Draw the truth for some of your own images, and let `napari-unet evaluate --truth DIR
--predicted DIR` compare it with what the model finds: it counts objects that have half
of their pixels and more in common with the truth, and the overlap of all pixels.

When this package was made, each of its networks was compared with the original on
images of three sizes; the largest difference of a map was {NEAR_ENOUGH:g} of its range
or less.
`bioimageio test PACKAGE` compares the sample output again.
"""


def write_card(spec: ModelSpec, sizes: Sizes) -> str:
    """Return a page in Markdown."""
    return "\n".join(_sections(spec, sizes))


def _sections(spec: ModelSpec, sizes: Sizes) -> Iterator[str]:
    card = spec.card
    yield f"# {spec.name}\n"
    for text in (spec.description, card.notes):
        if text:
            yield f"{text}\n"
    yield "## What goes in\n"
    yield (
        f"{spec.in_channels} channel{'s' * (spec.in_channels > 1)}, sides of "
        f"{sizes.least} + {sizes.step} k pixels; of a tile, {sizes.halo} pixels on "
        f"every side are told by what lies beyond it. {before_words(spec)} Where "
        "these two are equal, napari-unet takes the darkest and the brightest pixel; "
        "other programs divide by nearly nothing.\n"
    )
    if spec.best_diameters is not None:
        low, high = spec.best_diameters
        yield (
            f"Objects should be {low:g} to {high:g} pixels across: napari-unet zooms "
            "images until they are, other programs do not.\n"
        )
    yield "## What comes out\n"
    yield f"{after_words(spec)}\n"
    yield "No program but napari-unet does this by itself. In Python:\n"
    yield _DECODE
    yield "## Where it comes from\n"
    yield f"Trained on: {card.data or 'not stated'}.\n"
    yield f"Licence: {card.license or 'not stated'}.\n"
    if card.score:
        scores = ", ".join(f"{name} {value:.2f}" for name, value in card.score.items())
        yield f"Scores on images that did not train: {scores}.\n"
    yield "## Validation\n"
    yield _VALIDATION
