"""Train one of the built-in models, from the first batch or from where it stopped.

    python -m training.fit nuclei --data DIR --out runs/nuclei
    python -m training.fit nuclei --data DIR --out runs/short --set steps=300 --fold 0
    python -m training.fit nuclei --data DIR --out runs/more --start runs/nuclei
    python -m training.fit cells --data DIR --out runs/other --leave-out cells_phase

`DIR` is the folder of all data sets. What is not said on the command line is in the
recipe (`training.recipe`); the recipe, the parts and a checkpoint lie in `--out`.
Called again with the same `--out`, the run goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from napari_unet.core.atomic import write_atomically
from napari_unet.learning.sampling import Plane
from napari_unet.nets.device import choose_execution, resolve_device
from napari_unet.nets.network import Network
from training.feed import Batches, feed
from training.pictures import Picture
from training.planes import probabilities, ready
from training.recipe import RECIPES, Recipe, changed
from training.splits import read_split
from training.start import CHECKPOINT, PARTS, load_start, seen_by
from training.threads import side_by_side

_BETWEEN_CHECKPOINTS = 120.0


@dataclass(frozen=True)
class Resources:
    """What a training may use, and how long.

    Parameters
    ----------
    device : str
        Where the network is.
    workers : int
        Processes that draw crops.
    minutes : float, optional
        The learning rate falls with the time, and the training ends after so long, if
        the steps of the recipe take longer.
    start : Path, optional
        A run, a model folder or a built-in model, whose weights are the first.
    """

    device: str = "auto"
    workers: int = 0
    minutes: float | None = None
    start: Path | None = None

    def progress(self, step: int, steps: int, seconds: float) -> float:
        """Return which share of a training is done, in [0, 1]."""
        of_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(step / steps, of_time))


def fit(
    recipe: Recipe, data: Path, out: Path, fold: int | None, resources: Resources
) -> None:
    """Run, or continue, a training."""
    stems = begin(recipe, out, fold, resources.start)
    pictures = recipe.spread_out(recipe.pictures(data, stems))
    optimize(recipe, batches_of(recipe, pictures), out, resources)


def begin(
    recipe: Recipe, out: Path, fold: int | None, start: Path | None = None
) -> list[str]:
    """Write down what a run is about, and return the pictures that train.

    Raises
    ------
    ValueError
        If `out` holds a run about something else, or the weights of `start` have seen
        what judges.
    """
    train, familiar, strangers = _parts(recipe, fold)
    seen = {*train, *(seen_by(start) if start is not None else ())}
    if known := seen & {*familiar, *strangers}:
        raise ValueError(
            f"{start} has seen {len(known)} of the pictures that judge {out}; start "
            f"from a run of the same fold, which is {fold}, that left out the same."
        )
    parts = {"fold": fold, "train": train, "known": familiar, "strangers": strangers}
    about = {
        "recipe.json": recipe.model_dump_json(indent=1),
        PARTS: json.dumps({**parts, "seen": sorted(seen)}, indent=1),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in about.items():
        file = out / name
        if (out / CHECKPOINT).exists() and file.read_text() != text:
            raise ValueError(
                f"{out} holds a run with another {name}; choose another --out."
            )
        file.write_text(text)
    return train


def _parts(recipe: Recipe, fold: int | None) -> tuple[list[str], list[str], list[str]]:
    """Return who trains, who is familiar and who is a stranger, as a recipe says."""
    parts = read_split(recipe.data).parts(fold)
    if not recipe.left_out:
        return parts
    left = read_split(recipe.left_out).groups
    without = {stem for group in left for stem in group}
    train, familiar, strangers = ([s for s in p if s not in without] for p in parts)
    return train, familiar, sorted({*strangers, *without})


def batches_of(
    recipe: Recipe, pictures: list[Picture], planes: Sequence[Plane] | None = None
) -> Batches:
    """Make pictures ready to be drawn from, unless `planes` are."""
    planes = planes or side_by_side(partial(ready, recipe=recipe), pictures)
    split = read_split(recipe.data)
    often = probabilities(pictures, planes, split, recipe.balance, alike=recipe.alike)
    return Batches(planes, often, recipe)


def optimize(recipe: Recipe, batches: Batches, out: Path, resources: Resources) -> None:
    """Take the steps that are left, with a checkpoint now and then."""
    torch.manual_seed(recipe.seed)
    execution = choose_execution(resolve_device(resources.device))
    place = execution.device
    objective = recipe.objective()
    net = recipe.network()
    if resources.start is not None:
        load_start(net, resources.start)
    net = execution.place_net(net)
    average = AveragedModel(
        net, multi_avg_fn=get_ema_multi_avg_fn(recipe.memory), use_buffers=True
    )
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=recipe.rate, weight_decay=recipe.decay
    )
    scaler = torch.amp.GradScaler(
        place.type, enabled=execution.autocast == torch.float16
    )
    step, spent = resume(out, net, average, optimizer)
    net.train()
    began = saved = time.monotonic()
    before, losses = spent, []
    for batch in feed(batches, step, resources.workers, pinned=place.type == "cuda"):
        images, targets, weight = (x.to(place, non_blocking=True) for x in batch)
        progress = resources.progress(step, recipe.steps, spent)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(progress, recipe.rate)
        optimizer.zero_grad()
        # All batches have one shape, so it pays to look for the quickest convolution.
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            with execution.precision():
                maps = net(execution.place(images))
            loss = objective.loss(maps.float(), targets, weight, recipe.hardness)
            scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        scaler.step(optimizer)
        scaler.update()
        average.update_parameters(net)
        step += 1
        losses.append(loss.detach())
        now = time.monotonic()
        spent = before + now - began
        if step % 50 == 0:
            mean = torch.stack(losses).mean().item()
            losses.clear()
            print(f"step {step} seconds {spent:.0f} loss {mean:.4f}", flush=True)
        ended = resources.progress(step, recipe.steps, spent) == 1
        if now - saved > _BETWEEN_CHECKPOINTS or ended:
            save(out, net, average, optimizer, step, spent)
            saved = now
        if ended:
            return


def learning_rate(progress: float, highest: float) -> float:
    """Warm up over the first 3 %, then fall along a cosine to a hundredth."""
    if progress < 0.03:
        return highest * max(progress, 1e-3) / 0.03
    return highest * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def save(
    out: Path,
    net: Network,
    average: AveragedModel,
    optimizer: torch.optim.Optimizer,
    step: int,
    spent: float,
) -> None:
    """Write the checkpoint so that a crash leaves the former one whole."""
    state = {
        "net": net.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "spent": spent,
    }
    write_atomically(out / CHECKPOINT, lambda file: torch.save(state, file))


def resume(
    out: Path, net: Network, average: AveragedModel, optimizer: torch.optim.Optimizer
) -> tuple[int, float]:
    """Load the checkpoint, if there is one; return the steps and seconds it holds."""
    if not (out / CHECKPOINT).exists():
        return 0, 0.0
    state = torch.load(out / CHECKPOINT, weights_only=True, map_location="cpu")
    net.load_state_dict(state["net"])
    average.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["spent"]


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--fold", type=int, help="hold the groups of this fold out")
    parser.add_argument(
        "--start",
        type=Path,
        help="a run, a model folder or a built-in model, whose weights are the first",
    )
    parser.add_argument(
        "--leave-out",
        nargs="*",
        default=[],
        metavar="KIND",
        help="data sets of the recipe that do not train, and are strangers",
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--workers", type=int, default=0, help="processes that draw crops"
    )
    parser.add_argument("--minutes", type=float, help="end after so long at most")
    args = parser.parse_args()
    recipe = changed(RECIPES[args.name], args.set).without(args.leave_out)
    resources = Resources(args.device, args.workers, args.minutes, args.start)
    fit(recipe, args.data, args.out, args.fold, resources)


if __name__ == "__main__":
    main()
