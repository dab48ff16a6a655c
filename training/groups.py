"""Groups of images that look as if one microscope and one protocol had made them.

The collection does not say where its images come from, so they are clustered by what
tells laboratories apart: extent, grey levels, texture and size of the nuclei. Whole
groups are held out to imitate the images of a stranger.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from scipy.cluster.hierarchy import fcluster, linkage

from napari_unet.inference.measure import typical_diameter
from training.pictures import Picture

GROUPS = 16


def group_pictures(pictures: list[Picture], count: int = GROUPS) -> dict[str, int]:
    """Return the group of every picture, by stem; 0 is the largest.

    Ward's method on standardised features.
    """
    if len(pictures) == 1:
        return {pictures[0].stem: 0}
    features = np.array([_features(each) for each in pictures])
    spread = features.std(axis=0)
    standard = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    found = fcluster(linkage(standard, "ward"), count, "maxclust")
    members: dict[int, list[str]] = defaultdict(list)
    for picture, number in zip(pictures, found.tolist(), strict=True):
        members[number].append(picture.stem)
    ordered = sorted(members.values(), key=lambda stems: (-len(stems), stems))
    return {stem: n for n, stems in enumerate(ordered) for stem in stems}


def _features(picture: Picture) -> npt.NDArray[np.float64]:
    grey = picture.raw.astype(np.float64)
    if grey.ndim == 3:
        grey = grey.mean(axis=-1)
    low, middle, high = np.percentile(grey, [5, 50, 99])
    span = max(high - low, 1.0)
    fine = ndi.gaussian_laplace(grey, 1.0).std() / span
    coarse = ndi.gaussian_filter(grey, 4.0).std() / span
    diameter = typical_diameter(picture.values) or 1.0
    return np.array(
        [
            *np.log(grey.shape),
            np.log1p(low),
            np.log1p(middle),
            np.log1p(high),
            np.log(fine + 1e-3),
            np.log(coarse + 1e-3),
            np.log(diameter),
        ]
    )
