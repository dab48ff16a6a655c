"""Flow fields: every pixel of an object points the way to the object's centre.

After Cellpose (Stringer et al., Nature Methods 2021): heat that is set free at the
centre of an object spreads inside it, and the flow climbs it. Pixels that follow the
flow meet at the centre, whatever the shape of the object.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy import ndimage as ndi
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask

Field = npt.NDArray[np.float32]
"""Vectors (y, x), as (2, Y, X)."""

MOST_STEPS = 200
_PEAK = 10
_CROWD = 2
_REACH = 4
_AROUND = [(0, 1), (1, -1), (1, 0), (1, 1)]


def flow_field(labels: LabelMap) -> Field:
    """Return unit vectors towards the centres of the objects; 0 in the background.

    Cellpose lets heat spread for so many steps from the centre, losing what leaves the
    object; here the equations of the limit are solved, which takes a fraction of the
    time.
    """
    dense, _ = compact(np.where(labels > 0, labels, 0))
    field = np.zeros((2, *dense.shape), np.float32)
    if not dense.any():
        return field
    heat = np.pad(_heat(dense), 1)
    own = np.pad(dense, 1)
    for axis, component in enumerate(field):
        for step in (1, -1):
            # An object that touches is as cold as the background.
            alike = np.roll(own, -step, axis) == own
            component += (step * np.roll(heat, -step, axis) * alike)[1:-1, 1:-1]
    field *= dense > 0
    length = np.hypot(*field)
    return np.divide(field, length, out=field, where=length > 0)


def _heat(labels: LabelMap) -> npt.NDArray[np.float64]:
    """Return the heat at rest; each object's is 1 at the centre.

    Every pixel holds the mean of the nine around it, of which those outside the object
    hold nothing; the centre is fed.
    """
    inside = labels > 0
    count = int(inside.sum())
    numbers = np.full(np.array(labels.shape) + 2, -1)
    numbers[1:-1, 1:-1][inside] = np.arange(count)
    own = np.pad(labels, 1)
    first, second = [], []
    for shift in _AROUND:
        there = np.roll(own, np.negative(shift), (0, 1))
        pairs = (own == there) & (own > 0)
        first.append(numbers[pairs])
        second.append(np.roll(numbers, np.negative(shift), (0, 1))[pairs])
    rows, columns = np.concatenate(first), np.concatenate(second)
    means = sparse.coo_array((np.ones(len(rows)), (rows, columns)), (count, count))
    system = (8 * sparse.eye_array(count) - means - means.T).tocsc()
    fed = np.zeros(count)
    fed[numbers[1:-1, 1:-1][tuple(_centres(labels).T)]] = 1.0
    options = {"SymmetricMode": True}
    solved = splu(system, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    heat = np.zeros(labels.shape)
    heat[inside] = solved.solve(fed)
    most = ndi.maximum(heat, labels, np.arange(labels.max() + 1))
    return np.where(inside, heat / np.where(most > 0, most, 1)[labels], 0)


def _centres(labels: LabelMap) -> npt.NDArray[np.intp]:
    """Return the pixel (y, x) of every object that is nearest to its centroid."""
    points = np.argwhere(labels > 0)
    ids = labels[tuple(points.T)]
    areas = np.maximum(np.bincount(ids), 1)
    middle = np.stack([np.bincount(ids, p) / areas for p in points.T], axis=1)
    order = np.lexsort((((points - middle[ids]) ** 2).sum(1), ids))
    return points[order[np.unique(ids[order], return_index=True)[1]]]


def turned(flow: Tensor, places: Tensor) -> Tensor:
    """Turn vectors of a plane into those of a crop from it, and keep their lengths.

    Parameters
    ----------
    flow : Tensor, shape (N, 2, Y, X)
        Vectors (y, x) of the plane, resampled as numbers.
    places : Tensor, shape (N, 2, Y, X)
        Where in the plane each pixel of the crop comes from. Its Jacobian leads from
        the crop to the plane, so the inverse one leads back.
    """
    (yy, yx), (xy, xx) = (torch.gradient(p, dim=(-2, -1)) for p in places.unbind(1))
    y, x = flow.unbind(1)
    # The determinant is left out but for its sign: the length is set afterwards.
    sign = (yy * xx - yx * xy).sign()
    back = sign[:, None] * torch.stack([xx * y - yx * x, yy * x - xy * y], 1)
    length = flow.norm(dim=1, keepdim=True)
    as_long: Tensor = F.normalize(back, dim=1, eps=1e-6) * length
    return as_long


def follow(flow: Field, foreground: Mask) -> npt.NDArray[np.intp]:
    """Return the pixels where those of the foreground end, shape (n, 2)."""
    points = np.argwhere(foreground)
    pieces = ndi.find_objects(ndi.label(foreground)[0])
    longest = max((s.stop - s.start for piece in pieces for s in piece), default=0)
    shape = torch.tensor(foreground.shape)
    scale = 2 / shape
    maps = torch.from_numpy(flow * foreground)[None]
    places = torch.from_numpy(points.astype(np.float32))
    for _ in range(min(MOST_STEPS, longest)):
        # `grid_sample` wants x before y, and the borders of the image at -1 and 1.
        grid = ((places + 0.5) * scale - 1).flip(1)[None, None]
        moved = F.grid_sample(maps, grid, padding_mode="border", align_corners=False)
        places = places + moved[0, :, 0].T
        places = torch.minimum(places.clamp_min(0), shape - 1)
    return places.round().long().numpy()


def group(ends: npt.NDArray[np.intp], foreground: Mask) -> LabelMap:
    """Give pixels that end at one place one id; those that end in no crowd get none.

    As in Cellpose, places where most pixels of a neighbourhood end are centres, and a
    centre takes what ends beside it.
    """
    crowd = np.zeros(foreground.shape, np.int32)
    np.add.at(crowd, tuple(ends.T), 1)
    peaks = (crowd == ndi.maximum_filter(crowd, 5)) & (crowd > _PEAK)
    square = np.ones((3, 3), bool)
    # Steps of one pixel may end on both sides of a centre: near peaks are one.
    centres, _ = ndi.label(ndi.binary_dilation(peaks, square), square)
    for _ in range(_REACH):
        wider = ndi.maximum_filter(centres, 3)
        centres = np.where((centres == 0) & (crowd > _CROWD), wider, centres)
    labels = np.zeros(foreground.shape, np.int32)
    labels[foreground] = centres[tuple(ends.T)]
    return labels


def without_misfits(labels: LabelMap, flow: Field, most: float) -> LabelMap:
    """Remove objects whose own flow differs too much from the predicted one.

    Parameters
    ----------
    most : float
        Largest mean of the squared distance of the two.
    """
    distance = ((flow_field(labels) - flow) ** 2).sum(0)
    areas = np.maximum(np.bincount(labels.ravel()), 1)
    error = np.bincount(labels.ravel(), distance.ravel()) / areas
    return np.where(error[labels] > most, 0, labels)


def without_holes(labels: LabelMap) -> LabelMap:
    """Fill the holes of objects; what lies in a hole belongs to it."""
    filled = labels.copy()
    for number, region in enumerate(ndi.find_objects(labels), start=1):
        if region is not None:
            whole = ndi.binary_fill_holes(labels[region] == number)
            filled[region][whole] = number
    return filled
