"""How many links of a time-lapse come out right, from true and from predicted labels.

    python -m benchmarks.links [--model nuclei] [--series 8]

With `--series`, so many others are drawn as the sample is, and summed up.

A link is an object in a frame and in the next. It is right where both are found, by an
overlap of more than half, and have one id.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import astuple, dataclass
from itertools import pairwise

import numpy as np

from napari_unet.geometry.ids import count_pairs
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.predict import predict
from napari_unet.io.samples import load_sample
from napari_unet.tracking.config import TrackConfig
from napari_unet.tracking.follow import track
from napari_unet.weights.folder import load_model
from training.synthetic.timelapse import draw_timelapse


@dataclass(frozen=True, slots=True)
class Links:
    """Links that are right, that there are, and that were made.

    `possible` are those whose object was found in both frames.
    """

    right: int
    true: int
    possible: int
    made: int

    def plus(self, other: Links) -> Links:
        """Return the sums."""
        both = zip(astuple(self), astuple(other), strict=True)
        return Links(*map(sum, both))

    @property
    def in_words(self) -> str:
        """Return their shares."""
        of = {
            "links": self.true,
            "those with both objects found": self.possible,
            "links made": self.made,
        }
        shares = (f"{self.right / n:.1%} of {n} {what}" for what, n in of.items())
        return f"{self.right} right: {', '.join(shares)}"


def count_links(truth: LabelMap, found: LabelMap) -> Links:
    """Compare ids of two label maps whose first axis is time."""
    same = [_matched(*frames) for frames in zip(truth, found, strict=True)]
    possible = [
        before[id_] == other
        for before, after in pairwise(same)
        for id_, other in after.items()
        if id_ in before
    ]
    return Links(sum(possible), _links(truth), len(possible), _links(found))


def _links(labels: LabelMap) -> int:
    ids = [set(np.unique(frame).tolist()) - {0} for frame in labels]
    return sum(len(before & after) for before, after in pairwise(ids))


def _matched(truth: LabelMap, found: LabelMap) -> dict[int, int]:
    """Return the found id of each true one whose union they share by more than half."""
    first, second, both = count_pairs(truth, found)
    areas = np.bincount(truth.ravel()), np.bincount(found.ravel())
    alike = 2 * both > areas[0][first] + areas[1][second] - both
    alike &= (first > 0) & (second > 0)
    return dict(zip(first[alike].tolist(), second[alike].tolist(), strict=True))


def _measure_series(name: str, count: int) -> None:
    """Print what comes of series that are drawn, with cuts and without, and sums."""
    model = load_model(name)
    sums = {cuts: Links(0, 0, 0, 0) for cuts in (True, False)}
    for seed in range(1, count + 1):
        drawn = draw_timelapse(np.random.default_rng(seed))
        predicted = predict(drawn.image, model, axes="TYX")
        for cuts in sums:
            found, _ = track(predicted, "TYX", TrackConfig(cuts=cuts))
            links = count_links(drawn.labels, found)
            sums[cuts] = sums[cuts].plus(links)
            print(f"series {seed}, cuts={cuts}: {links.in_words}")
    for cuts, links in sums.items():
        print(f"all, cuts={cuts}: {links.in_words}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--series", type=int, default=0)
    asked = parser.parse_args()
    if asked.series:
        _measure_series(asked.model, asked.series)
        return
    model = asked.model
    sample = load_sample("timelapse")[0]
    truth = sample.labels
    assert truth is not None
    # Ids of the truth follow objects already: others for each frame.
    rng = np.random.default_rng(0)
    highest = int(truth.max())
    mixed = [np.append(0, 1 + rng.permutation(highest))[frame] for frame in truth]
    predicted = predict(sample.image, load_model(model), axes=sample.axes)
    given = {"true labels": np.stack(mixed), f"labels of {model}": predicted}
    for name, labels in given.items():
        track(labels, sample.axes)  # brings what is imported
        began = time.perf_counter()
        found, tracks = track(labels, sample.axes)
        each = 1000 * (time.perf_counter() - began) / len(labels)
        daughters = sum(one.parent > 0 for one in tracks)
        words = count_links(truth, found).in_words
        print(f"{name}: {words}")
        print(f"    {len(tracks)} tracks, {daughters} daughters, {each:.0f} ms a frame")


if __name__ == "__main__":
    main()
