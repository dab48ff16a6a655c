"""What the networks of the ablation cost: parameters, a prediction, a training step.

    python -m training.cost

All are measured in turn, on this machine's CPU in the precision that suits it, and told
as ratios to the network that the ablation begins with.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from napari_unet.nets.device import Execution, choose_execution
from napari_unet.nets.network import Network
from training.ablate import BASE, VARIANTS
from training.ablation_table import BASE as USUAL
from training.recipe import RECIPES, Recipe, changed

ROUNDS = 5


def recipes() -> dict[str, Recipe]:
    """Return the recipes whose networks differ, the usual one first."""
    return {
        name: changed(RECIPES["nuclei"], (*BASE, *settings))
        for name, settings in VARIANTS.items()
        if name == USUAL or any(s.startswith("architecture.") for s in settings)
    }


def predicting(net: Network, execution: Execution) -> Callable[[], None]:
    """Return what predicts a plane of 768 px."""
    net.eval()
    plane = execution.place(torch.rand(1, 1, 768, 768))

    def run() -> None:
        with torch.inference_mode(), execution.precision():
            net(plane)

    return run


def training(net: Network, recipe: Recipe, execution: Execution) -> Callable[[], None]:
    """Return what takes a step with four crops of 192 px, without drawing them."""
    net.train()
    objective = recipe.objective()
    images = execution.place(torch.rand(4, 1, 192, 192))
    targets = torch.rand(4, objective.channels, 192, 192)
    weight = torch.ones(4, 1, 192, 192)

    def run() -> None:
        net.zero_grad()
        with execution.precision():
            maps = net(images)
        objective.loss(maps.float(), targets, weight, 0.0).backward()

    return run


def seconds(runs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return the median of every run, taken in turn."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS + 1):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - begun)
    # The first round warms up.
    return {name: statistics.median(each[1:]) for name, each in taken.items()}


def main() -> None:
    """Measure and print a table."""
    found = recipes()
    execution = choose_execution(torch.device("cpu"))
    nets = {name: execution.place_net(r.network()) for name, r in found.items()}
    size = {n: sum(p.numel() for p in net.parameters()) for n, net in nets.items()}
    predicted = seconds({n: predicting(net, execution) for n, net in nets.items()})
    trained = seconds(
        {n: training(net, found[n], execution) for n, net in nets.items()}
    )
    print("| network | million parameters | prediction | training step |")
    print("| --- | --- | --- | --- |")
    for name in nets:
        ratios = (each[name] / each[USUAL] for each in (predicted, trained))
        cells = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"| {name} | {size[name] / 1e6:.2f} | {cells} |")


if __name__ == "__main__":
    main()
