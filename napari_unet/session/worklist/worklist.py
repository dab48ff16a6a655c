"""The list of images as work: what is in it, how far it is, and the way through it.

Each part has the commands that belong to it; together they share the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_unet.annotation.stage import Stage
from napari_unet.project.project import Project
from napari_unet.session.export_work import SavedWork
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.images.opening import file_of
from napari_unet.session.images.reading import Manners
from napari_unet.session.models.models import Models
from napari_unet.session.predicting import Predicting
from napari_unet.session.projects import Projects
from napari_unet.session.worklist.ahead import Ahead
from napari_unet.session.worklist.batch import PredictAll
from napari_unet.session.worklist.bringing import Bringing
from napari_unet.session.worklist.entry import Entry, OpenLayer
from napari_unet.session.worklist.going import Going
from napari_unet.session.worklist.listing import Listing, source_of
from napari_unet.session.worklist.reading import Picture, Reader, Unread
from napari_unet.session.worklist.rows import Rows
from napari_unet.session.worklist.status import BatchState, WorklistState

MOST_LESSONS = 64
"""A training reads so many images besides those that are open."""


class Worklist:
    """Everything about the list of images.

    Attributes
    ----------
    rows : Rows
        Its entries.
    listing : Listing
        Puts images in and takes them out.
    going : Going
        The way from one image to the next.
    batch : PredictAll
        Predicts all of them.
    ahead : Ahead
        Has the next one ready.
    bringing : Bringing
        Brings the work on them into a new project.
    """

    def __init__(
        self,
        hub: Hub,
        images: Images,
        projects: Projects,
        models: Models,
        predicting: Predicting,
        reader: Reader,
        predict: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._projects = projects
        self._batch: BatchState | None = None
        self.rows = rows = Rows()
        self.going = Going(
            hub, rows, reader, self._is_open, self._waiting, self._expect
        )
        self.listing = Listing(hub, images, projects, rows, self.tell, self.going.go)
        self.batch = PredictAll(
            hub,
            images,
            models,
            rows,
            self._here,
            self.unread,
            self._note_predicted,
            self._show_batch,
        )
        self.ahead = Ahead(
            hub, images, models, predicting, self._following, self.unread, predict
        )
        self.bringing = Bringing(
            hub, images, projects, rows, self._is_settled, self.tell
        )
        # Not a method of this: an image would keep all of the session alive.
        images.manners = rows.manners_for

    def tick(self) -> None:
        """Go on with what is due, for some milliseconds; call it often."""
        for image in self._images:
            self.note(image)
        current = self._images.current
        if current is not None:
            self.rows.manners = Manners.of(
                current.axes, current.reading, current.diameter
            )
        here = self.rows.find(self.going.here)
        if current is not None and here is not None and not self.going.opening:
            self.ahead.wanted = here.work.predicted
        self.batch.tick()
        self.bringing.tick()
        self.ahead.tick()
        self.listing.tick()

    def halt(self) -> None:
        """Stop whatever is going on; what is there stays."""
        self.batch.stop()
        self.bringing.stop()
        self.ahead.drop()

    def bring_into(self, project: Project, before: Project | None) -> None:
        """Let the work on all images come along into a project that is new."""
        self.batch.stop()
        self.ahead.drop()
        self.going.stay()
        self.bringing.start(project, before)

    def show_layers(self, layers: Sequence[OpenLayer], chosen: object) -> None:
        """Note which layers of pixels a front end has, and the chosen one's token."""
        self.listing.show_layers(layers)
        here = (source_of(each) for each in layers if each.token == chosen)
        self.going.note_current(next(here, None))
        self.tell()

    def note(self, image: OpenImage, *, predicted: bool = False) -> None:
        """Note how far the work on an open image is."""
        path = image.identity.path
        source: object = path.resolve() if path is not None else None
        if path is None and image is self._images.current:
            source = self.going.here
        self.listing.note(image, source, predicted=predicted)

    def unread(self, entry: Entry) -> Unread:
        """Return what it takes to open a file without a front end."""
        assert entry.path is not None
        project = self._home(entry)
        return Unread(
            entry.path,
            self._images.schema,
            project,
            self._projects.kept_for(project),
            self._images.opener.held(project),
            self.rows.manners,
            self.going.reader,
        )

    def taught(self) -> list[Entry]:
        """Return the images with verified pixels that are not open."""
        return [
            each
            for each in self.rows
            if each.work.share and each.path is not None and not each.why_not
            if not self._is_open(each.source)
        ]

    def lessons(self) -> list[Unread]:
        """Return what of them a training reads: those nearest to where a person is."""
        open_paths = {each.identity.path for each in self._images.all}
        here = max(self.rows.place(self.going.here), 0)
        closed = [each for each in self.taught() if each.path not in open_paths]
        closed.sort(key=lambda each: abs(self.rows.place(each.source) - here))
        return [self.unread(each) for each in closed[:MOST_LESSONS]]

    def _home(self, entry: Entry) -> Project:
        return self._projects.for_image(file_of(entry.path), entry.name)

    def saved_work(self) -> list[SavedWork]:
        """Return where work on all of them is kept, those that are open among them."""
        projects = self._projects
        if projects.chosen is not None:
            return [SavedWork(projects.chosen.folder)]
        return [
            SavedWork(self._home(each).folder, each.path)
            for each in self.rows
            if each.path is not None
        ]

    def tell(self) -> None:
        """Show how things are."""
        rows = self.rows
        state = WorklistState(
            len(rows),
            sum(each.path is not None and not each.why_not for each in rows),
            rows.count(Stage.DONE),
            rows.count(Stage.UNSEEN),
            rows.place(self.going.here),
            opening=self.going.opening,
            taught=len(self.taught()),
            adding=self.listing.adding,
            batch=self._batch,
            bringing=self.bringing.progress,
        )
        self._hub.show(worklist=state)

    def _is_settled(self) -> bool:
        """Whether no image is being saved that nobody looks at any more."""
        leaving = (e.saving for e in self._images.all if e.saving.closing)
        return not self.batch.running and all(each.why_lost for each in leaving)

    def _is_open(self, source: object) -> bool:
        return self.listing.is_open(source)

    def _waiting(self, source: object) -> Picture | None:
        return self.ahead.waiting(source)

    def _expect(self, entry: Entry) -> None:
        self.ahead.expect(entry)

    def _here(self) -> object:
        return self.going.here

    def _following(self) -> Entry | None:
        entry = self.rows.beyond(self.going.here, 1)
        return None if entry is None or self._is_open(entry.source) else entry

    def _note_predicted(self, image: OpenImage) -> None:
        self.note(image, predicted=True)

    def _show_batch(self, batch: BatchState | None) -> None:
        self._batch = batch
        self.tell()
