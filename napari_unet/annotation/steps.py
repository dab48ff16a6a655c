"""The steps of an annotation: what is written is told as a change, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from napari_unet.annotation.change import Change, Kind, Listener, PixelChange
from napari_unet.annotation.history import History, StepKind
from napari_unet.annotation.in_parts import InParts
from napari_unet.annotation.origins import OriginChange, Origins, changed
from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.written import Written
from napari_unet.geometry.ids import IdCounter
from napari_unet.geometry.maps import ValueMap


class Steps:
    """What was written since the last change, and all steps that can be undone.

    `pixels` report every part that is about to change. Open objects are those that the
    person has touched and not finished. `listener` is told of every change, right after
    it happened; `origins` tell which object came from which.
    """

    pixels: Pixels
    ids: IdCounter
    open_objects: frozenset[int]

    def _begin_steps(self) -> None:
        """Begin with nothing done yet."""
        self.history = History()
        self.listener: Listener | None = None
        self.origins: Origins = {}
        self.in_parts = InParts()
        self._written = Written()
        self._steps = 0

    def step(
        self,
        kind: StepKind,
        write: Callable[[], None],
        closing: frozenset[int] = frozenset(),
    ) -> Change | None:
        """Let something else than painting be one step, if `write` changes `pixels`.

        `closing` names objects that the person does not work on any more.
        """
        before = self.open_objects
        write()
        if not self._written:
            return None
        self._set_open(self.open_objects - closing)
        return self._tell_step(kind, before)

    def step_in_parts(self, kind: StepKind, parts: Iterator[object]) -> Change | None:
        """Let something be one step that is written part by part; see `InParts`."""
        before, steps = self.open_objects, self._steps

        def tell() -> Change | None:
            self._steps = steps
            return self._tell_step(kind, before) if self._written else None

        return self.in_parts.run(parts, tell)

    def know(self, change: OriginChange) -> None:
        """Take note that other things are known of where objects come from."""
        self.origins = changed(self.origins, change)
        self._written.origins = change

    def tell(
        self,
        kind: Kind,
        *,
        stroke: int = 0,
        entry_open: frozenset[int] = frozenset(),
        certain: bool = False,
        anyway: bool = False,
    ) -> Change | None:
        """Tell what was written since the last time as one change; see `Change`.

        Nothing is told where no pixel changed, unless it shall be told `anyway`.
        """
        parts, values, origins = self._written.taken()
        if not (parts or origins or anyway):
            return None
        if kind == "edit":
            self.ids.skip_past(frozenset().union(*(part.ids for part in parts)))
        facts = (self.ids.next, self.open_objects, stroke, entry_open, certain)
        told = Change(kind, parts, *facts, values=values, origins=origins)
        change = self._completed(told)
        self._note(change)
        if self.listener is not None:
            self.listener(change)
        return change

    def _values_of(self, part: PixelChange) -> ValueMap | None:
        """Return the accepted values of a part that is about to change."""

    def _completed(self, change: Change) -> Change:
        """Add what labels stand for, where that is not the labels themselves."""
        return change

    def _record(self, part: PixelChange) -> None:
        self._written.add(part, self._values_of(part))

    def _tell_step(self, kind: StepKind, before: frozenset[int]) -> Change | None:
        self._steps += 1
        return self.tell(kind, stroke=self._steps, entry_open=before, certain=True)

    def _note(self, change: Change) -> None:
        self.history.note(change)
        self._steps = max(self._steps, change.stroke)
        self._set_open(change.open)

    def _set_open(self, ids: frozenset[int]) -> None:
        # On none that was erased wholly.
        self.open_objects = frozenset(i for i in ids if i in self.pixels.objects)
