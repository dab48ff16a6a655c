"""When to save: soon after a person pauses, and never later than a few seconds.

Every time is passed in, in seconds of one monotonic clock, so the policy has no clock
and no thread of its own. Who owns it calls `due` regularly, about once a second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_unet.project.journal import JournalStatus

_PAUSE = 2.0
"""Seconds without a change after which a save is due."""
_LIMIT = 8.0
"""Seconds after the first unsaved change at which a save is due even so."""
_RETRY = 10.0
"""Seconds after a failure until the next attempt."""


@dataclass(frozen=True, slots=True)
class AutosaveStatus:
    """What a person may know about saving; times are in seconds of the same clock.

    Parameters
    ----------
    unsaved_since : float or None
        Time of the first change that is in memory only.
    failure : str or None
        Why the last attempt failed; stays until a save succeeds.
    retry_at : float or None
        When the next attempt follows a failed one.
    """

    place: str
    unsaved_since: float | None = None
    saving: bool = False
    last_saved: float | None = None
    failure: str | None = None
    retry_at: float | None = None

    def describe(self, now: float, journal: JournalStatus | None = None) -> str:
        """Return one or two sentences for the dock."""
        if failure := self.failure or (journal.failure if journal else ""):
            written = journal is not None and not journal.unwritten
            where = "on the disk, in the journal" if written else "in memory"
            return (
                f"Not saved. {failure} Your changes are {where}; {self._outlook(now)}"
            )
        if self.saving:
            return "Saving…"
        if self.unsaved_since is not None:
            if journal is None or journal.unsynced:
                return "Saving…"
            return f"All changes are on the disk{self._last_save(now)}"
        if self.last_saved is not None:
            return f"Saved {_ago(now - self.last_saved)} in {self.place}"
        return "Nothing new to save"

    def _last_save(self, now: float) -> str:
        if self.last_saved is None:
            return ""
        return f"; saved {_ago(now - self.last_saved)} in {self.place}"

    def _outlook(self, now: float) -> str:
        if self.saving or self.retry_at is None:
            return "trying again."
        seconds = max(0, round(self.retry_at - now))
        return f"next attempt in {seconds} s."


class Autosave:
    """Decides when an annotation is saved; `place` is the folder's name for people."""

    def __init__(self, place: str) -> None:
        self._last_change = 0.0
        self._changed_while_saving: float | None = None
        self._status = AutosaveStatus(place)

    @property
    def status(self) -> AutosaveStatus:
        """Where saving stands."""
        return self._status

    @property
    def unsaved(self) -> bool:
        """Whether something is in memory only; ask before closing."""
        return self._status.unsaved_since is not None

    def due(self, now: float) -> bool:
        """Whether to start a save now."""
        status = self._status
        if status.unsaved_since is None or status.saving:
            return False
        if status.retry_at is not None:
            return now >= status.retry_at
        paused = now - self._last_change >= _PAUSE
        return paused or now - status.unsaved_since >= _LIMIT

    def changed(self, now: float) -> None:
        """Note that the annotation changed."""
        self._last_change = now
        if self._status.saving and self._changed_while_saving is None:
            self._changed_while_saving = now
        if self._status.unsaved_since is None:
            self._status = replace(self._status, unsaved_since=now)

    def started(self) -> None:
        """Note that the annotation was copied and is being saved."""
        self._changed_while_saving = None
        self._status = replace(self._status, saving=True)

    def succeeded(self, now: float) -> None:
        """Note that what was copied at the start is on the disk."""
        self._status = AutosaveStatus(
            self._status.place,
            unsaved_since=self._changed_while_saving,
            last_saved=now,
        )
        self._changed_while_saving = None

    def failed(self, now: float, message: str) -> None:
        """Note that it could not be saved; `message` says why and what to do."""
        since = self._status.unsaved_since
        self._status = replace(
            self._status,
            # A person may save what did not change; that, too, is tried again.
            unsaved_since=now if since is None else since,
            saving=False,
            failure=message,
            retry_at=now + _RETRY,
        )

    def moved(self, place: str, now: float) -> None:
        """Note that all of it was saved in another folder, which is its place now.

        A failure of the old folder is forgotten. How a save ends that is under way in
        the old folder is not to be told here any more.
        """
        self._changed_while_saving = None
        self._status = AutosaveStatus(place, last_saved=now)


def _ago(seconds: float) -> str:
    if seconds < 2:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    return f"{seconds // 3600:.0f} h ago"
