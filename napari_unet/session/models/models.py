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
from napari_unet.session.models.loading import (
    ForgetModel,
    Loaded,
    LoadModel,
    LoadVersion,
    Saved,
    SaveModel,
    StartEngine,
)
from napari_unet.session.models.request import MakeModel, ModelWish
from napari_unet.session.models.restore import Restoring
from napari_unet.session.models.timeline import ModelVersion, Preset, Timeline
from napari_unet.session.models.words import describe_model, describe_versions
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import EngineStatus, ModelStatus

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

DEFAULT = "nuclei"


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
    has_chosen : bool
        Whether the person has chosen what predicts.
    default : int
        Number of the version that is there because nobody chose one.
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
        self._loading: Running | None = None
        self.has_chosen = False
        self.default = 0
        self._made: set[UUID] = set()
        self._place: Project | None = None
        self.timeline = Timeline()
        self.timeline.changed.connect(self._on_timeline)
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
        return active is None or active.number == self.default

    def start(self) -> None:
        """Load the engine, then the built-in model unless another one was chosen."""
        self._runner.start(
            StartEngine(self._library),
            Handlers(
                result=self._on_engine,
                error=lambda error: self._holder.report("model", error),
            ),
        )

    def choose(self, name_or_path: str | Path) -> None:
        """Load a built-in model or a model folder; it is active when it is there.

        A built-in model that was in use here before is here still, with its thresholds.
        """
        self.has_chosen = True
        self._load(str(name_or_path), asked=True)

    def activate(self, number: int) -> None:
        """Make an earlier or later version active, as soon as it is loaded.

        Raises
        ------
        InputError
            If there is no such version.
        """
        self.has_chosen = True
        self.go_to(number, asked=True)

    def come_to(self, place: Project | None, *, again: bool = False) -> None:
        """Work in a project from now on; see `Restoring.come_to`."""
        self._place = place
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
        self.has_chosen |= activate
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

    def make(self, wish: ModelWish) -> None:
        """Make a model for another task; the result is a new version.

        It has to be trained before it predicts anything of use.
        """
        self._holder.clear("model")
        self._holder.say("Making the model…", "version")
        active = None if wish.network else self.timeline.active
        self._runner.start(
            MakeModel(self.active, wish),
            Handlers(
                result=lambda model: self._on_made(wish, model, active),
                error=lambda error: self._holder.report("model", error),
            ),
        )

    def _on_made(
        self, wish: ModelWish, model: Model, parent: ModelVersion | None
    ) -> None:
        self.has_chosen = True
        self.timeline.publish(
            model,
            record=new_record(parent=parent.uuid if parent is not None else None),
            note=wish.note,
            preset="from-scratch" if wish.network else "fine-tune",
            home=self._home(),
        )
        self._holder.say(
            "The new model knows nothing yet: correct a little, then fine-tune.",
            "version",
        )

    def _load(self, name: str, *, asked: bool = False) -> None:
        self._stop_loading()
        self._holder.clear("model")
        there = self.timeline.built_in(name, self._place)
        if there is not None and there.model is not None:
            self._holder.show(loading="")
            self._go_live(there.number, asked=asked)
            self._tell_ready(name)
            return
        self._tell_loading(name)
        self._loading = self._runner.start(
            LoadModel(name, self._library),
            Handlers(
                result=lambda loaded: self._on_loaded(name, loaded, asked=asked),
                error=lambda error: self._on_load_failed(name, error),
            ),
        )

    def _go_live(self, number: int, *, asked: bool) -> None:
        self.timeline.activate(number)
        if asked:
            self.chosen.emit()

    def go_to(self, number: int, *, asked: bool = False) -> None:
        """Make a version active; load it before, if memory has let go of it."""
        self._stop_loading()
        version = self.timeline.get(number)
        if version.model is not None:
            self._holder.show(loading="")
            self._go_live(number, asked=asked)
            return
        name = version.note or f"version {number}"
        self._tell_loading(name)
        self._loading = self._runner.start(
            LoadVersion(version),
            Handlers(
                result=lambda models: self._on_version_loaded(
                    name, number, models, asked=asked
                ),
                error=lambda error: self._on_load_failed(name, error),
            ),
        )

    def _stop_loading(self) -> None:
        if self._loading is not None:
            self._loading.cancel()

    def _on_engine(self, engine: EngineStatus) -> None:
        self._holder.show(engine=engine)
        undecided = self.active is None and not self._holder.state.loading
        if undecided and DEFAULT in engine.models:
            self._load(DEFAULT)
        elif undecided:
            words = "Choose a model."
            self._holder.say(words, "model", "loading")

    def _on_loaded(self, name: str, loaded: Loaded, *, asked: bool) -> None:
        if loaded.own_models is not None:
            self._show_own(loaded.own_models)
        if self._holder.state.loading != name:
            return  # another one was chosen meanwhile
        model, record = loaded.model, loaded.record
        self._holder.show(loading="")
        find = self.timeline.find
        there = find(record.uuid, self._place) or find(record.uuid, None)
        if there is None or there.model is None:
            there = self.timeline.publish(
                model,
                record=record,
                note=model.name,
                built_in="" if loaded.source else name,
                source=loaded.source,
                activate=False,
            )
            if not self.has_chosen:
                self.default = there.number
        self._go_live(there.number, asked=asked)
        self._tell_ready(model.name, loaded.problem)

    def _on_version_loaded(
        self, name: str, number: int, models: tuple[Model, Model], *, asked: bool
    ) -> None:
        as_made, model = models
        moved = as_made.spec.decoding != model.spec.decoding
        self.timeline.fill(number, model, as_made.spec.decoding if moved else None)
        if self._holder.state.loading == name:
            self._holder.show(loading="")
            self._go_live(number, asked=asked)
            self._tell_ready(name)

    def _on_load_failed(self, name: str, error: Exception) -> None:
        if self._holder.state.loading != name:
            return
        self._holder.show(loading="")
        self._holder.report("model", error)
        own = [each for each in self._holder.state.own_models if str(each.path) == name]
        if own and not Path(name).exists():
            self._forget(own[0])

    def _forget(self, gone: OwnModel) -> None:
        """Take a model off the list whose folder is gone, with a word."""
        self._holder.report(
            "model",
            InputError(
                f"There is no model in {gone.path} any more, and it was taken off the "
                "list. If it was moved, open it where it is now."
            ),
        )
        self._runner.start(
            ForgetModel(gone.path, self._library),
            Handlers(
                result=self._show_own,
                error=lambda error: self._holder.report("model", error),
            ),
        )

    def _on_saved(self, saved: Saved) -> None:
        words = f"The model is saved in {saved.folder}. {saved.problem}".strip()
        self._show_own(saved.own_models)
        self._holder.say(words, "model")

    def _show_own(self, models: tuple[OwnModel, ...]) -> None:
        engine = self._holder.parts.engine
        self._holder.show(engine=replace(engine, own_models=models))

    def _tell_loading(self, name: str) -> None:
        words = f"Loading the model {name}…"
        self._holder.say(words, "loading", loading=name)

    def _tell_ready(self, name: str, problem: str = "") -> None:
        words = f"The model {name} is ready. {problem}".strip()
        self._holder.say(words, "model", "loading")

    def _on_timeline(self) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        active = self.timeline.active
        model = active.model if active is not None else None
        status = ModelStatus(versions=describe_versions(self.timeline, self._place))
        if active is not None:
            status = replace(
                status,
                model=describe_model(model) if model is not None else None,
                version=active.number,
                source=active.built_in or active.source,
            )
        self._holder.show(models=status)
