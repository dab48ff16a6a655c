"""Makes the tables of `docs/formats.md`: every kind is made, read, and told.

Run it as `python -m tests.io.format_table` where the tables shall change; a test
compares them.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_unet.errors import InputError
from napari_unet.geometry.axes import guess_axes
from napari_unet.images.source import as_image
from napari_unet.inference.model_input import fit_channels
from napari_unet.io.labels import read_ids
from napari_unet.io.read import read_image
from tests.io.format_cases import ARRAYS, IMAGES, LABELS, FormatCase

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
_BEGIN, _END = "<!-- made by tests/io/format_table.py: {} -->", "<!-- end of {} -->"


def make_page(text: str) -> str:
    """Return the page with new tables between its marks."""
    for name, table in (
        ("images", _image_table()),
        ("arrays", _array_table()),
        ("labels", _label_table()),
    ):
        begin, end = _BEGIN.format(name), _END.format(name)
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return text


def _image_table() -> str:
    rows = []
    for case, path in _made(IMAGES):
        try:
            found = read_image(path)
        except InputError as error:
            rows.append((case.words, "refused", "", "", "", _said(error, path)))
            continue
        axes, asked = _axes(found.axes, found.array)
        pixels, said = _pixels(found.array, axes), _said(found.note or "", path)
        grey, colour = (_fits(found.array, axes, n) for n in (1, 3))
        notes = "; ".join(filter(None, [said, asked, grey[1] or colour[1]]))
        rows.append(
            (case.words, pixels, _how(found.axes, axes), grey[0], colour[0], notes)
        )
    head = ("File", "Read as", "Axes", "Grey model", "RGB model", "Said")
    return _table(head, rows)


def _array_table() -> str:
    rows = []
    for words, value in ARRAYS:
        try:
            found = as_image(value)
        except InputError as error:
            rows.append((words, "refused", _sentence(str(error))))
            continue
        axes, asked = _axes(found.axes, found.array)
        notes = "; ".join(filter(None, [found.note, asked]))
        rows.append((words, _how(found.axes, axes), notes))
    return _table(("Array", "Axes", "Said"), rows)


def _label_table() -> str:
    rows = []
    for case, path in _made(LABELS):
        try:
            found = read_ids(path)
        except InputError as error:
            rows.append((case.words, "refused", _said(error, path)))
        else:
            rows.append((case.words, f"{found.max()} objects", ""))
    return _table(("File", "Read as", "Said"), rows)


def _made(cases: Iterable[FormatCase]) -> Iterable[tuple[FormatCase, Path]]:
    for case in cases:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the writers
            path = Path(folder, case.name)
            case.make(path)
            yield case, path


def _axes(stated: str | None, array: Any) -> tuple[str | None, str]:
    if stated is not None:
        return stated, ""
    try:
        return guess_axes(array.shape, array.dtype), ""
    except InputError as error:
        return None, _sentence(str(error))


def _how(stated: str | None, axes: str | None) -> str:
    if axes is None:
        return "asked"
    return f"`{axes}`" if stated else f"`{axes}`, guessed"


def _pixels(array: Any, axes: str | None) -> str:
    return f"{array.dtype}, {' x '.join(map(str, array.shape))}"


def _fits(array: Any, axes: str | None, wanted: int) -> tuple[str, str]:
    fitted = fit_channels(array, axes, wanted) if axes else None
    if fitted is None:
        return "refused", ""
    return "taken", fitted.note or ""


def _said(words: object, path: Path) -> str:
    return _sentence(str(words).replace(str(path), path.name))


def _sentence(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ").replace("*", "\\*")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(make_page(PAGE.read_text("utf-8")), "utf-8", newline="\n")
