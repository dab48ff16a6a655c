"""Two processes that train together, in one program: the second is forked.

So torch is imported once. Each case is a name and what is asked of `iter_fit`; the
leader writes losses and weights of each into the folder that is given.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from napari_unet.core.events import TrainStep
from napari_unet.core.jobs import drain
from napari_unet.learning.config import Checkpointing, FitConfig
from napari_unet.learning.team import Team, joined_team
from napari_unet.learning.train import iter_fit
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.outputs import PixelClass, Variable
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model
from tests.tiny import make_disks, make_model

STEPS = 4
_SMALL = {
    "crop": 32,
    "device": "cpu",
    "full_precision": True,
    "fit_thresholds": False,
    "validate_every": 2,
}
TUNING = FitConfig(steps=STEPS, batch_size=4, **_SMALL)
SCRATCH = FitConfig.from_scratch().model_copy(
    update={"steps": STEPS, "batch_size": 4, "micro_batch": 4, **_SMALL}
)


def sparse() -> Sample:
    """Return disks of which some are verified: crops differ in what is known."""
    disks = make_disks()
    verified = np.zeros(disks.labels.shape, bool)
    verified[:50, :70] = True
    verified[80:, 80:] = True
    return Sample(disks.image, disks.labels, verified)


def classes() -> tuple[Model, Sample]:
    """Return a model of two classes, and a sample."""
    torch.manual_seed(1)
    network = UNetConfig(depth=2, base_channels=4)
    names = (PixelClass(name="ground"), PixelClass(name="cell"))
    spec = ModelSpec(name="c", task="classes", classes=names, architecture=network)
    disks = sparse()
    labels = (disks.labels > 0).astype(np.uint8)
    return new_model(spec), Sample(disks.image, labels, disks.verified)


def regression() -> tuple[Model, Sample]:
    """Return a model of one variable, and a sample."""
    torch.manual_seed(1)
    network = UNetConfig(depth=2, base_channels=4)
    variables = (Variable(name="v", mean=20, scale=50),)
    spec = ModelSpec(
        name="r", task="regression", variables=variables, architecture=network
    )
    disks = sparse()
    return new_model(spec), Sample(disks.image, disks.image, disks.verified)


CASES = {
    "fine-tuning": lambda: (make_model(), sparse(), TUNING),
    "fine-tuning, at once": lambda: (
        make_model(),
        sparse(),
        TUNING.model_copy(update={"micro_batch": 4}),
    ),
    "from random weights": lambda: (make_model(), sparse(), SCRATCH),
    "from random weights, in parts": lambda: (
        make_model(),
        sparse(),
        SCRATCH.model_copy(update={"micro_batch": 2}),
    ),
    "classes": lambda: (*classes(), SCRATCH),
    "regression": lambda: (*regression(), SCRATCH),
}


def learn(name: str, team: Team, checkpoint: Checkpointing | None = None) -> dict:
    """Train, and return losses, the score and the weights."""
    model, sample, config = CASES[name]()
    losses: list[float] = []

    def hear(event: object) -> None:
        if isinstance(event, TrainStep):
            losses.append(event.loss)

    torch.manual_seed(0)
    steps = iter_fit(model, [sample], config, checkpoint=checkpoint, team=team)
    result = drain(steps, hear)
    return {
        "losses": losses,
        "score": result.score,
        "weights": dict(result.model.net.state_dict()),
    }


def main(out: Path) -> None:
    """Fork, and let both processes train all cases."""
    os.environ["WORLD_SIZE"] = "2"
    os.environ["RANK"] = "1" if os.fork() == 0 else "0"
    with joined_team("cpu") as team:
        for number, name in enumerate(CASES):
            found = learn(name, team)
            if team.leads:
                save_file(found.pop("weights"), out / f"{number}.safetensors")
                (out / f"{number}.json").write_text(json.dumps(found))
    if team.leads:
        os.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
