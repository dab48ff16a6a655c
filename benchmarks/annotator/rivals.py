"""Other ways to learn from the same corrections."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy import ndimage as ndi
from skimage.feature import multiscale_basic_features
from skimage.segmentation import find_boundaries, watershed
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor

from benchmarks.annotator.kinds import Image
from benchmarks.annotator.learner import (
    SECONDS_A_STEP,
    Passed,
    UNetLearner,
)
from napari_unet.geometry.maps import LabelMap
from napari_unet.learning.config import Augmentation
from napari_unet.learning.sampling import Plane, draw_batch, make_plane
from napari_unet.nets.network import Network
from napari_unet.tasks.objectives import Targets
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model

_CROP, _BATCH = 192, 4
_FOREST_SECONDS = 10.0


class DenseLearner(UNetLearner):
    """Everything of an image counts that has a correction, as it stands.

    Predicted objects are true, and what is not labelled is background: so do tools
    learn that know no unknown pixels (Cellpose's window).
    """

    def learn(self, samples: Sequence[Sample], seed: int) -> Generator[Passed]:
        """Fine-tune as ever, on whole images."""
        whole = [replace(sample, verified=None) for sample in samples]
        yield from super().learn(whole, seed)


@dataclass(slots=True, eq=False)
class RootPainterLearner:
    """The recipe of RootPainter (Smith et al. 2022), with the network of a start.

    Foreground against background, whose pieces are the objects; gradient descent
    (0.01, Nesterov's momentum 0.99); Dice and 0.3 times cross-entropy over all pixels,
    where the logits of pixels that nobody verified are 0; crops with annotation,
    mirrored, bent and with other contrast; the lowest and the highest grey value of an
    image become 0 and 1. A model goes live when its F1 is better on a fifth of the
    images, or on all while there are fewer than two. Theirs has another network, which
    starts with random weights, and larger crops.
    """

    name: str
    start: Model
    steps: int
    every: int = 30
    net: Network = field(init=False)

    def __post_init__(self) -> None:
        self.net = self.start.copy_net()
        self.net.replace_head(2)

    def predict(self, image: Image) -> LabelMap:
        """Return the connected pieces of the foreground."""
        found, _ = ndi.label(_foreground(self.net, _grey(image.pixels)) > 0.5)
        return np.asarray(found, np.int32)

    def learn(self, samples: Sequence[Sample], seed: int) -> Generator[Passed]:
        """Go on with what is live."""
        rng = np.random.default_rng(seed)
        held = rng.permutation(len(samples))[: len(samples) // 5]
        judging = [samples[i] for i in held] or list(samples)
        training = [s for i, s in enumerate(samples) if i not in held]
        planes = [_binary_plane(sample) for sample in training]
        shares = np.full(len(planes), 1 / len(planes))
        net = Model(self.start.spec, self.net).copy_net().train()
        optimizer = torch.optim.SGD(
            net.parameters(), lr=0.01, momentum=0.99, nesterov=True
        )
        best = _f1(self.net, judging)
        how = Augmentation(zoom=0, elastic=2, gamma=0, contrast=0.3, blur=0, noise=0.09)
        for step in range(1, self.steps + 1):
            batch = draw_batch(planes, shares, _CROP, _BATCH, how, rng)
            optimizer.zero_grad()
            _combined_loss(net(batch.images), batch.targets, batch.weight).backward()
            optimizer.step()
            yield Passed(SECONDS_A_STEP, steps=1)
            if step % self.every:
                continue
            better = (score := _f1(net, judging)) > best
            if better:
                best, self.net = score, Model(self.start.spec, net).copy_net()
            yield Passed(0.0, improved=better, measured=True)


def _combined_loss(logits: Tensor, foreground: Tensor, defined: Tensor) -> Tensor:
    logits = logits * defined
    truth = (foreground * defined)[:, 0]
    probability = logits.softmax(1)[:, 1]
    cross = F.cross_entropy(logits, truth.round().long())
    if truth.sum() == 0:
        return 0.3 * cross
    overlap = 2 * (probability * truth).sum()
    return 1 - overlap / (probability.sum() + truth.sum()) + 0.3 * cross


def _binary_plane(sample: Sample) -> Plane:
    verified = _verified(sample)
    maps = (sample.labels > 0)[None].astype(np.float32)
    known = verified[None].astype(np.float32)
    return make_plane(_grey(sample.image), Targets(maps, known), [(verified, 1.0)])


def _verified(sample: Sample) -> npt.NDArray[np.bool_]:
    if sample.verified is None:
        return np.ones(sample.labels.shape, bool)
    return np.asarray(sample.verified, bool)


def _grey(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    values = np.asarray(pixels, np.float32)[None]
    low, high = float(values.min()), float(values.max())
    return (values - low) / max(high - low, 1e-9)


@torch.inference_mode()
def _foreground(
    net: Network, image: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    net.eval()
    height, width = image.shape[1:]
    more = (net.input_size(height) - height, net.input_size(width) - width)
    padded = np.pad(image, ((0, 0), (0, more[0]), (0, more[1])), "reflect")
    logits = net(torch.from_numpy(padded)[None])
    found: npt.NDArray[np.float32] = logits.softmax(1)[0, 1, :height, :width].numpy()
    return found


def _f1(net: Network, samples: Sequence[Sample]) -> float:
    right = wrong = 0
    was_training = net.training
    for sample in samples:
        found = _foreground(net, _grey(sample.image)) > 0.5
        known, truth = _verified(sample), sample.labels > 0
        right += int((found & truth & known).sum())
        wrong += int(((found != truth) & known).sum())
    net.train(was_training)
    return 2 * right / max(2 * right + wrong, 1)


@dataclass(slots=True, eq=False)
class ForestLearner:
    """A random forest of 100 trees on filters of each pixel, as in ilastik.

    It is what `skimage.future.TrainableSegmenter` consists of, for several images:
    background, inside and outline; the pieces of the inside are the objects, and grow
    into their outline.
    """

    name: str = "random forest"
    most: int = 20_000
    forest: RandomForestClassifier | None = None

    def predict(self, image: Image) -> LabelMap:
        """Find insides, and let them grow."""
        if self.forest is None:
            return np.zeros(image.truth.shape, np.int32)
        features = _features(image.pixels)
        shares = self.forest.predict_proba(features.reshape(-1, features.shape[-1]))
        by_class = dict(zip(self.forest.classes_.tolist(), shares.T, strict=True))
        none = np.zeros(len(shares))
        background, inside = (by_class.get(n, none) for n in (0, 1))
        shape = image.truth.shape
        seeds, _ = ndi.label((inside > 0.5).reshape(shape))
        grown = watershed(
            -inside.reshape(shape), seeds, mask=(background < 0.5).reshape(shape)
        )
        return np.asarray(grown, np.int32)

    def learn(self, samples: Sequence[Sample], seed: int) -> Generator[Passed]:
        """Learn from all verified pixels, or as many of them as are quick."""
        rng = np.random.default_rng(seed)
        rows, classes = [], []
        for sample in samples:
            known = np.flatnonzero(_verified(sample))
            most = max(1, self.most // len(samples))
            chosen = rng.choice(known, min(most, len(known)), replace=False)
            features = _features(sample.image)
            rows.append(features.reshape(-1, features.shape[-1])[chosen])
            outline = find_boundaries(sample.labels, mode="inner")
            kind = np.where(outline, 2, sample.labels > 0).astype(np.uint8)
            classes.append(kind.ravel()[chosen])
        forest = RandomForestClassifier(n_estimators=100, n_jobs=1, random_state=seed)
        self.forest = forest.fit(np.concatenate(rows), np.concatenate(classes))
        yield Passed(_FOREST_SECONDS, improved=True, measured=True)


def _features(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    found = multiscale_basic_features(_grey(pixels)[0], sigma_max=16)
    return np.asarray(found, np.float32)
