"""Predict large slides, and say what it took: a table for docs/scale.md.

    python -m benchmarks.scale --out DIR [--sizes 4096 20000] [--kills 10]
        [--parts slides workers kills seams]

A slide of each size becomes an OME-Zarr; the smaller one also by other chunks, by one
and two workers, and after kills at random moments. Times are told by the clock and as
seconds of computing, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
import zarr

from benchmarks.scale.measured import Measured, run
from benchmarks.scale.scene import write_slide
from benchmarks.scale.tiles import tiled, wrong
from napari_unet.core.jobs import drain
from napari_unet.images.source import ArrayImage
from napari_unet.inference.blocks import Cutting
from napari_unet.inference.forward import PlanePredictor
from napari_unet.large import Engine, Settings, ask, iter_predict_to
from napari_unet.nets.device import choose_execution
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model

_MODEL = "nuclei-small"
# One that the model knows: planes are not zoomed, and not looked at before.
_DIAMETER = 18
# No multiple of the size of the samples, at whose borders objects end anyway.
_SIDE = 500

_PARTS = ("slides", "workers", "kills", "seams")

# Bytes of a process that has loaded torch.
_LOADED = 1.5e8


def main() -> None:
    """Read what is asked, and print a row after each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[4096, 20_000])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if "slides" in asked.parts:
        for size in asked.sizes:
            _slide(asked.out, size)
    # What follows is compared with what was predicted in one process, maybe earlier.
    size = min(asked.sizes)
    if not (asked.out / f"first-{size}").exists():
        _slide(asked.out, size)
    expected = _labels(asked.out / f"first-{size}" / f"{size}.zarr")
    if "workers" in asked.parts:
        _chunks_and_workers(asked.out, size, expected)
    if "kills" in asked.parts:
        _kills(asked.out, size, expected, asked.kills, asked.seed)
    if "seams" in asked.parts:
        _seams(asked.out, size)


def _predict(folder: Path, size: int, name: str, *more: object) -> list[object]:
    slide = folder / f"{size}.zarr"
    if not slide.exists():
        write_slide(slide, size)
    target = folder / f"{name}-{size}"
    common = ("--model", _MODEL, "--diameter", _DIAMETER, "--device", "cpu")
    out = ("--out", target, "--output-format", "ome-zarr", "--json")
    return ["predict", slide, *common, *out, *more]


def _labels(result: Path) -> np.ndarray:
    return np.asarray(zarr.open_array(result / "labels/cells/0", mode="r")[...])


def _tell(what: str, took: Measured, size: int, **more: object) -> None:
    megapixels = size**2 / 1e6
    row = {
        "what": what,
        "seconds": round(took.seconds, 1),
        "seconds a megapixel": round(took.seconds / megapixels, 3),
        "computing a megapixel": round(took.computing / megapixels, 3),
        "memory GB": round(took.memory / 1e9, 2),
        "code": took.code,
        **more,
    }
    print(json.dumps(row), flush=True)


def _slide(folder: Path, size: int) -> None:
    shutil.rmtree(folder / f"first-{size}", ignore_errors=True)
    took = run(_predict(folder, size, "first"))
    objects = json.loads(took.out)["written"][0]["objects"]
    _tell(f"{size} x {size}, this process alone", took, size, objects=objects)
    checked = run(["verify-seams", folder / f"first-{size}" / f"{size}.zarr", "--json"])
    _tell("verify-seams", checked, size, found=json.loads(checked.out))


def _chunks_and_workers(folder: Path, size: int, expected: np.ndarray) -> None:
    kinds: dict[str, tuple[object, ...]] = {
        "one worker, chunks of 2048": ("--workers", 1, "--chunk", 2048),
        "two workers, chunks of 1024": ("--workers", 2, "--chunk", 1024),
        "three workers, chunks of 3000": ("--workers", 3, "--chunk", 3000),
    }
    for number, (name, options) in enumerate(kinds.items()):
        shutil.rmtree(folder / f"kind{number}-{size}", ignore_errors=True)
        took = run(_predict(folder, size, f"kind{number}", *options))
        found = _labels(folder / f"kind{number}-{size}" / f"{size}.zarr")
        _tell(name, took, size, identical=bool(np.array_equal(found, expected)))


def _kills(
    folder: Path, size: int, expected: np.ndarray, kills: int, seed: int
) -> None:
    """Kill the client or a worker at random moments; a row for each finished result.

    The scheduler lies in the client. Moments are drawn from as long as a call takes
    that nobody disturbs.
    """
    rng = np.random.default_rng(seed)
    target = folder / f"killed-{size}"
    arguments = _predict(folder, size, "killed", "--workers", 2, "--chunk", 1024)
    shutil.rmtree(target, ignore_errors=True)
    whole = run(arguments).seconds
    killed = {"client": 0, "worker": 0}
    while sum(killed.values()) < kills:
        shutil.rmtree(target, ignore_errors=True)
        calls, code = 0, None
        while code != 0:
            more = sum(killed.values()) < kills
            moment = float(rng.uniform(0, whole)) if more else np.inf
            striker = _Striker(moment, str(rng.choice(["client", "worker"])), killed)
            took = run(arguments, striker.look)
            code, calls = took.code, calls + 1
        same = bool(np.array_equal(_labels(target / f"{size}.zarr"), expected))
        said = {"killed so far": dict(killed), "calls": calls, "identical": same}
        _tell("after kills", took, size, **said)


@dataclass(slots=True)
class _Striker:
    """Kills the client, or one of its workers, some seconds after the first look."""

    moment: float
    victim: str
    killed: dict[str, int]
    began: float | None = None

    def look(self, process: psutil.Process) -> None:
        """Kill, if it is time."""
        now = time.monotonic()
        self.began = self.began or now
        if now - self.began < self.moment:
            return
        self.moment = np.inf
        children = [c for c in process.children(recursive=True) if _is_worker(c)]
        if self.victim == "worker" and children:
            children[0].kill()
            self.killed["worker"] += 1
        else:
            process.kill()
            self.killed["client"] += 1


def _is_worker(process: psutil.Process) -> bool:
    """Whether it is a process that dask has started, and has loaded the program."""
    with suppress(psutil.Error):
        spawned = any("spawn_main" in part for part in process.cmdline())
        return spawned and process.memory_info().rss > _LOADED
    return False


def _seams(folder: Path, size: int) -> None:
    """Compare with tiles of 500 px that are put side by side, and joined."""
    size = min(size, 2048)
    model = load_model(_MODEL)
    slide = zarr.open_array(next(folder.glob("[0-9]*.zarr")), mode="r")
    pixels = np.asarray(slide[:size, :size])[None]
    cpu = choose_execution(torch.device("cpu"), full_precision=True)
    predictor = PlanePredictor(model, cpu)
    maps = drain(predictor.iter_maps(model.spec.normalization.apply(pixels)))
    whole = tiled(maps, model, size, 0, joined=False)
    rows = {
        "tiles side by side": tiled(maps, model, _SIDE, 0, joined=False),
        "tiles, joined where they touch": tiled(maps, model, _SIDE, 0, joined=True),
        "overlap of 64, joined where they touch": tiled(
            maps, model, _SIDE, 64, joined=True
        ),
        "blocks of 500, stitched": _stitched(folder / "stitched", pixels[0], model),
    }
    for name, labels in rows.items():
        cut, together = wrong(labels, whole)
        print(
            json.dumps(
                {
                    "what": name,
                    "objects": int(whole.max()),
                    "cut": cut,
                    "joined": together,
                }
            ),
            flush=True,
        )


def _stitched(out: Path, pixels: np.ndarray, model: Model) -> np.ndarray:
    """Return what this program finds in blocks of that size."""
    settings = Settings(
        diameter=_DIAMETER, full_precision=True, cutting=Cutting(_SIDE, 64, 32)
    )
    task = ask(
        ArrayImage(array=pixels, axes="YX"),
        model,
        out,
        settings=settings,
        engine=Engine(device="cpu"),
        name="stitched",
        overwrite=True,
    )
    return _labels(Path(drain(iter_predict_to(task)).labels))


if __name__ == "__main__":
    main()
