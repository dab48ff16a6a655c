"""Another version beside what is shown now: a preview that never touches the labels.

How it flows: the version predicts the image, the view first, and the prediction is made
to fit a copy of the labels, as if it were applied. What it would change is a preview,
which front ends show in the place of the labels, and no object but those has another
id. It lasts until the labels change, whoever changes them; what differs in view is
counted and told.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from psygnal import Signal

from napari_unet.annotation.annotation import Annotation, Mergeable, Predicted
from napari_unet.core.events import TilesDone
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.events import PredictEvent, ViewPredicted
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.models.loading import LoadVersion
from napari_unet.session.models.status import Comparison
from napari_unet.session.models.timeline import ModelVersion, Timeline
from napari_unet.session.prediction import Predict
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.words import schema_of
from napari_unet.tasks import task_of
from napari_unet.tasks.task import percent

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.weights.model import Model

E = TypeVar("E")
R = TypeVar("R")
T = TypeVar("T")

_MOST_FITS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What labels would be with another version, and what they are.

    Nobody writes to the arrays. `labels` are of the whole image, 0 outside of the `box`
    for which the version has predicted by now; `now` is of the box.
    """

    labels: LabelMap
    now: LabelMap
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class FitPreview(Job[None, Preview]):
    """Fit what a version predicts of a box into a copy of the labels of an image."""

    merging: Mergeable
    box: Box
    shape: tuple[int, ...]

    def run(self) -> Generator[None, None, Preview]:
        """Fit it."""
        yield
        now, fitted = self.merging.outcome()
        if self.box.shape == self.shape:
            return Preview(fitted, now, self.box)
        labels = np.zeros(self.shape, np.int32)
        labels[self.box.slices] = fitted
        return Preview(labels, now, self.box)


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs in a view: objects by where they are found, or a share of pixels."""

    there: int
    now: int
    both: int
    share: float

    def in_words(self, name: str, *, objects: bool) -> str:
        """Say it; `name` is the version, and where there are `objects` they count."""
        if not objects:
            return f"{percent(self.share)} of pixels differ"
        if not (self.there or self.now):
            same = f"the same {self.both:,} objects" if self.both else "no objects"
            return f"{same} by {name} as now"
        there, now, both = (_count(n) for n in (self.there, self.now, self.both))
        if self.there:
            there += " object" if self.there == 1 else " objects"
        return f"{there} only by {name}, {now} only now, {both} by both"


@dataclass(frozen=True, slots=True, eq=False)
class CountDifferences(Job[None, Differences]):
    """Count what differs between a preview and what is shown now, in a view."""

    preview: Preview
    view: Box

    def run(self) -> Generator[None, None, Differences]:
        """Count; an object has the same id in both, or it is in one of them only."""
        yield
        preview, view = self.preview, self.view
        there = preview.labels[view.slices]
        now = preview.now[view.relative_to(preview.box).slices]
        mine, other = np.unique(there[there > 0]), np.unique(now[now > 0])
        yield
        # Of one at the border only a part may be in view that the other has not.
        only_there = np.setdiff1d(mine, other)
        only_there = only_there[~np.isin(only_there, preview.now)]
        only_now = np.setdiff1d(other, mine)
        only_now = only_now[~np.isin(only_now, preview.labels)]
        both = len(np.union1d(mine, other)) - len(only_there) - len(only_now)
        share = np.count_nonzero(there != now) / max(1, there.size)
        return Differences(len(only_there), len(only_now), both, share)


@dataclass(slots=True, eq=False)
class _Run:
    """A comparison that goes on; `revision` is that of the labels that it is about.

    The view that was `counted` last is not counted again.
    """

    image: OpenImage
    annotation: Annotation
    version: ModelVersion
    jobs: list[Running] = field(default_factory=list)
    preview: Preview | None = None
    revision: int | None = None
    fits: int = 0
    counted: Box | None = None
    counting: Running | None = None


class Comparing:
    """At most one comparison at a time.

    `view` returns the part of the current image that the person looks at, or None.

    Attributes
    ----------
    changed : Signal()
        There is another preview or none, or the other one of the two is to be shown.
    """

    changed = Signal()

    def __init__(
        self,
        hub: Hub,
        images: Images,
        timeline: Timeline,
        view: Callable[[], Box | None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._timeline = timeline
        self._view = view
        self._run: _Run | None = None

    @property
    def preview(self) -> Preview | None:
        """What may be shown in the place of the labels of the current image."""
        return self._run.preview if self._run is not None else None

    def start(self, number: int) -> None:
        """Compare a version with what is shown now."""
        self.end()
        version, image = self._timeline.get(number), self._images.current
        why_not = self._hub.state.why_not_compare(number)
        if why_not or image is None:
            self._hub.report("finetune", InputError(why_not))
            return
        self._hub.clear("finetune")
        image.canvas.settle()  # whoever compares has moved on
        run = self._run = _Run(image, image.annotation, version)
        self._show(Comparison(number, version.title, f"Loading {version.title}…"))
        if version.model is not None:
            self._predict(run, version.model)
        else:
            self._begin(run, LoadVersion(version), lambda it: self._on_loaded(run, it))

    def flip(self) -> None:
        """Show the preview, or what is shown now: always the other one of the two."""
        comparison = self._hub.state.comparing
        if comparison is None:
            why_not = "Choose a version in the list, and press Compare first."
            self._hub.report("finetune", InputError(why_not))
        elif comparison.ready:
            self._show(replace(comparison, flipped=not comparison.flipped))

    def end(self) -> None:
        """Let go of the preview; harmless when there is none."""
        run, self._run = self._run, None
        if run is not None:
            for job in run.jobs:
                job.cancel()
            self._show(None)

    def look(self) -> None:
        """End when it is about something else than what is there now."""
        if self._run is not None and self._is_over(self._run):
            self.end()

    def tick(self) -> None:
        """See whether it goes on, and count again where the view is another one."""
        self.look()
        run = self._run
        if run is None or run.preview is None:
            return
        if run.counting is not None and run.counting.running:
            return
        view = (self._view() or run.preview.box).intersect(run.preview.box)
        if view != run.counted and not view.empty:
            run.counted = view
            job = CountDifferences(run.preview, view)
            run.counting = self._begin(run, job, lambda it: self._on_counted(run, it))

    def _is_over(self, run: _Run) -> bool:
        image, number = run.image, run.version.number
        if image is not self._images.current or not image.has_labels:
            return True
        if image.annotation is not run.annotation:
            return True
        if run.preview is not None and run.revision != image.annotation.revision:
            return True
        numbers = {each.number for each in self._timeline.versions}
        return number not in numbers or number == self._hub.state.version

    def _begin(
        self,
        run: _Run,
        job: Job[E, R],
        then: Callable[[R], object],
        event: Callable[[E], object] = lambda _: None,
    ) -> Running:
        """Start a job whose events and result count as long as the comparison does."""

        def while_it_lasts(call: Callable[[T], object]) -> Callable[[T], None]:
            def heard(told: T) -> None:
                if self._run is run:
                    call(told)

            return heard

        running = self._hub.runner.start(
            job,
            Handlers(
                event=while_it_lasts(event),
                result=while_it_lasts(then),
                error=while_it_lasts(self._on_failed),
            ),
        )
        run.jobs = [each for each in (*run.jobs, running) if each.running]
        return running

    def _on_loaded(self, run: _Run, loaded: tuple[Model, Decoding | None]) -> None:
        self._timeline.fill(run.version.number, *loaded)
        self._predict(run, loaded[0])

    def _predict(self, run: _Run, model: Model) -> None:
        if schema_of(model.spec) != run.image.schema:
            predicts = task_of(model.spec).words.predicts(model.spec)
            why_not = f"{run.version.title} is for other work ({predicts}): go to it."
            self._on_failed(InputError(why_not))
            return
        self._tell(f"Predicting with {run.version.title}…")
        self._begin(
            run,
            Predict.of(run.image, model, self._view()),
            lambda predicted: self._fit(run, predicted),
            lambda event: self._on_event(run, event),
        )

    def _on_event(self, run: _Run, event: PredictEvent) -> None:
        if isinstance(event, TilesDone) and run.preview is None:
            share = f"{event.done / event.total:.0%}" if event.total else ""
            self._tell(f"Predicting with {run.version.title}… {share}".rstrip())
        elif isinstance(event, ViewPredicted):
            self._fit(run, event.labels, event.box)

    def _fit(self, run: _Run, predicted: Predicted, box: Box | None = None) -> None:
        """Fit a prediction of a box, or of all, into the labels as they are now."""
        image, shape = run.image, run.image.identity.labels_shape
        box = box or Box.whole(shape)
        image.canvas.flush()
        revision, merging = (
            image.annotation.revision,
            image.annotation.merging(predicted, box),
        )

        def arrive(preview: Preview) -> None:
            image.canvas.flush()
            whole = run.preview is not None and run.preview.box.shape == shape
            if image.annotation.revision != revision:
                self._fit_again(run, predicted, box)
            elif not whole:
                run.preview, run.revision, run.counted = preview, revision, None
                self._on_preview()

        self._begin(run, FitPreview(merging, box, shape), arrive)

    def _fit_again(self, run: _Run, predicted: Predicted, box: Box) -> None:
        """Fit once more into labels that changed meanwhile, but not for ever."""
        run.fits += 1
        if run.fits < _MOST_FITS:
            self._fit(run, predicted, box)
        else:
            why_not = "The labels change all the time: compare again later."
            self._on_failed(InputError(why_not))

    def _on_preview(self) -> None:
        comparison = self._hub.state.comparing
        if comparison is not None:
            # The first one is what the person waits for.
            flipped = comparison.flipped or not comparison.ready
            self._show(replace(comparison, ready=True, flipped=flipped))
        self.tick()

    def _on_counted(self, run: _Run, found: Differences) -> None:
        objects = task_of(run.image.schema).labels.objects
        self._tell(f"In view: {found.in_words(run.version.title, objects=objects)}.")

    def _on_failed(self, error: Exception) -> None:
        self.end()
        self._hub.report("finetune", error)

    def _tell(self, words: str) -> None:
        if (comparison := self._hub.state.comparing) is not None:
            self._hub.show(comparing=replace(comparison, words=words))

    def _show(self, comparison: Comparison | None) -> None:
        self._hub.show(comparing=comparison)
        self.changed.emit()


def _count(number: int) -> str:
    return f"{number:,}" if number else "none"
