"""The models of one session, in the order in which they went live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from psygnal import Signal

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.core.instances import Decoding
    from napari_unet.engine.model import Model

Preset: TypeAlias = Literal["fine-tune", "from-scratch"]

MOST_VERSIONS = 12
"""So many are kept, and the active one: a day of training would fill the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelVersion:
    """One model and where it comes from.

    Parameters
    ----------
    number : int
        Counts from 1 and is never used again.
    model : Model
        Immutable, so that it can be brought back at any time.
    score : float or None
        Score on held-out verified pixels (higher is better); None if not measured.
    start_score : float or None
        Score of the model from which the training started, on the same pixels.
    created : datetime
        With a time zone.
    note : str
        In words: "built-in", "after 12 corrections", ...
    preset : {"fine-tune", "from-scratch"}
        How it is trained: gently, or as a network that began anew.
    built_in : str
        Its name, if it is a built-in model.
    came_with : Decoding or None
        Its thresholds before a person moved them, if one has.
    """

    number: int
    model: Model
    score: float | None
    start_score: float | None
    created: datetime
    note: str
    preset: Preset = "fine-tune"
    built_in: str = ""
    came_with: Decoding | None = None

    @property
    def gain(self) -> float | None:
        """How much better than its start it is; None if that was not measured.

        Scores of different versions were measured on different pixels, so only this
        difference may be compared.
        """
        if self.score is None or self.start_score is None:
            return None
        return self.score - self.start_score


class Timeline:
    """The last model versions of a session; one of them is active.

    Parameters
    ----------
    now : callable
        Returns the time, with a time zone.

    Attributes
    ----------
    changed : Signal
        Emitted without arguments after versions were added or removed, or another
        one became active.
    """

    changed: ClassVar[Signal] = Signal()

    def __init__(
        self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._now = now
        self._versions: tuple[ModelVersion, ...] = ()
        self._published = 0
        self._active: ModelVersion | None = None

    @property
    def versions(self) -> tuple[ModelVersion, ...]:
        """The versions that are kept, oldest first."""
        return self._versions

    @property
    def active(self) -> ModelVersion | None:
        """The version that predicts; None before the first was published."""
        return self._active

    @property
    def moved_from(self) -> Decoding | None:
        """The thresholds that the active model came with, if it has others now."""
        return self._active.came_with if self._active else None

    def publish(
        self,
        model: Model,
        *,
        score: float | None = None,
        start_score: float | None = None,
        note: str = "",
        preset: Preset = "fine-tune",
        built_in: str = "",
        activate: bool = True,
        replaces: int | None = None,
    ) -> ModelVersion:
        """Add a version and, unless told otherwise, make it active.

        Parameters
        ----------
        model : Model
            The model; nobody changes it any more.
        score, start_score : float, optional
            See `ModelVersion`.
        note : str
            Where it comes from, in words.
        preset : {"fine-tune", "from-scratch"}
            See `ModelVersion`.
        built_in : str
            See `ModelVersion`.
        activate : bool
            False for a version that waits for a person's consent. The first version
            is active in any case.
        replaces : int, optional
            Number of a version to drop: a checkpoint of the same training that this
            one makes obsolete. Otherwise a long training would fill the memory.

        Raises
        ------
        InputError
            If there is no version to replace.
        """
        dropped = None if replaces is None else self._get(replaces)
        self._published += 1
        version = ModelVersion(
            self._published,
            model,
            score,
            start_score,
            self._now(),
            note,
            preset,
            built_in,
        )
        kept = tuple(each for each in self._versions if each is not dropped)
        self._versions = (*kept, version)
        if activate or self._active in (None, dropped):
            self._active = version
        self._forget_old()
        self.changed.emit()
        return version

    def activate(self, number: int) -> ModelVersion:
        """Make a version active, an older one too; versions stay as they are.

        Raises
        ------
        InputError
            If there is no such version.
        """
        version = self._get(number)
        if version is not self._active:
            self._active = version
            self.changed.emit()
        return version

    def adjust(self, model: Model) -> None:
        """Replace the model of the active version by one with the same network."""
        if self._active is None:
            return
        came_with = self._active.came_with or self._active.model.spec.decoding
        moved = came_with != model.spec.decoding
        adjusted = replace(
            self._active, model=model, came_with=came_with if moved else None
        )
        self._versions = tuple(
            adjusted if each is self._active else each for each in self._versions
        )
        self._active = adjusted
        self.changed.emit()

    def start_over(
        self, versions: Sequence[ModelVersion], active: int
    ) -> tuple[ModelVersion, ...]:
        """Go on with the versions of another project, and with no others.

        Parameters
        ----------
        versions : sequence of ModelVersion
            One or more, oldest first; they get new numbers.
        active : int
            Which of them predicts, by its place.

        Returns
        -------
        tuple of ModelVersion
            The same versions with their numbers here.
        """
        first = self._published + 1
        self._versions = tuple(
            replace(version, number=number)
            for number, version in enumerate(versions, first)
        )
        self._published += len(versions)
        self._active = self._versions[active]
        self.changed.emit()
        return self._versions

    def _forget_old(self) -> None:
        newest = self._versions[-MOST_VERSIONS:]
        self._versions = tuple(
            each for each in self._versions if each in newest or each is self._active
        )

    def _get(self, number: int) -> ModelVersion:
        for version in self._versions:
            if version.number == number:
                return version
        numbers = ", ".join(str(version.number) for version in self._versions)
        raise InputError(
            f"There is no model version {number}; choose one of: {numbers or 'none'}."
        )
