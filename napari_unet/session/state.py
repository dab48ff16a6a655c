"""What a front end shows: one frozen value, replaced whenever something changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_unet.annotation.edit import EDITS
from napari_unet.models.library import OwnModel
from napari_unet.session.status import (
    DEFAULT_MINUTES,
    NO_TARGET,
    NOT_SAVED,
    ImageState,
    ModelState,
    Place,
    Problem,
    Progress,
    ProjectState,
    SaveState,
    SettingsState,
    Target,
    VersionState,
)
from napari_unet.tasks import task_of


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a front end shows.

    What the fields mean is said in `session.status`. A `message` is never empty, and
    `notice` is what a person should know of the last training.
    """

    ready: bool = False
    device: str = ""
    models: tuple[str, ...] = ()
    model: ModelState | None = None
    loading: str = ""
    versions: tuple[VersionState, ...] = ()
    version: int = 0
    source: str = ""
    own_models: tuple[OwnModel, ...] = ()
    image: ImageState | None = None
    predicting: Progress | None = None
    training: Progress | None = None
    refreshing: bool = False
    cancelling: bool = False
    stopping: bool = False
    notice: str = ""
    message: str = "Getting ready…"
    problems: dict[Place, Problem] = field(default_factory=dict)
    save: SaveState = NOT_SAVED
    recovered: str = ""
    project: ProjectState | None = None
    minutes: float = DEFAULT_MINUTES
    settings: SettingsState | None = None
    target: Target = NO_TARGET

    @property
    def why_not_predict(self) -> str:
        """Return why Predict is refused now, or nothing if it is not."""
        if self.predicting:
            return "A prediction is going on."
        reason = self._why_no_image() or self._why_no_model()
        return reason or self.target.why_not_predict

    @property
    def why_not_paint(self) -> str:
        """Return why there can be no labels yet, or nothing if there can."""
        if self.image and self.image.has_labels:
            return "The labels are there already."
        return self._why_no_image() or self._why_read_only()

    def why_not_do(self, name: str) -> str:
        """Return why an edit of that name is refused now, or nothing if it is not."""
        edit, image = EDITS[name], self.image
        tool = edit.tool
        picked = tool is not None and tool.needs == "object"
        if tool and picked and image and not task_of(image).labels.objects:
            return f"There are no objects here; {tool.instead}."
        if (reason := self.why_not_change) or image is None:
            return reason
        return edit.why_not(image, self.target.why_not_accept)

    @property
    def why_not_change(self) -> str:
        """Return why nothing can be done with the labels now, or nothing if it can."""
        return self._why_no_image() or self._why_read_only()

    @property
    def why_not_start_over(self) -> str:
        """Return why one cannot start over, or nothing if one can."""
        if reason := self.why_not_change:
            return reason
        if self.image and not self.image.worked_on:
            return "There is nothing to clear."
        return ""

    @property
    def why_not_bring_back(self) -> str:
        """Return why no earlier work can be brought back, or nothing if it can."""
        if reason := self.why_not_change:
            return reason
        if self.image and not self.image.snapshots:
            return "Nothing was kept yet: Start over keeps a copy."
        return ""

    @property
    def why_not_finetune(self) -> str:
        """Return why Fine-tune is refused now, or nothing if it is not."""
        if self.training:
            return "A training is going on."
        if reason := self._why_no_image() or self._why_no_model():
            return reason
        return _why_not_learn(self.image) if self.image else ""

    def _why_no_image(self) -> str:
        if problem := self.problems.get("image"):
            return problem.text
        if self.image is None:
            return "Choose an image first, or drop one into the window."
        return "" if self.image.open else "The image is still being opened."

    def _why_read_only(self) -> str:
        return self.image.read_only if self.image else ""

    def _why_no_model(self) -> str:
        if self.loading or not (self.ready or self.model):
            return "The model is still being loaded."
        return "" if self.model else "Choose a model first."


def _why_not_learn(image: ImageState) -> str:
    """Return why there is nothing to learn from yet, or nothing if there is."""
    words = task_of(image).words
    if not image.verified_share:
        return (
            f"Nothing is verified yet: {words.verifying}, or accept a view where "
            "everything is right."
        )
    return words.too_little(image.verified_classes)
