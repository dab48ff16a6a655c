"""What was written since the last change was told."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_unet.annotation.change import PixelChange
from napari_unet.annotation.origins import OriginChange
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.maps import ValueMap


@dataclass(slots=True, eq=False)
class Written:
    """Parts that changed, with the values that they had, and what is known of origins.

    Values are needed where a person has accepted some.
    """

    parts: list[PixelChange] = field(default_factory=list)
    values: list[ValueMap] = field(default_factory=list)
    origins: OriginChange = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything was."""
        return bool(self.parts or self.origins)

    def add(self, part: PixelChange, values: ValueMap | None) -> None:
        """Record a part, and its values if it has some."""
        self.parts.append(part)
        if values is not None:
            self.values.append(values)

    def taken(
        self,
    ) -> tuple[tuple[PixelChange, ...], tuple[ValueMap, ...], OriginChange]:
        """Return all of it, and begin anew."""
        parts, values, origins = tuple(self.parts), tuple(self.values), self.origins
        self.parts, self.values, self.origins = [], [], {}
        if not any(p.was_or_is(Provenance.ACCEPTED).any() for p in parts if values):
            values = ()
        return parts, values, origins
