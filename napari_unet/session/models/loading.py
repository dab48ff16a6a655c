"""Models are loaded and saved in the background, and remembered for the next start."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet import learning, models, nets, weights
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError, StorageError
from napari_unet.models.library import ModelLibrary, OwnModel
from napari_unet.models.record import ModelRecord
from napari_unet.session.models.restore import load_entry
from napari_unet.session.models.timeline import ModelVersion
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import EngineStatus

if TYPE_CHECKING:
    from napari_unet.session.models.models import Models
    from napari_unet.weights.model import Model

DEFAULT = "nuclei"
_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model that was loaded.

    Parameters
    ----------
    model : Model
        It.
    record : ModelRecord
        What it is.
    source : str
        Its folder, unless it is built in.
    own_models : tuple of OwnModel or None
        The person's models from now on, if the list has changed.
    problem : str
        Why it is not in that list, or nothing.
    """

    model: Model
    record: ModelRecord
    source: str = ""
    own_models: tuple[OwnModel, ...] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """Where a model was saved, the person's models, and what did not work."""

    folder: Path
    own_models: tuple[OwnModel, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class StartEngine(Job[None, EngineStatus]):
    """Import the engine, which takes seconds, and ask what it offers."""

    library: ModelLibrary

    def run(self) -> Generator[None, None, EngineStatus]:
        """Import it, and look at the device."""
        yield
        device = nets.resolve_device("auto")
        learning.get_ready_to_train()
        yield
        text = nets.describe_device(device)
        if device.type == "cpu" and _nvidia_card_present():
            text += (
                " (there is an NVIDIA card, but this torch cannot use it: see README)"
            )
        names = tuple(spec.name for spec in models.list_models())
        return EngineStatus(True, text, names, self.library.read())


@dataclass(frozen=True, slots=True, eq=False)
class LoadModel(Job[None, Loaded]):
    """Load a model; see `napari_unet.weights.folder.load_model`."""

    name_or_path: str
    library: ModelLibrary

    def run(self) -> Generator[None, None, Loaded]:
        """Load it, and note its folder in the list of models."""
        yield
        name, library = self.name_or_path, self.library
        model = weights.load_model(name)
        record = models.read_record(name)
        if models.is_built_in(name):
            return Loaded(model, record)
        folder = Path(name).expanduser().absolute()
        try:
            return Loaded(model, record, str(folder), library.add(folder))
        except StorageError as error:
            return Loaded(model, record, str(folder), problem=_not_listed(error))


@dataclass(frozen=True, slots=True, eq=False)
class SaveModel(Job[None, Saved]):
    """Save a model in a new folder; see `napari_unet.weights.folder.save_model`."""

    model: Model
    record: ModelRecord
    folder: Path
    library: ModelLibrary

    def run(self) -> Generator[None, None, Saved]:
        """Save it, and note its folder in the list of models."""
        model, folder, library = self.model, self.folder, self.library
        yield
        named = model.spec.model_copy(update={"name": folder.name})
        weights.save_model(
            type(model)(named, model.net), folder, record=self.record.child()
        )
        try:
            return Saved(folder, library.add(folder))
        except StorageError as error:
            return Saved(folder, library.read(), _not_listed(error))


@dataclass(frozen=True, slots=True, eq=False)
class ForgetModel(Job[None, tuple[OwnModel, ...]]):
    """Take a model folder off the list of a person's models."""

    folder: Path
    library: ModelLibrary

    def run(self) -> Generator[None, None, tuple[OwnModel, ...]]:
        """Take it off."""
        yield
        return self.library.remove(self.folder)


@dataclass(frozen=True, slots=True, eq=False)
class LoadVersion(Job[None, "tuple[Model, Model]"]):
    """Load a version that lies on the disk; as it was made, and as it is used."""

    version: ModelVersion

    def run(self) -> Generator[None, None, tuple[Model, Model]]:
        """Load its weights."""
        version = self.version
        yield
        if version.stored is None or version.model is not None:
            raise StorageError("The model version is nowhere on the disk.")
        entry = version.stored.entry
        as_made = load_entry(version.stored.project, entry)
        decoding = entry.decoding or as_made.spec.decoding
        return as_made, as_made.with_decoding(decoding)


def _not_listed(error: StorageError) -> str:
    return f"It will not be in the list of models next time: {error}"


def _nvidia_card_present() -> bool:
    return _NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi") is not None


class ModelLoader:
    """Loads the model that a person chooses, or the usual one, and lets it predict.

    Attributes
    ----------
    has_chosen : bool
        Whether the person has chosen what predicts.
    default : int
        Number of the version that is there because nobody chose one.
    """

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        models: Models,
        library: ModelLibrary,
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._models = models
        self._timeline = models.timeline
        self._library = library
        self._loading: Running | None = None
        self.has_chosen = False
        self.default = 0

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

    def go_to(self, number: int, *, asked: bool = False) -> None:
        """Make a version active; load it before, if memory has let go of it."""
        self._stop_loading()
        version = self._timeline.get(number)
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

    def _load(self, name: str, *, asked: bool = False) -> None:
        self._stop_loading()
        self._holder.clear("model")
        there = self._timeline.built_in(name, self._models.place)
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
        self._timeline.activate(number)
        if asked:
            self._models.chosen.emit()

    def _stop_loading(self) -> None:
        if self._loading is not None:
            self._loading.cancel()

    def _on_engine(self, engine: EngineStatus) -> None:
        self._holder.show(engine=engine)
        undecided = self._models.active is None and not self._holder.state.loading
        if undecided and DEFAULT in engine.models:
            self._load(DEFAULT)
        elif undecided:
            words = "Choose a model."
            self._holder.say(words, "model", "loading")

    def _on_loaded(self, name: str, loaded: Loaded, *, asked: bool) -> None:
        if loaded.own_models is not None:
            self._models.show_own(loaded.own_models)
        if self._holder.state.loading != name:
            return  # another one was chosen meanwhile
        model, record = loaded.model, loaded.record
        self._holder.show(loading="")
        find = self._timeline.find
        there = find(record.uuid, self._models.place) or find(record.uuid, None)
        if there is None or there.model is None:
            there = self._timeline.publish(
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
        self._timeline.fill(number, model, as_made.spec.decoding if moved else None)
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
                result=self._models.show_own,
                error=lambda error: self._holder.report("model", error),
            ),
        )

    def _tell_loading(self, name: str) -> None:
        words = f"Loading the model {name}…"
        self._holder.say(words, "loading", loading=name)

    def _tell_ready(self, name: str, problem: str = "") -> None:
        words = f"The model {name} is ready. {problem}".strip()
        self._holder.say(words, "model", "loading")
