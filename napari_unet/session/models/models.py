"""Which model predicts: loading, versions, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from psygnal import Signal

from napari_unet.errors import InputError
from napari_unet.models.library import ModelLibrary
from napari_unet.models.record import new_record
from napari_unet.project.project import Project
from napari_unet.session.finetune import Improved
from napari_unet.session.hub import Hub
from napari_unet.session.models.describe import describe_versions
from napari_unet.session.models.exporting import ModelExporting
from napari_unet.session.models.importing import ImportModel
from napari_unet.session.models.loading import Listed, ModelLoader, SaveModel
from napari_unet.session.models.request import MakeModel, ModelRequest
from napari_unet.session.models.restore import ModelRestorer, with_thresholds
from napari_unet.session.models.timeline import ModelVersion, Timeline
from napari_unet.session.models.versions import Versions
from napari_unet.session.words import describe_model

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.weights.model import Model


class Models:
    """The chosen model and what training made of it.

    Attributes
    ----------
    timeline : Timeline
        All versions of the session.
    restorer : ModelRestorer
        What projects have brought.
    loader : ModelLoader
        Loads what shall predict.
    place : Project or None
        Where the person works.
    versions : Versions
        What a person does with the list of versions.
    exporting : ModelExporting
        Writes the model for other programs.
    chosen : Signal()
        A model predicts that the person has chosen.
    """

    chosen = Signal()

    def __init__(self, hub: Hub, home: Callable[[], Project | None]) -> None:
        self._hub = hub
        self._home = home
        self._library = ModelLibrary()
        self._made: set[UUID] = set()
        self.place: Project | None = None
        self.timeline = Timeline()
        self.loader = ModelLoader(hub, self, self._library)
        self.restorer = ModelRestorer(hub, self)
        self.versions = Versions(hub, self.timeline, home)
        self.exporting = ModelExporting(hub, self.timeline)

    @property
    def active(self) -> Model | None:
        """The model that predicts."""
        version = self.timeline.active
        return version.model if version else None

    def choose(self, name_or_path: str | Path) -> None:
        """Load a built-in model or a model folder; it is active when it is there."""
        self.loader.load(str(name_or_path), asked=True)

    def bring_in(self, file: Path) -> None:
        """Load a model that comes as one file, such as a package of BioImage.IO."""
        self.loader.make(str(file), ImportModel(file, self._library))

    def come_to(self, place: Project | None, *, again: bool = False) -> None:
        """Work in a project from now on; see `ModelRestorer.come_to`."""
        self.place = place
        self.restorer.come_to(place, again=again)
        self.tell()

    def publish(
        self, improved: Improved, home: Project | None, *, activate: bool
    ) -> ModelVersion:
        """Add a version that a training made which was started in a project.

        It replaces the last one of the same run, unless a person went there. What is
        worse than its start never predicts unasked.
        """
        record = improved.record
        activate &= not record.worse
        replaced = [
            each
            for each in self.timeline.versions
            if each.uuid in self._made
            and record.supersedes(each.record)
            and (activate or each is not self.timeline.active)
        ]
        if self.timeline.find(record.uuid, home) is not None:
            # A run that went on came by the same step again: nearly the same model.
            record = record.model_copy(update={"uuid": uuid4()})
        self._made.add(record.uuid)
        self.loader.has_chosen |= activate
        model, came_with = with_thresholds(improved.model, self._chosen_thresholds())
        return self.timeline.publish(
            model,
            record=record,
            note=f"round {improved.round}",
            preset=improved.preset,
            came_with=came_with,
            home=home,
            activate=activate,
            replaces=replaced[-1].number if replaced else None,
            training=improved.training,
        )

    def _chosen_thresholds(self) -> Decoding | None:
        """Return thresholds that a person moved: a training fits others in vain."""
        moved = self.timeline.moved_from is not None
        return self.active.spec.decoding if moved and self.active else None

    def settle(self, project: Project | None) -> ModelVersion | None:
        """Let a project keep the active version from now on, and return it."""
        active = self.timeline.active
        if active is None or project is None:
            return active
        return self.timeline.settle(active.number, project)

    def take_along(self, old: Project, new: Project) -> None:
        """Let a project keep all that another one has, and what nobody keeps yet."""
        for version in self.timeline.versions:
            trained = version.home is None and version.record.run is not None
            if version.home is old or trained:
                self.timeline.settle(version.number, new)

    def save(self, folder: Path) -> None:
        """Save the active model as a new model folder of that name, and list it."""
        self._hub.clear("model")
        active = self.timeline.active
        if active is None or active.model is None:
            self._hub.report("model", InputError("Choose a model first."))
            return

        def tell(listed: Listed) -> None:
            own_models, problem = listed
            words = f"The model is saved in {folder}. {problem}".strip()
            self._hub.say(words, "model", own_models=own_models)

        job = SaveModel(
            active.model, active.record, active.training, folder, self._library
        )
        self._hub.start(job, tell, "model")

    def make(self, request: ModelRequest) -> None:
        """Make a model for another task; the result is a new version.

        It has to be trained before it predicts anything of use.
        """
        self._hub.clear("model")
        self._hub.say("Making the model…", "version")
        active = None if request.network else self.timeline.active
        self._hub.start(
            MakeModel(self.active, request),
            lambda model: self._on_made(request, model, active),
            "model",
        )

    def _on_made(
        self, request: ModelRequest, model: Model, parent: ModelVersion | None
    ) -> None:
        self.loader.has_chosen = True
        self.timeline.publish(
            model,
            record=new_record(parent=parent.uuid if parent is not None else None),
            note=request.note,
            preset="from-scratch" if request.network else "fine-tune",
            home=self._home(),
        )
        self._hub.say(
            "The new model knows nothing yet: correct a little, then fine-tune.",
            "version",
        )

    def tell(self) -> None:
        """Describe the versions, and the one that predicts, in the state."""
        active = self.timeline.active
        model = active.model if active is not None else None
        self._hub.show(
            model=describe_model(model) if model is not None else None,
            versions=describe_versions(self.timeline, self.place, self._home()),
            version=active.number if active else 0,
            deleted=self.timeline.deleted[-1][1].title if self.timeline.deleted else "",
            source=active.built_in or active.source if active else "",
        )
