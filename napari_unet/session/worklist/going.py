"""Going from one image of the list to another.

How it flows: the file of an image is read in the background, unless a layer shows it or
it was read ahead. Then the front end is asked to show it, and opens it as any other.
"""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal

from napari_unet.annotation.stage import Stage
from napari_unet.errors import InputError
from napari_unet.session.hub import Hub
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.status import Problem
from napari_unet.session.worklist.entry import Entry
from napari_unet.session.worklist.reading import Picture, Reader, ReadFile
from napari_unet.session.worklist.rows import Rows


class Going:
    """Where in the list a person is, and where they go.

    `is_open` says whether a layer shows an image, `waiting` gives the picture that was
    read ahead, if it was, and `expect` is told of an image before it comes.

    Attributes
    ----------
    reader : Reader
        How files are read.
    wanted : Signal(Entry, Picture or None)
        The front end shall show an image; without a picture, a layer does already.
    moved : Signal()
        A person is elsewhere, or on the way.
    """

    wanted = Signal(object, object)
    moved = Signal()

    def __init__(
        self,
        hub: Hub,
        rows: Rows,
        reader: Reader,
        is_open: Callable[[object], bool],
        waiting: Callable[[object], Picture | None],
        expect: Callable[[Entry], None],
    ) -> None:
        self._hub = hub
        self._rows = rows
        self.reader = reader
        self._is_open = is_open
        self._waiting = waiting
        self._expect = expect
        self._current: object = None
        self._heading: object = None
        # Where a person wanted to go, or what left the screen; the way goes on there.
        self._missed: object = None
        self._reading: Running | None = None

    @property
    def here(self) -> object:
        """The source of the image that a person works on, or goes to."""
        return self._current if self._heading is None else self._heading

    @property
    def opening(self) -> bool:
        """Whether a file is being read."""
        return self._heading is not None

    def go(self, source: object) -> None:
        """Go to an image: the front end shows it, when it is read."""
        entry = self._rows.find(source)
        if entry is None or self._refused(entry.why_not):
            return
        self.stay()
        self._heading = source
        picture = self._waiting(source)
        if self._is_open(source) or picture is not None:
            self._arrive(entry, picture)
        else:
            self._read(entry)
        self.moved.emit()

    def step(self, by: int) -> None:
        """Go to the next image that can be opened, or to the one before."""
        start = self.here if self._missed is None or self.opening else self._missed
        entry = self._rows.beyond(start, by)
        if entry is not None and entry.source == self._current:
            entry = self._rows.beyond(entry.source, by)  # one is there already
        if entry is not None:
            self.go(entry.source)
            return
        which = "last" if by > 0 else "first"
        self._refused("" if len(self._rows) else "There are no images here yet.")
        if len(self._rows):
            self._hub.say(f"This is the {which} image of the list.", "image")

    def step_to_unfinished(self) -> bool:
        """Go to the next image that is neither open nor done, round the end.

        Return whether there is one.
        """
        at = self._rows.place(self.here) + 1
        way = [*self._rows][at:] + [*self._rows][:at]
        entry = next((each for each in way if self._is_left(each)), None)
        if entry is not None:
            self.go(entry.source)
        return entry is not None

    def stay(self) -> None:
        """Go nowhere after all."""
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self._heading = None

    def note_current(self, source: object) -> None:
        """Note which image the front end has chosen, by whatever way."""
        if source != self._current:
            self._missed = self._current if source is None else None
            self._current = source
            self.moved.emit()

    def _is_left(self, entry: Entry) -> bool:
        """Whether there is something to do in an image that is not open."""
        done = entry.why_not or entry.problem or entry.work.stage is Stage.DONE
        return not (done or self._is_open(entry.source))

    def _read(self, entry: Entry) -> None:
        if entry.path is None:
            self.stay()
            return

        def arrive(picture: Picture) -> None:
            self._reading = None
            self._arrive(entry, picture)

        def fail(error: Exception) -> None:
            if self._heading == entry.source:
                self._reading = self._heading = None
                self._missed = entry.source
            problem = Problem.of(error).text
            self._rows.note_problem(entry.source, problem)
            self._hub.report("images", InputError(f"{entry.name}: {problem}"))
            self.moved.emit()

        self._hub.say(f"Reading {entry.name}…", "image")
        job = ReadFile(entry.path, self.reader)
        running = self._hub.runner.start(job, Handlers(result=arrive, error=fail))
        if running.running:
            self._reading = running

    def _arrive(self, entry: Entry, picture: Picture | None) -> None:
        if self._heading != entry.source:
            return  # the person went elsewhere meanwhile
        self._heading, self._current, self._missed = None, entry.source, None
        self._rows.note_problem(entry.source, "")
        self._expect(entry)
        self.wanted.emit(self._rows.find(entry.source) or entry, picture)
        self.moved.emit()

    def _refused(self, why_not: str) -> bool:
        """Say why something is refused, if it is."""
        if why_not:
            self._hub.report("images", InputError(why_not))
        else:
            self._hub.clear("images")
        return bool(why_not)
