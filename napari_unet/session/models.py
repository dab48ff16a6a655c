"""Which model predicts: loading, versions, and the way back."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.errors import InputError, ModelError
from napari_unet.project.manifest import ModelEntry
from napari_unet.project.project import Project
from napari_unet.session.finetune import Improved
from napari_unet.session.job import Job
from napari_unet.session.keeping import Keeping
from napari_unet.session.model_wish import ModelWish, iter_wished_model
from napari_unet.session.model_words import describe_model, describe_version
from napari_unet.session.restore import Restored, iter_restore
from napari_unet.session.runner import Runner
from napari_unet.session.state import StateHolder
from napari_unet.session.timeline import ModelVersion, Preset, Timeline

if TYPE_CHECKING:
    from napari_unet.engine.model import Model

DEFAULT = "nuclei"
_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Engine:
    """What the engine offers on this machine."""

    device: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Then:
    """What there was when models were asked for: versions, and what was loading."""

    numbers: frozenset[int]
    loading: str

    def chosen_since(self, versions: tuple[ModelVersion, ...]) -> list[ModelVersion]:
        """Return the versions that a person has chosen since."""
        return [
            each
            for each in versions
            if each.number not in self.numbers and each.built_in != DEFAULT
        ]


def iter_start_engine() -> Generator[None, None, Engine]:
    """Import the engine, which takes seconds, and ask what it offers."""
    from napari_unet.engine.device import describe_device, resolve_device
    from napari_unet.engine.optimize import get_ready_to_train
    from napari_unet.engine.weights import list_models

    yield
    device = resolve_device("auto")
    get_ready_to_train()
    yield
    text = describe_device(device)
    if device.type == "cpu" and _nvidia_card_present():
        text += " (there is an NVIDIA card, but this torch cannot use it: see README)"
    return Engine(text, tuple(spec.name for spec in list_models()))


def _nvidia_card_present() -> bool:
    return _NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi") is not None


def iter_load(name_or_path: str) -> Generator[None, None, Model]:
    """Load a model; see `napari_unet.engine.weights.load_model`."""
    from napari_unet.engine.weights import load_model

    yield
    return load_model(name_or_path)


def iter_save(model: Model, folder: Path) -> Generator[None, None, Path]:
    """Save a model in a new folder; see `napari_unet.engine.weights.save_model`."""
    from napari_unet.engine.weights import save_model

    yield
    named = model.spec.model_copy(update={"name": folder.name})
    save_model(type(model)(named, model.net), folder)
    return folder


class Models:
    """The chosen model and what training made of it.

    Parameters
    ----------
    runner : Runner
        Loads and saves in the background.
    holder : StateHolder
        Where the state is told.

    Attributes
    ----------
    timeline : Timeline
        All versions of the session.
    interrupted : bool
        Whether there is a training to go on with.
    """

    def __init__(self, runner: Runner, holder: StateHolder) -> None:
        self._runner = runner
        self._holder = holder
        self._loading: Job | None = None
        self.interrupted = False
        self.timeline = Timeline()
        self.timeline.changed.connect(self._tell)

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

    def start(self) -> None:
        """Load the engine, then the built-in model unless another one was chosen."""
        self._runner.start(
            iter_start_engine(),
            on_event=lambda _: None,
            on_return=self._on_engine,
            on_error=lambda error: self._holder.report("model", error),
            on_closed=lambda: None,
        )

    def choose(self, name_or_path: str | Path) -> None:
        """Load a built-in model or a model folder; it is active when it is there.

        A built-in model that was in use before is here still, with its thresholds.
        """
        name = str(name_or_path)
        if self._loading is not None:
            self._loading.cancel()
        self._holder.clear("model")
        kept = [v.number for v in self.timeline.versions if v.built_in == name]
        if kept:
            self._holder.update(loading="")
            self.timeline.activate(kept[-1])
            self._tell_ready(name)
            return
        self._holder.update(
            loading=name, message=f"Loading the model {name}…", about=("loading",)
        )
        self._loading = self._runner.start(
            iter_load(name),
            on_event=lambda _: None,
            on_return=lambda model: self._on_loaded(name, model),
            on_error=lambda error: self._on_load_failed(name, error),
            on_closed=lambda: None,
        )

    def activate(self, number: int) -> ModelVersion:
        """Make an earlier or later version active."""
        return self.timeline.activate(number)

    def publish(self, improved: Improved, *, activate: bool) -> ModelVersion:
        """Add a version that training made; it replaces the last one of its round."""
        note = f"round {improved.round}"
        last = self.timeline.versions[-1]
        return self.timeline.publish(
            self._as_tuned(improved.model),
            score=improved.score,
            start_score=improved.start_score,
            note=note,
            preset=improved.preset,
            activate=activate,
            replaces=last.number if last.note == note else None,
        )

    def _as_tuned(self, model: Model) -> Model:
        """Return a model with the thresholds that the person uses now."""
        if self.active is None or self.active.spec.task != model.spec.task:
            return model
        return model.with_decoding(self.active.spec.decoding)

    @property
    def untouched(self) -> bool:
        """Whether there is nothing yet but, perhaps, the built-in model."""
        versions, loading = self.timeline.versions, self._holder.state.loading
        alone = len(versions) == 1 and versions[0].built_in == DEFAULT
        return (alone or not versions) and loading in ("", DEFAULT)

    def restore(self, project: Project, keeping: Keeping) -> None:
        """Go on with the models of a project, if it has any.

        A model that the person chooses meanwhile goes on predicting.
        """
        numbers = frozenset(each.number for each in self.timeline.versions)
        before = _Then(numbers, self._holder.state.loading)
        self._runner.start(
            iter_restore(project),
            on_event=lambda _: None,
            on_return=lambda restored: self._on_restored(restored, keeping, before),
            on_error=lambda error: self._holder.report("model", error),
            on_closed=lambda: None,
        )

    def save(self, folder: Path) -> None:
        """Save the active model as a new model folder of that name."""
        self._holder.clear("model")
        if self.active is None:
            self._holder.report("model", InputError("Choose a model first."))
            return
        self._runner.start(
            iter_save(self.active, folder),
            on_event=lambda _: None,
            on_return=lambda path: self._holder.update(
                message=f"The model is saved in {path}.", about=("model",)
            ),
            on_error=lambda error: self._holder.report("model", error),
            on_closed=lambda: None,
        )

    def make(self, wish: ModelWish) -> None:
        """Make a model for another task; the result is a new version.

        It has to be trained before it predicts anything of use.
        """
        self._holder.clear("model")
        self._holder.update(message="Making the model…", about=("version",))
        self._runner.start(
            iter_wished_model(self.active, wish),
            on_event=lambda _: None,
            on_return=lambda model: self._on_made(wish, model),
            on_error=lambda error: self._holder.report("model", error),
            on_closed=lambda: None,
        )

    def _on_made(self, wish: ModelWish, model: Model) -> None:
        preset: Preset = "from-scratch" if wish.network else "fine-tune"
        self.timeline.publish(model, note=wish.note, preset=preset)
        self._holder.update(
            message="The new model knows nothing yet: correct a little, then "
            "fine-tune.",
            about=("version",),
        )

    def _on_restored(self, restored: Restored, keeping: Keeping, before: _Then) -> None:
        if restored.told:
            self._holder.report("model", ModelError(restored.told))
        if restored.versions:
            self._start_over(restored, keeping, before)
        found = restored.lost_version
        if found is not None and found.best is not None:
            self.timeline.publish(
                found.best,
                score=found.score,
                start_score=found.start_score,
                note="interrupted training",
            )
        if restored.interruption is not None:
            self.interrupted = True
            self._holder.update(notice=restored.interruption.describe())

    def _start_over(self, restored: Restored, keeping: Keeping, before: _Then) -> None:
        # What the person has chosen meanwhile predicts, or will when it is loaded.
        chosen = before.chosen_since(self.timeline.versions)
        loading = self._holder.state.loading
        waits = loading not in ("", DEFAULT, before.loading)
        self._holder.update(
            loading=loading if waits else "", minutes=restored.settings.minutes
        )
        entries = [entry for entry, _ in restored.versions]
        numbers = [entry.number for entry in entries]
        active = restored.active
        last = len(numbers) - 1
        place = numbers.index(active) if active in numbers else last
        known = (_version(entry, model) for entry, model in restored.versions)
        versions = self.timeline.start_over(
            (*known, *chosen), last + len(chosen) if chosen else place
        )
        kept = {v.number: e for v, e in zip(versions, entries, strict=False)}
        keeping.learn(restored.project, kept)
        if not waits:
            of_old = "Your earlier models" if chosen else "Your models"
            words = f"{of_old} are here again."
            self._holder.update(message=words, about=("version",))

    def _on_engine(self, engine: Engine) -> None:
        self._holder.update(
            ready=True,
            device=engine.device,
            models=engine.models,
        )
        undecided = self.active is None and not self._holder.state.loading
        if undecided and DEFAULT in engine.models:
            self.choose(DEFAULT)
        elif undecided:
            words = "Choose a model."
            self._holder.update(message=words, about=("model", "loading"))

    def _on_loaded(self, name: str, model: Model) -> None:
        if self._holder.state.loading != name:
            return  # another one was chosen meanwhile
        self._holder.update(loading="")
        known = self._holder.state.models
        built_in = name if name in known or name == DEFAULT else ""
        self.timeline.publish(model, note=model.name, built_in=built_in)
        self._tell_ready(model.name)

    def _tell_ready(self, name: str) -> None:
        words = f"The model {name} is ready."
        self._holder.update(message=words, about=("model", "loading"))

    def _on_load_failed(self, name: str, error: Exception) -> None:
        if self._holder.state.loading == name:
            self._holder.update(loading="")
            self._holder.report("model", error)

    def _tell(self) -> None:
        active = self.timeline.active
        self._holder.update(
            model=describe_model(active.model) if active else None,
            versions=tuple(describe_version(v) for v in self.timeline.versions),
            version=active.number if active else 0,
        )


def _version(entry: ModelEntry, model: Model) -> ModelVersion:
    came_with, now = model.spec.decoding, entry.decoding or model.spec.decoding
    return ModelVersion(
        entry.number,
        model.with_decoding(now),
        entry.score,
        entry.start_score,
        entry.created,
        entry.note,
        entry.preset,
        entry.built_in or "",
        came_with if came_with != now else None,
    )
