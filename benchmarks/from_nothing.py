"""How long it takes from no model and a few painted cells to something better.

    python -m benchmarks.from_nothing nuclei phase --cells 2 --minutes 2

A session without a window makes a new U-Net, paints the cells in the middle of the
first sample image of a kind, fine-tunes as the dock does, and says of every prediction
that is shown how many of the objects are found (IoU above 0.5) and how many there are.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_unet.annotation.edits import AcceptView
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.io.samples import load_sample
from napari_unet.models import ARCHITECTURES
from napari_unet.project import layout
from napari_unet.scores.metrics import evaluate
from napari_unet.session.models.request import ModelRequest, NetworkRequest
from napari_unet.session.session import Session
from tests.runners import ManualRunner


@dataclass(slots=True)
class Beginning:
    """A session with nothing but an image, and the truth about it."""

    session: Session
    runner: ManualRunner
    truth: LabelMap
    began: float = 0.0
    said: str = ""

    def step(self) -> bool:
        """Let everything that goes on take a step; return whether anything does."""
        for job in self.runner.jobs:
            job.step()
        self.session.tick()
        return bool(self.runner.jobs or self.session.state.predicting)

    def run(self) -> None:
        """Step to the end, and say what is shown and told on the way."""
        predicting = False
        while self.step():
            state = self.session.state
            if predicting and not state.predicting:
                self.tell(
                    "shown: {} of {} objects found, {} there".format(*self.found())
                )
            predicting = state.predicting is not None
            if state.notice not in ("", self.said):
                self.said = state.notice
                self.tell(self.said)

    def tell(self, words: str) -> None:
        """Print something with its time."""
        print(f"  {time.monotonic() - self.began:6.1f} s  {words}", flush=True)

    def paint(self, cells: int, *, view: bool) -> None:
        """Paint the cells in the middle, and accept the view around them if asked."""
        image = self.session.images.current
        assert image is not None
        work, whole = image.annotation, Box.whole(self.truth.shape)
        chosen = _from_the_middle(self.truth)[:cells]
        for number in chosen:
            work.labels[self.truth == number] = number
            work.notice_change(whole)
            self.session.note_edit(image)
        image.canvas.settle()
        if view:
            where = np.nonzero(np.isin(self.truth, chosen))
            start = tuple(int(axis.min()) for axis in where)
            stop = tuple(int(axis.max()) + 1 for axis in where)
            self.session.correcting.do(AcceptView(Box(start, stop)))

    def found(self) -> tuple[int, int, int]:
        """Return how many objects are found, how many there are, and predicted."""
        image = self.session.images.current
        assert image is not None
        scores = evaluate(self.truth, image.annotation.labels)
        return scores.tp, scores.tp + scores.fn, scores.tp + scores.fp


def begin(kind: str) -> Beginning:
    """Open the first sample image of a kind, with a network that knows nothing."""
    sample = load_sample(kind)[0]
    assert sample.labels is not None
    runner = ManualRunner()
    beginning = Beginning(Session(runner), runner, np.asarray(sample.labels, np.int32))
    session = beginning.session
    session.images.open(sample.image, kind, sample.axes, None)
    beginning.run()
    network = NetworkRequest("unet", ARCHITECTURES["unet"])
    session.models.make(ModelRequest("instances", network=network))
    beginning.run()
    session.correcting.start_empty()
    return beginning


def _from_the_middle(truth: LabelMap) -> list[int]:
    """Return the objects of a plane, the one nearest to its middle first."""
    middle = np.array(truth.shape) / 2

    def distance(number: int) -> float:
        place = np.mean(np.nonzero(truth == number), axis=1)
        return float(np.linalg.norm(place - middle))

    return sorted(np.unique(truth[truth > 0]).tolist(), key=distance)


def main() -> None:
    """Print when what is shown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="+")
    parser.add_argument("--cells", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--view", action="store_true", help="accept the view, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        layout.unfiled_folder = lambda: Path(folder)
        for kind in options.kinds:
            beginning = begin(kind)
            print(f"{kind}, {options.cells} cells")
            beginning.paint(options.cells, view=options.view)
            beginning.began = time.monotonic()
            beginning.session.finetune(options.minutes)
            beginning.run()
            beginning.tell(beginning.session.state.message)
            beginning.session.close()


if __name__ == "__main__":
    main()
