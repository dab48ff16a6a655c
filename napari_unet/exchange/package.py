"""A model as a package of the BioImage Model Zoo (BioImage.IO, format 0.5).

The package is also a zipped model folder of this program: description, weights and
record lie in it as attachments. So it comes back as the identical model, and other
programs run its TorchScript or ONNX.

Its description is written here, and needs no library; tests let that of the format read
and run it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from napari_unet import io, weights
from napari_unet.core.atomic import write_atomically
from napari_unet.core.events import Notice
from napari_unet.exchange.card import write_card
from napari_unet.exchange.credit import Credits
from napari_unet.exchange.description import DESCRIPTION, describe
from napari_unet.exchange.graph import sizes_of
from napari_unet.exchange.onnx_file import INPUT, OUTPUT, to_onnx, why_no_onnx
from napari_unet.exchange.sample import draw_cover, make_sample
from napari_unet.exchange.torchscript import to_torchscript
from napari_unet.weights.model import Model

Steps = Generator[Notice | float, None, None]

_NO_LICENSE = (
    "The package names no licence, so nobody knows what they may do with the model; "
    "say one, such as CC-BY-4.0."
)
_QUICK = 1  # weights hardly get smaller with more effort
_DATE = (1980, 1, 1, 0, 0, 0)  # so that the same model is the same file


def iter_package(model: Model, made_by: Credits, path: Path) -> Steps:
    """Write a package; yields the share that is done, and what a person should know.

    Raises an InputError if the format has no words for the model.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        yield 0.0
        described = describe(model, made_by, {})  # refused before any work
        if "license" not in described:
            yield Notice(_NO_LICENSE)
        yield from _iter_files(model, folder)
        yield 0.8
        hashes = {file.name: _hash(file) for file in sorted(folder.iterdir())}
        described = describe(model, made_by, hashes)
        # JSON is YAML, too.
        text = json.dumps(described, indent=2, ensure_ascii=False)
        (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
        write_atomically(path, lambda file: _zip(folder, file))
    yield 1.0


def _iter_files(model: Model, folder: Path) -> Steps:
    own = folder / "own"
    weights.save_model(model, own)
    for file in list(own.iterdir()):
        shutil.move(file, folder / file.name)
    own.rmdir()
    yield 0.1
    (folder / "weights.pt").write_bytes(to_torchscript(model))
    yield 0.3
    if missing := why_no_onnx():
        yield Notice(f"The package has TorchScript and no ONNX: {missing}")
    else:
        (folder / "weights.onnx").write_bytes(to_onnx(model))
    yield 0.6
    sample = make_sample(model)
    for name, array in ((INPUT, sample.image), (OUTPUT, sample.maps)):
        np.save(folder / f"{name}.npy", array[None])
        # Where there is one channel, viewers want none.
        shown = array[0] if len(array) == 1 else array
        axes = "CZYX" if model.net.dims == 3 else "CYX"
        io.write_image(folder / f"{name}.tif", shown, axes[-shown.ndim :])
    draw_cover(model, sample, folder / "cover.png")
    card = write_card(model.spec, sizes_of(model))
    (folder / "README.md").write_text(card, encoding="utf-8")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _zip(folder: Path, file: BinaryIO) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for each in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(each.name, _DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, each.read_bytes(), zipfile.ZIP_DEFLATED, _QUICK)
