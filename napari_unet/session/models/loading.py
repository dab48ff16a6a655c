"""Models are loaded and saved in the background, and remembered for the next start."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from napari_unet import learning, models, nets, weights
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError, StorageError
from napari_unet.models.library import ModelLibrary, OwnModel
from napari_unet.models.record import ModelRecord
from napari_unet.models.training import TrainingNotes
from napari_unet.session.hub import Changes, Hub
from napari_unet.session.models.restore import load_entry, with_thresholds
from napari_unet.session.models.timeline import ModelVersion
from napari_unet.session.runner import Handlers, Running

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.session.models.models import Models
    from napari_unet.weights.model import Model

R = TypeVar("R")

DEFAULT = "nuclei"
Listed: TypeAlias = tuple[tuple[OwnModel, ...], str]
"""The models of a person from now on, and why a folder is not one of them."""

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model that was loaded, its folder unless it is built in, and what to tell.

    `own_models` are the person's models from now on, if the list has changed; `told`
    is what a person should know of the model, or why it is not in that list.
    """

    model: Model
    record: ModelRecord
    source: str = ""
    own_models: tuple[OwnModel, ...] | None = None
    told: str = ""
    training: TrainingNotes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StartEngine(Job[None, Changes]):
    """Import the engine, which takes seconds, and ask what it offers."""

    library: ModelLibrary

    def run(self) -> Generator[None, None, Changes]:
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
        own_models = self.library.read()
        return Changes(ready=True, device=text, models=names, own_models=own_models)


@dataclass(frozen=True, slots=True, eq=False)
class LoadModel(Job[None, Loaded]):
    """Load a model; see `napari_unet.weights.folder.load_model`."""

    name_or_path: str
    library: ModelLibrary

    def run(self) -> Generator[None, None, Loaded]:
        """Load it, and note its folder in the list of models."""
        yield
        name = self.name_or_path
        if models.is_built_in(name):
            return Loaded(weights.load_model(name), models.read_record(name))
        return load_listed(models.model_folder(name), self.library)


@dataclass(frozen=True, slots=True, eq=False)
class SaveModel(Job[None, Listed]):
    """Save a model in a new folder; see `napari_unet.weights.folder.save_model`."""

    model: Model
    record: ModelRecord
    training: TrainingNotes | None
    folder: Path
    library: ModelLibrary

    def run(self) -> Generator[None, None, Listed]:
        """Save it, and note its folder in the list of models."""
        model, folder = self.model, self.folder
        yield
        named = model.spec.model_copy(update={"name": folder.name})
        weights.save_model(
            type(model)(named, model.net),
            folder,
            record=self.record.child(),
            training=self.training,
        )
        return _list(folder, self.library)


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
class LoadVersion(Job[None, "tuple[Model, Decoding | None]"]):
    """Load a version that lies on the disk; see `with_thresholds`."""

    version: ModelVersion

    def run(self) -> Generator[None, None, tuple[Model, Decoding | None]]:
        """Load its weights."""
        version = self.version
        yield
        if version.stored is None or version.model is not None:
            raise StorageError("The model version is nowhere on the disk.")
        entry = version.stored.entry
        return with_thresholds(
            load_entry(version.stored.project, entry), entry.decoding
        )


def load_listed(folder: Path, library: ModelLibrary, *told: str) -> Loaded:
    """Load a model folder, and note it in the list of models."""
    model, record = weights.load_model(folder), models.read_record(folder)
    folder = folder.absolute()
    own_models, problem = _list(folder, library)
    words = " ".join(filter(None, (*told, problem)))
    training = models.read_training(folder)
    return Loaded(model, record, str(folder), own_models, words, training)


def _list(folder: Path, library: ModelLibrary) -> Listed:
    try:
        return library.add(folder), ""
    except StorageError as error:
        problem = f"It will not be in the list of models next time: {error}"
        return library.read(), problem


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

    def __init__(self, hub: Hub, models: Models, library: ModelLibrary) -> None:
        self._hub = hub
        self._models = models
        self._timeline = models.timeline
        self._library = library
        self._loading: Running | None = None
        self.has_chosen = False
        self.default = 0

    def start(self) -> None:
        """Load the engine, then the built-in model unless another one was chosen."""
        self._hub.start(StartEngine(self._library), self._on_engine, "model")

    def go_to(self, number: int, *, asked: bool = False) -> None:
        """Make a version active; load it before, if memory has let go of it.

        A person may have `asked` for it. An InputError says that there is none.
        """
        self.has_chosen |= asked
        self._stop_loading()
        version = self._timeline.get(number)
        if version.model is not None:
            self._go_live(number, asked=asked)
            return
        name = version.note or f"version {number}"

        def arrive(loaded: tuple[Model, Decoding | None]) -> None:
            self._timeline.fill(number, *loaded)
            if self._hub.state.loading == name:
                self._go_live(number, asked=asked)
                self._tell_ready(name)

        self._start(name, LoadVersion(version), arrive)

    def load(self, name: str, *, asked: bool = False) -> None:
        """Load a built-in model or a model folder; it is active when it is there.

        A built-in model that was in use here before is here still, with its thresholds.
        """
        self.has_chosen |= asked
        self._stop_loading()
        self._hub.clear("model")
        there = self._timeline.built_in(name, self._models.place)
        if there is not None and there.model is not None:
            self._go_live(there.number, asked=asked)
            self._tell_ready(name)
            return

        job = LoadModel(name, self._library)
        self._start(name, job, lambda loaded: self._arrive(loaded, name, asked=asked))

    def make(self, name: str, job: Job[None, Loaded]) -> None:
        """Let a person have a model that a job makes from something of that name."""
        self.has_chosen = True
        self._stop_loading()
        self._hub.clear("model")
        self._start(name, job, lambda loaded: self._arrive(loaded, name, asked=True))

    def _arrive(self, loaded: Loaded, name: str, *, asked: bool) -> None:
        if loaded.own_models is not None:
            self._hub.show(own_models=loaded.own_models)
        if self._hub.state.loading == name:  # or another one was chosen
            self._hub.show(loading="")
            self._go_live(self._version_of(loaded, name), asked=asked)
            self._tell_ready(loaded.model.name, loaded.told)

    def _start(self, name: str, job: Job[None, R], arrive: Callable[[R], None]) -> None:
        words = f"Loading the model {name}…"
        self._hub.say(words, "loading", loading=name)
        self._loading = self._hub.runner.start(
            job,
            Handlers(
                result=arrive, error=lambda error: self._on_load_failed(name, error)
            ),
        )

    def _stop_loading(self) -> None:
        if self._loading is not None:
            self._loading.cancel()

    def _go_live(self, number: int, *, asked: bool) -> None:
        self._hub.show(loading="")
        self._timeline.activate(number)
        if asked:
            self._models.chosen.emit()

    def _on_engine(self, engine: Changes) -> None:
        self._hub.show(**engine)
        undecided = self._models.active is None and not self._hub.state.loading
        if undecided and DEFAULT in self._hub.state.models:
            self.load(DEFAULT)
        elif undecided:
            words = "Choose a model."
            self._hub.say(words, "model", "loading")

    def _version_of(self, loaded: Loaded, name: str) -> int:
        """Return the number of what was loaded, which may be in the list already."""
        uuid, find = loaded.record.uuid, self._timeline.find
        there = find(uuid, self._models.place) or find(uuid, None)
        if there is None or there.model is None:
            there = self._timeline.publish(
                loaded.model,
                record=loaded.record,
                note=loaded.model.name,
                built_in="" if loaded.source else name,
                source=loaded.source,
                activate=False,
                training=loaded.training,
            )
            if not self.has_chosen:
                self.default = there.number
        return there.number

    def _on_load_failed(self, name: str, error: Exception) -> None:
        if self._hub.state.loading != name:
            return
        self._hub.show(loading="")
        self._hub.report("model", error)
        own = [each for each in self._hub.state.own_models if str(each.path) == name]
        if own and not Path(name).exists():
            self._forget(own[0])

    def _forget(self, gone: OwnModel) -> None:
        """Take a model off the list whose folder is gone, with a word."""
        self._hub.report(
            "model",
            InputError(
                f"There is no model in {gone.path} any more, and it was taken off the "
                "list. If it was moved, open it where it is now."
            ),
        )
        self._hub.start(
            ForgetModel(gone.path, self._library),
            lambda others: self._hub.show(own_models=others),
            "model",
        )

    def _tell_ready(self, name: str, told: str = "") -> None:
        words = f"The model {name} is ready. {told}".strip()
        self._hub.say(words, "model", "loading")
