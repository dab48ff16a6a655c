"""Train the built-in model `nuclei` on the BBBC038 fluorescence images (CC0).

    python -m training.nuclei --data DIR --out runs/nuclei --steps 2400

`DIR` holds `images/*.png` and `labels/*.tif` with equal stems. The split is by image
and written down: `--split random` holds out a random tenth (seed 2018), `--split
groups` holds out whole acquisition groups (images of one size and brightness). The
run can be stopped and started again: it continues from its last checkpoint. With
`--warm RUN` a new run starts from the averaged weights of another one.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from skimage import io

from napari_unet.core.normalize import PercentileNormalization
from napari_unet.engine.augment import Augmentation
from napari_unet.engine.losses import instance_loss
from napari_unet.engine.sampling import Plane, draw_batch, make_plane
from napari_unet.nets.unet import UNet
from training.splits import Split, split_groups, split_random

AUGMENTATION = Augmentation(
    zoom=0.4,
    elastic=1.5,
    gamma=0.35,
    contrast=0.3,
    offset=0.08,
    illumination=0.4,
    blur=2.0,
    noise=0.15,
)
DIAMETERS = (7.0, 90.0)
"""Median diameters, in pixels, that zooming may produce."""


def load_planes(data: Path, stems: tuple[str, ...]) -> list[Plane]:
    """Read and normalise the images of a split."""
    normalization = PercentileNormalization()
    planes = []
    for stem in stems:
        image = io.imread(data / "images" / f"{stem}.png")
        labels = io.imread(data / "labels" / f"{stem}.tif").astype(np.int32)
        planes.append(
            make_plane(
                normalization.apply(image[None]),
                labels,
                None,
                zoom_limits=zoom_limits(labels),
            )
        )
    return planes


def zoom_limits(labels: np.ndarray) -> tuple[float, float]:
    """Return zooms that keep the median object between the intended diameters."""
    areas = np.bincount(labels.ravel())[1:]
    diameter = 2 * np.sqrt(np.median(areas[areas > 0]) / np.pi) if areas.any() else 20
    low, high = (np.clip(d / diameter, 0.3, 3.0) for d in DIAMETERS)
    return float(min(low, 1.0)), float(max(high, 1.0))


def learning_rate(progress: float, highest: float) -> float:
    """Warm up over the first 3 %, then fall along a cosine to a hundredth."""
    if progress < 0.03:
        return highest * max(progress, 1e-3) / 0.03
    return highest * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(args: argparse.Namespace, split: Split) -> None:
    """Run, or continue, the training."""
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "split.json").write_text(json.dumps(split.as_json(), indent=1))
    planes = load_planes(Path(args.data), split.train)
    sizes = np.sqrt([p.stack[0].numel() for p in planes])
    rng = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    net = UNet(1, 3, base_channels=args.base)
    if args.warm:
        net.load_state_dict(averaged_weights(args.warm))
    net = net.to(memory_format=torch.channels_last)
    ema = torch.optim.swa_utils.AveragedModel(
        net,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.997),
        use_buffers=True,
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=0.02)
    step, spent = 0, 0.0
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        ema.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
        rng = np.random.default_rng([args.seed, step])
    net.train()
    augmentation = AUGMENTATION.model_copy(update={"zoom": args.zoom})
    losses: list[float] = []
    last, saved = time.monotonic(), time.monotonic()
    while (progress := step / args.steps) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(progress, args.lr)
        batch = draw_batch(
            planes, sizes / sizes.sum(), args.crop, args.batch, augmentation, rng
        )
        images = batch.images.to(memory_format=torch.channels_last)
        loss = instance_loss(net(images), batch.targets, batch.weight)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimizer.step()
        ema.update_parameters(net)
        step += 1
        losses.append(loss.item())
        now = time.monotonic()
        spent, last = spent + now - last, now
        if step % 50 == 0:
            mean = np.mean(losses[-50:])
            print(f"step {step} minutes {spent / 60:.1f} loss {mean:.4f}", flush=True)
        if now - saved > 180:
            save(checkpoint, net, ema, optimizer, step, spent)
            saved = now
    save(checkpoint, net, ema, optimizer, step, spent)
    print("done", flush=True)


def averaged_weights(run: Path) -> dict[str, torch.Tensor]:
    """Return the averaged weights in the checkpoint of a run."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)["ema"]
    prefix = "module."
    return {
        key.removeprefix(prefix): value
        for key, value in state.items()
        if key.startswith(prefix)
    }


def save(path, net, ema, optimizer, step, spent) -> None:
    """Write the checkpoint so that a crash leaves the former one whole."""
    partial = path.with_suffix(".part")
    torch.save(
        {
            "net": net.state_dict(),
            "ema": ema.state_dict(),
            "optimizer": optimizer.state_dict(),
            "step": step,
            "spent": spent,
        },
        partial,
    )
    partial.replace(path)


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--split", choices=["random", "groups"], default="random")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=192)
    parser.add_argument("--base", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--zoom", type=float, default=AUGMENTATION.zoom)
    parser.add_argument("--warm", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    choose = {"random": split_random, "groups": split_groups}[args.split]
    train(args, choose(Path(args.data)))


if __name__ == "__main__":
    main()
