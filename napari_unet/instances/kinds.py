"""The registry of decodings.

A new one is one file with its thresholds, and is registered once. Model folders,
projects, training and prediction then know it, and the contract tests hold it.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, SerializeAsAny

from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.decoding import Decoding

_FIRST = "distances"
"""What thresholds are of that do not say it: those of the first release."""

_KINDS: dict[str, type[Decoding]] = {}


def register(kind: str, decoding: type[Decoding]) -> None:
    """Make a decoding known by the name that files have it by."""
    _KINDS[kind] = decoding


def all_kinds() -> tuple[type[Decoding], ...]:
    """Return all decodings."""
    return tuple(_KINDS.values())


def _of_its_kind(content: Any) -> Any:
    """Make thresholds of what a JSON file holds: the class is that of its ``kind``."""
    if isinstance(content, Decoding) or not isinstance(content, dict):
        return content
    kind = content.get("kind", _FIRST)
    if not isinstance(kind, str) or kind not in _KINDS:
        known = ", ".join(repr(each) for each in _KINDS)
        raise ValueError(f"there is no decoding {kind!r:.60}; there are: {known}")
    rest = {name: each for name, each in content.items() if name != "kind"}
    return _KINDS[kind].model_validate(rest)


register(_FIRST, DistancesDecoding)
register("reach", ReachDecoding)

AnyDecoding: TypeAlias = Annotated[
    SerializeAsAny[Decoding], BeforeValidator(_of_its_kind)
]
"""Thresholds of any kind, as a field of other descriptions."""
