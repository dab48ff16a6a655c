"""Which model predicts: loading, versions, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from psygnal import Signal

from napari_unet.errors import InputError
from napari_unet.models.library import ModelLibrary, OwnModel
from napari_unet.models.record import new_record
from napari_unet.project.project import Project
from napari_unet.session.finetune import Improved
from napari_unet.session.models.loading import ModelLoader, Saved, SaveModel
from napari_unet.session.models.request import MakeModel, ModelRequest
from napari_unet.session.models.restore import Restoring
from napari_unet.session.models.timeline import ModelVersion, Preset, Timeline
from napari_unet.session.models.words import describe_model, describe_versions
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import ModelStatus

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


class Models:
    """The chosen model and what training made of it.

    Parameters
    ----------
    home : callable
        Returns the project that models belong to now, or None.

    Attributes
    ----------
    timeline : Timeline
        All versions of the session.
    restoring : Restoring
        What projects have brought.
    loader : ModelLoader
        Loads what shall predict.
    place : Project or None
        Where the person works.
    changed : Signal()
        There are other versions, or another one predicts; the state tells it.
    chosen : Signal()
        A model predicts that the person has chosen.
    """

    changed = Signal()
    chosen = Signal()

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        home: Callable[[], Project | None] = lambda: None,
        library: ModelLibrary | None = None,
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._home = home
        self._library = library or ModelLibrary()
        self._made: set[UUID] = set()
        self.place: Project | None = None
        self.timeline = Timeline()
        self.timeline.changed.connect(self._on_timeline)
        self.loader = ModelLoader(runner, holder, self, self._library)
        self.restoring = Restoring(runner, holder, self)

    @property
    def active(self) -> Model | None:
        """The model that predicts."""
        version = self.timeline.active
        return version.model if version else None

    @property
    def preset(self) -> Preset:
        """How the active model is trained."""
        version = self.timeline.active
        return version.preset if version else "fine-tune"

    @property
    def usual(self) -> bool:
        """Whether the model predicts that does so where nobody chose one."""
        active = self.timeline.active
        return active is None or active.number == self.loader.default

    def start(self) -> None:
        """Load the engine, then the built-in model unless another one was chosen."""
        self.loader.start()

    def choose(self, name_or_path: str | Path) -> None:
        """Load a built-in model or a model folder; it is active when it is there."""
        self.loader.choose(name_or_path)

    def come_to(self, place: Project | None, *, again: bool = False) -> None:
        """Work in a project from now on; see `Restoring.come_to`."""
        self.place = place
        self.restoring.come_to(place, again=again)
        self._tell()

    def why_wait(self, project: Project | None) -> str:
        """Return why no training may begin in a project yet, or nothing."""
        if self.restoring.waits_for(project):
            return "The earlier models of this project are being loaded; wait a moment."
        return ""

    def publish(
        self, improved: Improved, home: Project | None, *, activate: bool
    ) -> ModelVersion:
        """Add a version that training made.

        It replaces the last one of the same run, unless a person went there.

        Parameters
        ----------
        home : Project or None
            Where the training was started.
        """
        record = improved.record
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
        return self.timeline.publish(
            self._as_tuned(improved.model),
            record=record,
            note=f"round {improved.round}",
            preset=improved.preset,
            home=home,
            activate=activate,
            replaces=replaced[-1].number if replaced else None,
        )

    def _as_tuned(self, model: Model) -> Model:
        """Return a model with the thresholds that the person uses now."""
        if self.active is None or self.active.spec.task != model.spec.task:
            return model
        return model.with_decoding(self.active.spec.decoding)

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
        self._holder.clear("model")
        active = self.timeline.active
        if active is None or active.model is None:
            self._holder.report("model", InputError("Choose a model first."))
            return
        self._runner.start(
            SaveModel(active.model, active.record, folder, self._library),
            Handlers(
                result=self._on_saved,
                error=lambda error: self._holder.report("model", error),
            ),
        )

    def make(self, request: ModelRequest) -> None:
        """Make a model for another task; the result is a new version.

        It has to be trained before it predicts anything of use.
        """
        self._holder.clear("model")
        self._holder.say("Making the model…", "version")
        active = None if request.network else self.timeline.active
        self._runner.start(
            MakeModel(self.active, request),
            Handlers(
                result=lambda model: self._on_made(request, model, active),
                error=lambda error: self._holder.report("model", error),
            ),
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
        self._holder.say(
            "The new model knows nothing yet: correct a little, then fine-tune.",
            "version",
        )

    def _on_saved(self, saved: Saved) -> None:
        words = f"The model is saved in {saved.folder}. {saved.problem}".strip()
        self.show_own(saved.own_models)
        self._holder.say(words, "model")

    def show_own(self, models: tuple[OwnModel, ...]) -> None:
        """Show the models that a person has from now on."""
        engine = self._holder.parts.engine
        self._holder.show(engine=replace(engine, own_models=models))

    def _on_timeline(self) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        active = self.timeline.active
        model = active.model if active is not None else None
        status = ModelStatus(versions=describe_versions(self.timeline, self.place))
        if active is not None:
            status = replace(
                status,
                model=describe_model(model) if model is not None else None,
                version=active.number,
                source=active.built_in or active.source,
            )
        self._holder.show(models=status)
