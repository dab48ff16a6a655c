"""A training step of two processes together against one process with the same batch.

    python -m benchmarks.together --model nuclei

Each process has one thread. The second is forked, and waits while the first one is
timed alone, in turns with steps that both take together. What passes by the clock says
something only where two cores have nothing else to do; what the first process computes
itself says how much of its work the second one has taken over.
"""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections.abc import Callable
from statistics import median

import torch
import torch.distributed as dist
from rich.console import Console

from benchmarks.report import Report, Row, show
from benchmarks.subject import Subject, prepare
from benchmarks.timing import load
from benchmarks.train_step import Case, cases, draw, training_plane
from napari_unet.core.jobs import drain
from napari_unet.learning.data import TrainingData
from napari_unet.learning.judging import Known
from napari_unet.learning.processes import met_team
from napari_unet.learning.sampling import Batch
from napari_unet.learning.team import Team
from napari_unet.learning.train import Training
from napari_unet.tasks.objectives import objective_of

_WARM_UP = 1


def main() -> None:
    """Fork, take steps, and print how long they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    _fork()
    with met_team() as team:
        team.connect("cpu")
        subject = prepare(options.model, 256, "cpu")
        reports = [
            measure(subject, case, team, options.rounds) for case in cases(subject)
        ]
    if team.leads:
        for report in reports:
            show(report, Console())
        os.wait()


def _fork() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    os.environ.update(told)
    os.environ["RANK"] = "1" if os.fork() == 0 else "0"


def measure(subject: Subject, case: Case, team: Team, rounds: int) -> Report:
    """Take steps alone and together, in turns."""
    batch = draw(training_plane(subject), case.config)
    steps = {
        "one process": _step(subject, case, batch, Team()),
        "two processes": _step(subject, case, batch, team),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    losses: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(_WARM_UP + rounds):
        for name, step in steps.items():
            dist.barrier()
            if not team.leads and name == "one process":
                continue  # it waits for the leader at the next barrier
            clock, busy = time.perf_counter(), time.process_time()
            losses[name].append(step())
            spent = (time.perf_counter() - clock, time.process_time() - busy)
            times[name].append(spent)
    rows = [_row(name, times[name][_WARM_UP:]) for name in times if times[name]]
    pairs = zip(*losses.values(), strict=False)
    apart = max((abs(one - two) for one, two in pairs), default=0.0)
    title = (
        f"{case.name}: {case.config.batch_size} crops of {case.config.crop} px, "
        f"{subject.model.name}, float32"
    )
    return Report(title, rows, (f"Losses differ by at most {apart:.1e}.", load()))


def _row(name: str, times: list[tuple[float, float]]) -> Row:
    elapsed, computed = zip(*times, strict=True)
    return {
        "what": name,
        "median s": median(elapsed),
        "fastest s": min(elapsed),
        "the first one computed, median s": median(computed),
    }


def _step(
    subject: Subject, case: Case, batch: Batch, team: Team
) -> Callable[[], float]:
    update = {
        "device": "cpu",
        "full_precision": True,
        "micro_batch": case.micro_batch,
    }
    config = case.config.model_copy(update=update)
    objective = objective_of(subject.model.spec)
    nothing = TrainingData([], torch.ones(0).numpy(), [], Known([], {}), held_out=False)
    training = Training(subject.model, objective, nothing, config, None, team)
    return lambda: drain(training.iter_step(batch, 1.0))


if __name__ == "__main__":
    main()
