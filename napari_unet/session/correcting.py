"""What a person says of the labels of the current image, besides painting in them.

Each of it is one step that Ctrl+Z takes back. Starting over keeps a copy of the work
as well, which is there when the step is long forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from psygnal import Signal

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit, tool_of
from napari_unet.annotation.edits import (
    Restore,
    StartOver,
    TakeOver,
    TakeToCorrect,
)
from napari_unet.annotation.history import Entry, StepKind
from napari_unet.annotation.labels import Labels, tell
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError, StorageError
from napari_unet.geometry.box import Box
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.snapshots import Snapshot, keep_snapshot, read_snapshot
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.runner import Handlers
from napari_unet.session.words import snapshot_in_words, verified_in_words

_STEPS: dict[StepKind, str] = {
    "edit": "a stroke",
    "accept": "what was accepted",
    "unverify": "what was un-verified",
    "replace": "starting over",
    "take": "labels of another program",
    "track": "ids over time",
}
_AS_PAINTED = "The labels of '{}' are here, as if you had painted them."
_TO_CORRECT = (
    "The labels of '{}' are here, and nothing of them is verified yet: correct them, "
    "and accept what is right. They stay until you press Predict."
)
_JUST_CHANGED = "What is in view has changed just now: look at it, then accept."

_NOTHING_UNDONE = "The last tool had changed nothing, so nothing was taken back."
_AGAIN = "Ctrl+Z again takes back the step before: {}."


class Correcting:
    """The commands of the correct panel, for the current image.

    `note_edit` takes note that the person has changed an image, `cancel` cancels a
    prediction that is going on, and `unseen` says whether something in a box changed a
    moment ago that the person had not asked for.

    Attributes
    ----------
    done : Signal(OpenImage, Edit, Change or None)
        A tool was used on an image; what changed, if anything did.
    """

    done = Signal(OpenImage, object, object)

    def __init__(
        self,
        hub: Hub,
        images: Images,
        note_edit: Callable[[OpenImage], None],
        cancel: Callable[[], None],
        unseen: Callable[[OpenImage, Box], bool],
    ) -> None:
        self._hub = hub
        self._images = images
        self._note_edit = note_edit
        self._cancel = cancel
        self._unseen = unseen
        self._titles: dict[OpenImage, dict[int, str]] = {}
        self._changed_nothing: OpenImage | None = None

    def do(self, edit: Edit) -> None:
        """Do what a tool offers with the current labels, and say what came of it."""
        why_not = self._hub.state.why_not_do(edit.name) or edit.misses()
        why_not = why_not or self._why_not_yet(edit)
        if image := self._allowed(why_not):
            change, words = self.perform(image, edit), ""
            if tool := tool_of(edit):
                words = tool.done if change else tool.unchanged
            self._say(f"{words} {verified_in_words(image)}".lstrip())
            if change is None:
                self.note_nothing(image)
            self.done.emit(image, edit, change)

    def start_empty(self) -> None:
        """Show the labels without a prediction: empty ones, or those of earlier."""
        if image := self._allowed(self._hub.state.why_not_paint):
            self._images.show_labels(image)
            if not image.annotation.empty:
                self._say(
                    f"Your earlier work on {image.name} is here again: "
                    f"{verified_in_words(image)} Start over clears it."
                )

    def take(self, labels: Labels, source: str, *, right: bool = False) -> None:
        """Take over labels that another program made, called `source`.

        They fit the image and the task, see `Labeling.take_over`. They are taken as a
        prediction, to be corrected and accepted; or, where they are `right`, as if the
        person had painted what is different in them.
        """
        image = self._allowed(self._hub.state.why_not_change)
        if image is None:
            return
        self._images.show_labels(image)
        if not right:
            self._cancel()  # or it would replace them
        kind, words = (TakeOver, _AS_PAINTED) if right else (TakeToCorrect, _TO_CORRECT)
        edit = kind(labels.array)
        change = self.perform(image, edit)
        notes = tell([(source, labels)])
        self._say(" ".join([*notes, words.format(source)]))
        self.done.emit(image, edit, change)

    def start_over(self) -> None:
        """Clear the current labels, after a copy was taken that is kept."""
        image = self._allowed(self._hub.state.why_not_start_over)
        if image is None:
            return
        self._cancel()
        work, objects = image.annotation.snapshot(), image.annotation.counts().objects
        self.perform(image, StartOver())
        self._say(f"Started over on {image.name}. Undo with Ctrl+Z.")
        self._hub.runner.start(
            KeepSnapshot(
                image.project.folder, image.key, image.identity, work, objects
            ),
            Handlers(
                result=lambda kept: self._on_kept(image, kept),
                error=self._on_not_kept,
            ),
        )

    def bring_back(self, number: int) -> None:
        """Put a copy that was kept in the place of the current labels."""
        image = self._allowed(self._hub.state.why_not_bring_back)
        if image is None:
            return
        self._cancel()
        self._hub.start(
            ReadSnapshot(image.project.folder, image.key, image.identity, number),
            lambda work: self._on_read(image, work),
            "correct",
        )

    def note_replay(self, image: OpenImage, change: Change) -> None:
        """Say what was undone or redone, where no stroke shows it."""
        self._changed_nothing = None
        history = image.annotation.history
        words = {
            "undo": ("Took back", history.undone),
            "redo": ("Did again", history.done),
        }
        if change.kind in words and image is self._images.current:
            word, steps = words[change.kind]
            what = self._name_of(image, steps[-1])
            left = _steps_left(len(history.done))
            self._say(f"{word}: {what}. {left} {verified_in_words(image)}")

    def note_nothing(self, image: OpenImage) -> None:
        """Note that a tool has changed nothing: no undo is for what was before it."""
        self._changed_nothing = image

    def may_undo(self, image: OpenImage) -> bool:
        """Return whether an undo is for the last step; if not, say why.

        Who takes back a tool that has changed nothing would lose what was right.
        """
        nothing, self._changed_nothing = self._changed_nothing, None
        if nothing is not image:
            return True
        done = image.annotation.history.done
        more = _AGAIN.format(self._name_of(image, done[-1])) if done else ""
        self._say(f"{_NOTHING_UNDONE} {more}".rstrip())
        return False

    def perform(self, image: OpenImage, edit: Edit) -> Change | None:
        """Do an edit of an image, whatever is allowed; return what changed."""
        change = image.canvas.do(edit)
        if change is not None:
            self._changed_nothing = None
            if tool := tool_of(edit):
                self._titles.setdefault(image, {})[change.stroke] = tool.title
            self._note_edit(image)
        return change

    def forget(self, image: OpenImage) -> None:
        """Forget what was done on an image that is put away."""
        self._titles.pop(image, None)
        if self._changed_nothing is image:
            self._changed_nothing = None

    def _name_of(self, image: OpenImage, step: Entry) -> str:
        """Return what people call a step; of one of another day, of what kind it is."""
        return self._titles.get(image, {}).get(step.number) or _STEPS[step.kind]

    def _allowed(self, why_not: str) -> OpenImage | None:
        """Return the image, with nothing pending; or say why nothing can change."""
        image = self._images.current
        if why_not or image is None:
            self._hub.report("correct", InputError(why_not or "Choose an image."))
            return None
        self._hub.clear("correct")
        for each in self._images:
            each.canvas.settle()
        return image

    def _why_not_yet(self, edit: Edit) -> str:
        """Return that a person cannot have seen what they accept, if so."""
        image = self._images.current
        if image is None:
            return ""
        box = edit.looked_at(image.annotation.labels.shape)
        return _JUST_CHANGED if box and self._unseen(image, box) else ""

    def _on_not_kept(self, error: Exception) -> None:
        told = f"The work so far could not be kept as a copy: {error}"
        self._hub.report("correct", StorageError(f"{told} Ctrl+Z brings it back."))

    def _on_kept(self, image: OpenImage, kept: Snapshot) -> None:
        image.snapshots = (kept, *image.snapshots)
        if image is self._images.current:
            self._images.tell()
            self._say(
                f"Started over on {image.name}. Undo with Ctrl+Z; "
                f"{snapshot_in_words(kept)} stays under Earlier work."
            )

    def _on_read(self, image: OpenImage, work: AnnotationSnapshot) -> None:
        if image is not self._images.current or image.canvas.busy:
            return
        self._images.show_labels(image)
        image.canvas.settle()
        self.perform(image, Restore(work))
        self._say(f"Earlier work is here again. {verified_in_words(image)}")

    def _say(self, words: str) -> None:
        self._hub.say(words, "image", "labels")


def _steps_left(count: int) -> str:
    """Say how many steps more can be taken back."""
    if not count:
        return "Nothing is left to take back."
    return f"{count} {'steps are' if count > 1 else 'step is'} left."


@dataclass(frozen=True, slots=True, eq=False)
class KeepSnapshot(Job[None, Snapshot]):
    """Write a copy of the work on an image into its project."""

    folder: Path
    key: str
    identity: ImageIdentity
    work: AnnotationSnapshot
    objects: int

    def run(self) -> Generator[None, None, Snapshot]:
        """Write it."""
        yield
        return keep_snapshot(
            self.folder, self.key, self.identity, self.work, self.objects
        )


@dataclass(frozen=True, slots=True)
class ReadSnapshot(Job[None, AnnotationSnapshot]):
    """Read such a copy back."""

    folder: Path
    key: str
    identity: ImageIdentity
    number: int

    def run(self) -> Generator[None, None, AnnotationSnapshot]:
        """Read it."""
        yield
        return read_snapshot(self.folder, self.key, self.identity, self.number)
