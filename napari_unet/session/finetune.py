"""One round of a training: what it learns from, and what comes of it.

A round learns from copies of what is verified when it begins. It publishes a model
whenever that is better than the round's start, so stopping at any time loses nothing.
Which round comes next, and when, is decided in `napari_unet.session.training`.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy.typing as npt

from napari_unet import io, learning
from napari_unet.annotation.objects import ObjectCounts
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.core.events import (
    MicroBatch,
    Notice,
    Preparing,
    StepSkipped,
    TrainStep,
    Validated,
)
from napari_unet.core.jobs import Job, drain, told_as
from napari_unet.errors import StorageError
from napari_unet.geometry.maps import Mask
from napari_unet.images.channels import Channels, take_channels
from napari_unet.models.record import Found, ModelRecord, made_by
from napari_unet.models.training import TrainingNotes
from napari_unet.project.identity import ImageIdentity
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.opening import LookUpImage, Opened
from napari_unet.session.interruption import (
    RoundStart,
    iter_resume_round,
    start_round,
)
from napari_unet.session.large_lessons import LargeLesson, large_lessons_of
from napari_unet.session.models.timeline import Preset
from napari_unet.session.worklist.reading import Unread
from napari_unet.tasks import task_of
from napari_unet.tasks.sample import Sample

if TYPE_CHECKING:
    from napari_unet.learning.config import FitConfig
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSnapshot:
    """An image and what was known about it at one moment.

    A model gets some `channels` of all, and learns from the pixels that are
    `trainable`: verified, without objects that the person is working on.
    """

    identity: ImageIdentity
    pixels: npt.NDArray[Any]
    channels: Channels | None
    annotation: AnnotationSnapshot
    trainable: Mask
    counts: ObjectCounts
    voxel_size: Mapping[str, float]

    @classmethod
    def of(cls, image: OpenImage) -> TrainingSnapshot:
        """Copy what is known of an image now."""
        return cls(
            image.identity,
            image.pixels,
            image.reading.channels,
            image.annotation.snapshot(),
            image.annotation.trainable(),
            image.annotation.counts(),
            image.voxel_size,
        )

    def as_sample(self) -> Sample:
        """Return it as training takes it."""
        axes = self.identity.axes
        pixels, axes = take_channels(self.pixels, axes, self.channels)
        labels, size = self.annotation.labels, self.voxel_size
        return Sample(pixels, labels, self.trainable, axes, size)


def snapshots_of(images: Iterable[OpenImage]) -> list[TrainingSnapshot | LargeLesson]:
    """Return copies of everything that is verified in some images now."""
    for image in images:
        image.canvas.flush()
    found: list[TrainingSnapshot | LargeLesson] = []
    for image in teaching(images):
        found += large_lessons_of(image) or [TrainingSnapshot.of(image)]
    return found


def teaching(images: Iterable[OpenImage]) -> list[OpenImage]:
    """Return those images in which something is verified."""
    return [image for image in images if image.annotation.counts().verified_pixels]


@dataclass(frozen=True, slots=True, eq=False)
class Improved:
    """A better model of one round; rounds count through all trainings of a session."""

    model: Model
    record: ModelRecord
    round: int
    preset: Preset = "fine-tune"
    training: TrainingNotes | None = None

    @property
    def score(self) -> float:
        """Agreement with held-out pixels; 0 where that is no number."""
        return self.record.score or 0.0

    @property
    def start_score(self) -> float:
        """The same of the round's start."""
        return self.record.start_score or 0.0


_SIZES: Mapping[Preset, Mapping[str, int]] = {
    "from-scratch": {
        "batch_size": 4,
        "micro_batch": 4,
        "crop": 128,
        "validate_every": 10,
    }
}
"""What a person waits for: with few objects, small steps are soon worth a look."""

RoundEvent: TypeAlias = (
    Notice | Preparing | MicroBatch | TrainStep | StepSkipped | Validated | Improved
)


@dataclass(frozen=True, slots=True, eq=False)
class TrainRound(Job[RoundEvent, None]):
    """One round of a training, which starts from a model.

    `preset` is a name in `napari_unet.learning.config.PRESETS`, and `folder` is where
    checkpoints are kept. With `resume`, an interrupted round goes on that learned from
    the same. The work on images `elsewhere`, which are not open, is read from the disk.
    """

    apart: ClassVar[bool] = True
    inside: ClassVar[Notice | None] = Notice(
        "No process can be started for it, so the training runs inside of napari and "
        "is slower while you paint."
    )

    number: int
    model: Model
    record: ModelRecord
    snapshots: Sequence[TrainingSnapshot | LargeLesson]
    minutes: float
    preset: Preset = "fine-tune"
    folder: Path | None = None
    resume: bool = False
    elsewhere: Sequence[Unread] = ()

    def run(self) -> Generator[RoundEvent, None, None]:
        """Train; see `napari_unet.learning.train.iter_fit`."""
        yield Preparing(0, len(self.snapshots))
        snapshots = [*self.snapshots, *(yield from iter_read_work(self.elsewhere))]
        # Imported in the background: torch takes seconds.
        every = (snapshot.as_sample() for snapshot in snapshots)
        samples = [sample for sample in every if sample is not None]
        yield Preparing(0, len(samples))
        config = learning.PRESETS[self.preset].model_copy(
            update={
                "minutes": self.minutes,
                "round": self.number,
                **_SIZES.get(self.preset, {}),
            }
        )
        replay = []
        if task_of(self.model.spec).labels.objects:
            replay = io.replay_samples(self.record.replay)
            yield Preparing(0, len(samples))
        begun = yield from self._begin(config, samples, replay)
        notes = self._notes(begun, snapshots, replay)
        start_score, held_out = 0.0, False
        clock = time.monotonic() - begun.spent
        for event in learning.iter_fit(
            begun.model,
            samples,
            begun.config,
            replay=replay,
            checkpoint=begun.checkpoint,
        ):
            if isinstance(event, learning.ModelImproved):
                record = made_by(begun.record, event.step, event.score, start_score)
                counts = [snapshot.counts for snapshot in snapshots]
                found = event.found if held_out else None
                record = self._told_of(record, time.monotonic() - clock, counts, found)
                yield Improved(event.model, record, self.number, self.preset, notes)
                continue
            if isinstance(event, Validated):
                start_score, held_out = event.start_score, event.held_out
            yield event

    def _notes(
        self,
        begun: RoundStart,
        snapshots: Sequence[TrainingSnapshot | LargeLesson],
        replay: Sequence[Sample],
    ) -> TrainingNotes:
        # A large image teaches by several parts.
        names = list(dict.fromkeys(each.identity.name for each in snapshots))
        return TrainingNotes.of(
            begun.model.name,
            f"{len(names)} image{'s' * (len(names) != 1)}, corrected in napari",
            names,
            begun.config.model_dump(mode="json"),
            self.record.replay if replay else "",
        )

    def _told_of(
        self,
        record: ModelRecord,
        seconds: float,
        counts: Sequence[ObjectCounts],
        found: Found | None,
    ) -> ModelRecord:
        """Return the record of a model with what it learned from, and when."""
        has_objects = task_of(self.model.spec).labels.objects
        objects = sum(each.verified_objects for each in counts)
        return record.model_copy(
            update={
                "created": datetime.now(UTC),
                "seconds": seconds,
                "objects": objects if has_objects else None,
                "pixels": sum(each.verified_pixels for each in counts),
                "found": found,
            }
        )

    def _begin(
        self, config: FitConfig, samples: list[Sample], replay: list[Sample]
    ) -> Generator[RoundEvent, None, RoundStart]:
        """Go on where an interrupted round stood, or else begin anew."""
        if self.resume and self.folder is not None:
            looking = iter_resume_round(config, self.folder, samples, replay)
            resumed = yield from told_as(Preparing(0, len(samples)), looking)
            if resumed is not None:
                return resumed
        try:
            return start_round(self.model, config, self.folder, self.record)
        except StorageError as error:
            yield Notice(f"A crash would end this training for good. {error}")
            return start_round(self.model, config, None, self.record)


def iter_read_work(
    elsewhere: Sequence[Unread],
) -> Generator[Preparing | Notice, None, list[TrainingSnapshot | LargeLesson]]:
    """Read images that are not open, and the work on them; only what is verified.

    What cannot be read teaches nothing, which is told.
    """
    found: list[TrainingSnapshot | LargeLesson] = []
    for number, unread in enumerate(elsewhere):
        yield Preparing(number, len(elsewhere))
        try:
            request = unread.request(unread.reader.read(unread.path))
            opened = drain(LookUpImage(request).run())
        except Exception as error:  # noqa: BLE001 - readers raise anything at all
            yield Notice(f"{unread.path.name} teaches nothing now: {error}")
            continue
        if isinstance(opened, Opened):
            found += snapshots_of([opened.image])
    return found
