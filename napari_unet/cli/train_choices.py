"""What `train` is asked for, checked before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet import learning, models, nets, tasks
from napari_unet.cli.options import names_in
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.learning.config import FitConfig
    from napari_unet.learning.start import TaskRequest

USUAL_TASK = tasks.task_names()[0]
MINUTES_FROM_SCRATCH = 15.0
MINUTES_FINE_TUNING = 2.0
_OF_2015 = "original-2015"
_DROPOUT_OF_2015 = 0.5
"""In the network that its authors published beside the paper."""


def task_request(
    task: str | None, names: str | None, colours: str | None, start: str | None
) -> learning.TaskRequest:
    """Return what the model should predict, which is what its start does if unsaid."""
    if task is not None:
        tasks.find_task(task)
    elif start:
        task = models.read_spec(models.model_folder(start)).task
    else:
        task = USUAL_TASK
    painted = tuple(each.strip() for each in (colours or "").split(",") if each)
    return learning.TaskRequest(task, names_in(names), painted)


def check_choices(
    architecture: str | None,
    start: str | None,
    settings: list[str] | None,
    *,
    pretrained: bool,
) -> None:
    """Refuse options of a new network beside a start, and networks that are none."""
    if architecture is not None and architecture not in models.ARCHITECTURES:
        raise InputError(
            f"Architecture {architecture!r} is not available; choose one of: "
            f"{', '.join(models.ARCHITECTURES)}."
        )
    of_network = [each for each in settings or [] if not each.startswith("loss.")]
    if start is not None and (architecture is not None or of_network or pretrained):
        raise InputError(
            "--architecture, --set and --pretrained describe a new model, but --from "
            "keeps the network it starts from; give one of the two. (--set loss... "
            "goes with both.)"
        )


def chosen_preset(preset: str | None, start: str | None, request: TaskRequest) -> str:
    """Return the way to train, after checking that it fits what is learned."""
    preset = preset or ("fine-tune" if start else "from-scratch")
    if preset not in learning.PRESETS:
        raise InputError(
            f"Preset {preset!r} is not available; choose one of: "
            f"{', '.join(learning.PRESETS)}."
        )
    if preset == _OF_2015 and not tasks.task_of(request).outputs.classes:
        raise InputError(
            f"The recipe {_OF_2015} tells classes of pixels apart, but the model "
            f"predicts {request.task}; add --task classes, with labels that hold a "
            "class number for every pixel, or choose --preset from-scratch."
        )
    return preset


def settings_of_preset(preset: str, architecture: str | None) -> list[str]:
    """Return the options of the network that belong to a way to train."""
    if preset != _OF_2015 or architecture is None:
        return []
    has_dropout = "dropout" in type(models.ARCHITECTURES[architecture]).model_fields
    return [f"architecture.dropout={_DROPOUT_OF_2015}"] if has_dropout else []


def configure(
    preset: str,
    minutes: float | None,
    steps: int | None,
    batch: int | None,
    device: str,
    seed: int,
    *,
    full_precision: bool,
) -> FitConfig:
    """Return how to train, after checking the limits and the device."""
    if minutes is not None and steps is not None:
        raise InputError("Give --minutes or --steps, not both.")
    if (minutes is not None and not minutes > 0) or (steps is not None and steps < 1):
        raise InputError("--minutes and --steps must be above 0.")
    if seed < 0:
        raise InputError("--seed must be 0 or above.")
    nets.resolve_device(device)
    if minutes is None and steps is None:
        tuning = preset == "fine-tune"
        minutes = MINUTES_FINE_TUNING if tuning else MINUTES_FROM_SCRATCH
    usual = learning.PRESETS[preset]
    return usual.model_copy(
        update={
            "minutes": minutes,
            "steps": steps,
            "batch_size": batch or usual.batch_size,
            "device": device,
            "full_precision": full_precision,
            "seed": seed,
        }
    )
