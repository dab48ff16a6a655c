"""Two processes that train together, in one program: the second is forked.

So torch is imported once. Each case is a name and what is asked of `iter_fit`; the
leader writes losses and weights of each into the folder that is given. At last the
second process is killed in the middle of a training, and the leader says what it heard.

Steps are those of gradient descent: AdamW makes as large a step of a gradient that is
nothing but the last digits of others.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import torch

from napari_unet.core.events import TrainStep
from napari_unet.core.jobs import drain
from napari_unet.errors import DeviceError
from napari_unet.learning.config import Checkpointing, FitConfig
from napari_unet.learning.processes import met_team
from napari_unet.learning.team import Team
from napari_unet.learning.train import iter_fit
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.outputs import PixelClass, Variable
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model
from tests.tiny import make_disks, make_model

STEPS = 3
_SMALL = {
    "crop": 32,
    "device": "cpu",
    "full_precision": True,
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "momentum": 0.9,
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


def learn(name: str, team: Team, state: Path) -> dict:
    """Train, and return losses and the score; weights are in the file of the state."""
    model, sample, config = CASES[name]()
    checkpoint = Checkpointing(state, every_seconds=0)
    losses: list[float] = []

    def hear(event: object) -> None:
        if isinstance(event, TrainStep):
            losses.append(event.loss)

    torch.manual_seed(0)
    steps = iter_fit(model, [sample], config, checkpoint=checkpoint, team=team)
    result = drain(steps, hear)
    return {"losses": losses, "score": result.score}


def learn_until_killed(team: Team) -> str:
    """Train until the second process is killed; return what the leader says."""
    model, sample, config = CASES["fine-tuning"]()
    try:
        for event in iter_fit(model, [sample], config, team=team):
            if isinstance(event, TrainStep) and not team.leads:
                os.kill(os.getpid(), signal.SIGKILL)
    except DeviceError as error:
        return str(error)
    return "nothing"


def forked() -> bool:
    """Become two processes that find each other; return whether this one leads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
    }
    leads = os.fork() != 0
    os.environ["RANK"] = "0" if leads else "1"
    return leads


def main(out: Path) -> None:
    """Fork, and let both processes train all cases."""
    forked()
    with met_team() as team:
        team.connect("cpu")
        for number, name in enumerate(CASES):
            found = learn(name, team, out / f"{number}.safetensors")
            if team.leads:
                (out / f"{number}.json").write_text(json.dumps(found))
        (out / "killed.txt").write_text(learn_until_killed(team))
    os.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
