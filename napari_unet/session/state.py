"""What front ends show: one frozen value, replaced whenever something changes.

What was said is a part of it, see `napari_unet.session.remarks`.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.annotation.edit import EDITS, why_no_labels
from napari_unet.exports import FORMATS
from napari_unet.models.library import OwnModel
from napari_unet.session.images.place import NOT_SAVED, SaveState
from napari_unet.session.images.size import not_of_large
from napari_unet.session.images.status import ImageState
from napari_unet.session.models.status import (
    Comparison,
    ModelState,
    SettingsState,
    VersionState,
)
from napari_unet.session.remarks import NOTHING_SAID, Words
from napari_unet.session.status import (
    DEFAULT_MINUTES,
    LIVE_OFF,
    NO_EFFORT,
    NO_TARGET,
    NOT_EXPORTED,
    NOT_FOLLOWED,
    NOT_MEASURED,
    EffortState,
    ExportState,
    FollowState,
    LiveState,
    MeasuredState,
    Place,
    Problem,
    Progress,
    Target,
)
from napari_unet.session.worklist.status import NO_LIST, ProjectState, WorklistState
from napari_unet.tasks import task_of


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a front end shows.

    Parameters
    ----------
    ready, device, models, own_models
        Whether the engine is there, where it computes, the built-in models, and the
        model folders that the person saved or opened, also on other days.
    model, loading, versions, version, source
        The model that predicts, the one that is being loaded, all versions, oldest
        first, and the number of the one that predicts; which built-in model or model
        folder it is, or nothing if training made it.
    deleted, comparing
        The version that was deleted last and can be brought back, or nothing; one that
        is compared with what is shown now.
    image, save, recovered
        The chosen image, how saving it goes, and what came back after a crash.
    predicting, refreshing, cancelling
        A prediction, whether training started it, and whether it was asked to stop.
    live, in_view, seeing
        The prediction of the view while a person looks around; how many objects are in
        it, if that is known; whether it is to be seen how sure the model is.
    training, stopping, minutes, learns_along
        A training, whether it was asked to stop, how long the next one lasts, and
        whether corrections start one.
    project, settings, target
        The chosen project; size and thresholds, where objects are predicted; what of
        the image is selected and in sight.
    effort
        What the person's work took, and what follows from it.
    measured, worklist
        What is said of the table of objects, and of the list of images.
    exporting, model_export, following
        What leaves the program, and how that goes; how far an export of the model is,
        and how far objects are followed through time.
    words
        What was said; `message`, `notice` and `problems` are read from it.
    """

    ready: bool = False
    device: str = ""
    models: tuple[str, ...] = ()
    own_models: tuple[OwnModel, ...] = ()
    model: ModelState | None = None
    loading: str = ""
    versions: tuple[VersionState, ...] = ()
    version: int = 0
    deleted: str = ""
    comparing: Comparison | None = None
    source: str = ""
    image: ImageState | None = None
    save: SaveState = NOT_SAVED
    recovered: str = ""
    predicting: Progress | None = None
    refreshing: bool = False
    cancelling: bool = False
    live: LiveState = LIVE_OFF
    in_view: int | None = None
    seeing: bool = False
    training: Progress | None = None
    stopping: bool = False
    minutes: float = DEFAULT_MINUTES
    learns_along: bool = False
    project: ProjectState | None = None
    settings: SettingsState | None = None
    target: Target = NO_TARGET
    effort: EffortState = NO_EFFORT
    measured: MeasuredState = NOT_MEASURED
    exporting: ExportState = NOT_EXPORTED
    following: FollowState = NOT_FOLLOWED
    model_export: Progress | None = None
    worklist: WorklistState = NO_LIST
    words: Words = NOTHING_SAID

    @property
    def message(self) -> str:
        """What is to be said now; never empty."""
        message = self.words.message
        return message.text if message else describe(self)

    @property
    def notice(self) -> str:
        """What a person should know of the last training, or nothing."""
        return self.words.notice.text if self.words.notice else ""

    @property
    def problems(self) -> dict[Place, Problem]:
        """What did not work, beside the controls it belongs to; the newest last."""
        return {place: problem for place, problem, _ in self.words.problems}

    @property
    def why_not_predict(self) -> str:
        """Return why Predict is refused now, or nothing if it is not."""
        if self.predicting:
            return "A prediction is going on."
        why_not = self._why_no_image() or self._why_no_model()
        return why_not or self.target.why_not_predict

    @property
    def why_not_paint(self) -> str:
        """Return why there can be no labels yet, or nothing if there can."""
        if self.image and self.image.has_labels:
            return "The labels are there already."
        return self._why_no_image() or self._why_read_only()

    def why_not_do(self, name: str) -> str:
        """Return why an edit of that name is refused now, or nothing if it is not."""
        edit, tool, image = EDITS[name], EDITS[name].tool, self.image
        of_objects = tool is not None and tool.for_objects
        if tool and of_objects and image and not task_of(image).labels.objects:
            return f"There are no objects here; {tool.instead}."
        if (reason := self.why_not_change) or image is None:
            return reason
        return edit.why_not(image, self.target.why_not_accept)

    @property
    def why_not_change(self) -> str:
        """Return why nothing can be done with the labels now, or nothing if it can."""
        return self._why_no_image() or self._why_read_only()

    @property
    def why_not_go_on(self) -> str:
        """Return why there is no next view to look at, or nothing if there is one."""
        return self._why_no_image() or _why_large(self.image, "the order of views")

    @property
    def why_not_measure(self) -> str:
        """Return why there are no objects to list, or nothing if there are some."""
        if (reason := self._why_none_open()) or self.image is None:
            return reason
        task = task_of(self.image)
        if not task.labels.objects:
            return f"There are no objects here to list, but {task.words.outcome}."
        if reason := why_no_labels(self.image) or _why_large(self.image, "the list"):
            return reason
        if not self.image.objects:
            return "There are no objects yet: Predict, or paint some."
        return ""

    def why_not_export(self, *, everything: bool = False) -> str:
        """Return why results of the image, or of all images, cannot be exported.

        Nothing is returned if they can.
        """
        if self.exporting.progress:
            return "An export is going on."
        if not self.exporting.formats:
            return "Choose a format first."
        if self.predicting and not self.refreshing:
            return "A prediction is going on: wait until it is complete."
        in_project = self.project is not None and bool(self.project.images)
        if everything and (self.worklist.files or in_project):
            return ""
        if reason := self._why_none_open():
            return reason
        if self.image and not self.image.has_labels:
            return "There are no labels yet: Predict, or paint some."
        return _why_no_large_export(self.image, self.exporting.formats)

    @property
    def why_not_export_model(self) -> str:
        """Return why the model cannot be exported now, or nothing if it can."""
        if self.model_export:
            return "The model is being exported."
        return self._why_no_model()

    @property
    def why_not_start_over(self) -> str:
        """Return why one cannot start over, or nothing if one can."""
        if reason := self.why_not_change:
            return reason
        if self.image and not self.image.worked_on:
            return "There is nothing to clear."
        return _why_large(self.image, "to start over", "un-verify what is in view")

    @property
    def why_not_bring_back(self) -> str:
        """Return why no earlier work can be brought back, or nothing if it can."""
        if reason := self.why_not_change:
            return reason
        if self.image and not self.image.snapshots:
            return "Nothing was kept yet: Start over keeps a copy."
        return _why_large(self.image, "to bring back a copy")

    @property
    def why_not_finetune(self) -> str:
        """Return why Fine-tune is refused now, or nothing if it is not."""
        if self.training:
            return "A training is going on."
        if reason := self._why_no_image() or self._why_no_model():
            return reason
        if self.model and self.model.why_closed:
            return self.model.why_closed
        if self.worklist.taught:
            return ""  # from images that are not on screen now
        return _why_not_learn(self.image) if self.image else ""

    @property
    def why_not_predict_all(self) -> str:
        """Return why no prediction of all images begins now, or nothing."""
        if self.worklist.batch:
            return "All images are being predicted."
        if self.worklist.bringing:
            return "The labels are on their way into the project: wait until they are."
        if not self.worklist.files:
            return "There are no files in the list yet: add some."
        if reason := self._why_no_model():
            return reason
        if self.model and self.model.variables:
            return (
                "Predicted values are not kept, only what is verified of them: predict "
                "image by image, or all files with napari-unet predict."
            )
        return "All images are verified." * (self.worklist.done >= self.worklist.files)

    def why_not_compare(self, number: int) -> str:
        """Return why a version cannot be compared with what is shown now, or nothing.

        `number` is 0 where none is chosen.
        """
        reason = self._why_no_image() or self._why_no_model()
        if reason := reason or _why_large(self.image, "a comparison"):
            return reason
        if self.predicting:
            return "A prediction is going on: wait until what is shown now is complete."
        if self.image and not self.image.has_labels:
            return "There is nothing to compare with yet: Predict first."
        if self.model and self.model.variables:
            return "Values are not compared side by side: go to the version to see it."
        if not number:
            return "Choose a version in the list first."
        return "This version predicts now: choose another." * (number == self.version)

    def _why_no_image(self) -> str:
        if problem := self.problems.get("image"):
            return problem.text
        return self._why_none_open()

    def _why_none_open(self) -> str:
        if self.image is None:
            return "Choose an image first, or drop one into the window."
        return "" if self.image.open else "The image is still being opened."

    def _why_read_only(self) -> str:
        return self.image.read_only if self.image else ""

    def _why_no_model(self) -> str:
        if self.loading or not (self.ready or self.model):
            return "The model is still being loaded."
        return "" if self.model else "Choose a model first."


def _why_large(image: ImageState | None, what: str, instead: str = "") -> str:
    return not_of_large(what, instead) if image is not None and image.large else ""


def _why_no_large_export(image: ImageState | None, formats: tuple[str, ...]) -> str:
    large = [each for each in FORMATS if each.large]
    fits = image is None or not image.large
    if fits or any(each.name in formats for each in large):
        return ""
    titles = " or ".join(each.title for each in large)
    return f"This image is larger than memory: its labels go to {titles}; choose one."


def _why_not_learn(image: ImageState) -> str:
    """Return why there is nothing to learn from yet, or nothing if there is."""
    words = task_of(image).words
    if not image.verified_share:
        return (
            f"Nothing is verified yet: {words.verifying}, or accept a view where "
            "everything is right."
        )
    return words.too_little(image.verified_classes)


def describe(state: State) -> str:
    """Say where things stand: what is to be said when nothing else is."""
    if state.problems:
        return list(state.problems.values())[-1].text
    if state.loading:
        return f"Loading the model {state.loading}…"
    if state.training:
        return "Training…"
    if state.predicting:
        return "Predicting…"
    if state.exporting.progress:
        return "Exporting…"
    if not state.ready and state.model is None:
        return "Getting ready…"
    if state.image is None:
        return "Choose an image, or drop one into the window."
    return _describe_image(state.image)


def _describe_image(image: ImageState) -> str:
    if not image.open:
        return f"Opening {image.name}…"
    if not image.has_labels:
        return f"{image.name} is open."
    return task_of(image).words.verified(
        image.objects, image.verified_objects, image.verified_share
    )
