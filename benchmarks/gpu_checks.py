"""Compare what a device computes with what the CPU computes in float32."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks import train_step
from benchmarks.agreement import differing_pixels
from benchmarks.report import Row
from benchmarks.subject import Subject, plane_maps
from napari_unet.inference.forward import PlanePredictor, fold_norms
from napari_unet.learning.sampling import Batch
from napari_unet.nets.device import Execution, choose_execution
from napari_unet.tasks.objectives import objective_of

_PATCH = 512
# A power of two: float16 gradients do not vanish and other types lose nothing.
_SCALE = 1024.0


@dataclass(frozen=True, slots=True)
class Check:
    """A difference that was found and the largest that is allowed."""

    name: str
    found: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether the difference is small enough; a NaN never is."""
        return self.found <= self.allowed

    def as_row(self) -> Row:
        """Return the check as a row of a table."""
        return {
            "check": self.name,
            "found": self.found,
            "allowed": self.allowed,
            "result": "passed" if self.passed else "FAILED",
        }


def run_checks(subject: Subject) -> list[Check]:
    """Compare the device with the CPU: logits, labels, gradients, training."""
    plain = replace(subject.execution, autocast=None)
    chosen = _name(subject.execution)
    batch = train_step.draw(
        train_step.training_plane(subject), train_step.cases(subject)[0].config
    )
    gradients = _gradients(subject, reference_execution(), batch)
    with exact_float32():
        logits = Check("logits, float32", logit_difference(subject, plain), 1e-4)
        plain_error = _relative_error(_gradients(subject, plain, batch), gradients)
    chosen_error = _relative_error(
        _gradients(subject, subject.execution, batch), gradients
    )
    return [
        logits,
        Check(f"labels, {chosen}: pixels that differ", label_difference(subject), 1e-3),
        Check("gradients, float32: relative error", plain_error, 1e-3),
        Check(f"gradients, {chosen}: relative error", chosen_error, 0.05),
        Check(f"ten steps, {chosen}: loss after / before", loss_ratio(subject), 1.0),
    ]


def reference_execution() -> Execution:
    """Return the plainest way to compute: CPU, float32, contiguous."""
    best = choose_execution(torch.device("cpu"))
    return replace(best, autocast=None, channels_last=False)


@contextlib.contextmanager
def exact_float32() -> Iterator[None]:
    """Keep the GPU from rounding float32 convolutions to TF32."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def logit_difference(subject: Subject, execution: Execution) -> float:
    """Return the largest difference, relative where a logit exceeds 1."""
    image = torch.from_numpy(subject.normalized()[None, :, :_PATCH, :_PATCH])
    found, expected = (
        _logits(subject, way, image) for way in (execution, reference_execution())
    )
    return float(((found - expected).abs() / expected.abs().clamp_min(1)).max())


def label_difference(subject: Subject) -> float:
    """Return the fraction of pixels that belong to another object than on the CPU."""
    found = _labels(subject, subject.execution)
    return differing_pixels(found, _labels(subject, reference_execution()))


def loss_ratio(subject: Subject) -> float:
    """Return by what factor the loss of one batch falls in ten steps of the engine."""
    case = train_step.cases(subject)[0]
    batch = train_step.draw(train_step.training_plane(subject), case.config)
    step = train_step.engine_step(subject, case, batch)
    losses = [step() for _ in range(11)]
    return losses[-1] / losses[0]


def _logits(subject: Subject, execution: Execution, image: Tensor) -> Tensor:
    net = execution.place_net(fold_norms(subject.model.net))
    with torch.inference_mode(), execution.precision():
        logits: Tensor = net(execution.place(image))
    return logits.float().cpu()


def _labels(subject: Subject, execution: Execution) -> npt.NDArray[np.int32]:
    maps = plane_maps(PlanePredictor(subject.model, execution), subject.normalized())
    return subject.model.spec.decoding.decode(maps)


def _gradients(subject: Subject, execution: Execution, batch: Batch) -> Tensor:
    """Return all gradients of one step in one vector, with frozen norms."""
    net = execution.place_net(copy.deepcopy(subject.model.net)).eval()
    with execution.precision():
        logits = net(execution.place(batch.images))
    targets, weight = (t.to(execution.device) for t in (batch.targets, batch.weight))
    loss = objective_of(subject.model.spec).loss(logits.float(), targets, weight, 2.0)
    torch.autograd.backward(_SCALE * loss)
    gradients = [
        p.grad.float().cpu().ravel() for p in net.parameters() if p.grad is not None
    ]
    return torch.cat(gradients) / _SCALE


def _relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def _name(execution: Execution) -> str:
    return str(execution.autocast or torch.float32).removeprefix("torch.")
