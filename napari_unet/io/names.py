"""Names of files: what is the same for a person, and what only looks the same."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from pathlib import Path

_OME = ".ome"
_ALIKE = 0.6


def stem_of(path: Path) -> str:
    """Return a file's name without suffix; `.ome.tif` and `.ome.zarr` are one."""
    stem = path.stem
    if stem.lower().endswith(_OME) and len(stem) > len(_OME):
        return stem[: -len(_OME)]
    return stem


def same_name(name: str) -> str:
    """Return a name in the form that is compared.

    macOS takes letters apart from their accents, others keep them together.
    """
    return unicodedata.normalize("NFC", name)


def nearest(name: str, others: Iterable[str]) -> str | None:
    """Return the name that a person would take for this one, if there is one."""
    look = _look(name)
    by_look = {_look(other): other for other in sorted(others)}
    longer = [other for other in by_look if other.startswith(look)]
    found = longer or difflib.get_close_matches(look, by_look, n=1, cutoff=_ALIKE)
    return by_look[found[0]] if found else None


def difference(name: str, other: str) -> str:
    """Return a sentence on how two names differ that look the same, or nothing."""
    if name == other:
        return ""
    if same_name(name) == same_name(other):
        return " Their accents are written in two ways that look the same."
    if name.casefold() == other.casefold():
        return " They differ in capital letters alone."
    if len(name) != len(other):
        return ""
    places = [i for i, (a, b) in enumerate(zip(name, other, strict=True)) if a != b]
    first, second = name[places[0]], other[places[0]]
    if first.isascii() and second.isascii():
        return ""
    return (
        f" They differ in {_in_words(first)} and {_in_words(second)}, which may look "
        "the same."
    )


def _look(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _in_words(letter: str) -> str:
    called = unicodedata.name(letter, "a letter without a name")
    return f"U+{ord(letter):04X} ({called.lower()})"
