"""When to save: soon after a person pauses, and never later than a few seconds.

Every time is passed in, in seconds of one monotonic clock, so the policy has no clock
and no thread of its own. Who owns it calls `due` regularly, about once a second.
"""

from __future__ import annotations

from napari_unet.project.journal import JournalStatus

_PAUSE = 2.0
"""Seconds without a change after which a save is due."""
_LIMIT = 8.0
"""Seconds after the first unsaved change at which a save is due even so."""
_RETRY = 10.0
"""Seconds after a failure until the next attempt."""


class Autosave:
    """Decides when an annotation is saved; `place` is the folder's name for people.

    `unsaved_since` is the time of the first change that is in memory only, and
    `failure` says why the last attempt failed, until a save succeeds.
    """

    def __init__(self, place: str) -> None:
        self._last_change = 0.0
        self._start_anew(place)

    def _start_anew(
        self, place: str, since: float | None = None, saved: float | None = None
    ) -> None:
        self._place = place
        self.unsaved_since = since
        self._last_saved = saved
        self._changed_while_saving: float | None = None
        self.saving = False
        self.failure = ""
        self._retry_at: float | None = None

    @property
    def unsaved(self) -> bool:
        """Whether something is in memory only; ask before closing."""
        return self.unsaved_since is not None

    def due(self, now: float) -> bool:
        """Whether to start a save now."""
        if self.unsaved_since is None or self.saving:
            return False
        if self._retry_at is not None:
            return now >= self._retry_at
        paused = now - self._last_change >= _PAUSE
        return paused or now - self.unsaved_since >= _LIMIT

    def changed(self, now: float) -> None:
        """Note that the annotation changed."""
        self._last_change = now
        if self.saving and self._changed_while_saving is None:
            self._changed_while_saving = now
        if self.unsaved_since is None:
            self.unsaved_since = now

    def started(self) -> None:
        """Note that the annotation was copied and is being saved."""
        self._changed_while_saving = None
        self.saving = True

    def succeeded(self, now: float) -> None:
        """Note that what was copied at the start is on the disk."""
        self._start_anew(self._place, self._changed_while_saving, now)

    def failed(self, now: float, message: str) -> None:
        """Note that it could not be saved; `message` says why and what to do."""
        if self.unsaved_since is None:
            # A person may save what did not change; that, too, is tried again.
            self.unsaved_since = now
        self.saving = False
        self.failure = message
        self._retry_at = now + _RETRY

    def moved(self, place: str, now: float) -> None:
        """Note that all of it was saved in another folder, which is its place now.

        A failure of the old folder is forgotten. How a save ends that is under way in
        the old folder is not to be told here any more.
        """
        self._start_anew(place, saved=now)

    def describe(self, now: float, journal: JournalStatus | None = None) -> str:
        """Return one or two sentences for the dock."""
        if failure := self.failure or (journal.failure if journal else ""):
            written = journal is not None and not journal.unwritten
            where = "on the disk, in the journal" if written else "in memory"
            return (
                f"Not saved. {failure} Your changes are {where}; {self._outlook(now)}"
            )
        on_disk = journal is not None and not journal.unsynced
        if self.saving or (self.unsaved and not on_disk):
            return "Saving…"
        if self._last_saved is None:
            return (
                "All changes are on the disk" if self.unsaved else "Nothing new to save"
            )
        when = f"{_ago(now - self._last_saved)} in {self._place}"
        if self.unsaved:
            return f"All changes are on the disk; saved {when}"
        return f"Saved {when}"

    def _outlook(self, now: float) -> str:
        if self.saving or self._retry_at is None:
            return "trying again."
        seconds = max(0, round(self._retry_at - now))
        return f"next attempt in {seconds} s."


def _ago(seconds: float) -> str:
    if seconds < 2:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    return f"{seconds // 3600:.0f} h ago"
