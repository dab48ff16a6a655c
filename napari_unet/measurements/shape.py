"""How large objects are and of what shape, from sums over their pixels.

Formulas are those of `skimage.measure.regionprops` (and of Fiji for the roundness);
`tests/measurements` compares with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_unet.measurements.sums import Floats, ObjectSums
from napari_unet.measurements.table import Column

Spacing = Mapping[str, float]
"""Micrometres from pixel to pixel along Z, Y and X, as far as they are known."""

_DIAMETER = "Diameter of {} as large as the object"
_ELLIPSE = "{} axis of the ellipse that spreads as the object does (second moments)"
_ROUNDNESS = (
    "4 · area / (π · length²): 1 is a disk, and what is long, bent or branched has less"
)


def plane_shapes(sums: ObjectSums, spacing: Spacing) -> tuple[Column, ...]:
    """Return area, diameter, length, width and roundness.

    Lengths are in micrometres where the width of a pixel is known along both axes.
    """
    known = {"Y", "X"} <= spacing.keys()
    y, x = (spacing["Y"], spacing["X"]) if known else (1.0, 1.0)
    unit, decimals = ("µm", 2) if known else ("px", 1)
    area = sums.pixels.astype(np.float64) * (y * x)
    spread = sums.spread * np.array([[y * y], [x * x], [y * x]])
    length, width = _axes_of_ellipse(spread)
    diameter = np.sqrt(4 / np.pi * area)
    ellipse = [_ELLIPSE.format(each) for each in ("Longer", "Shorter")]
    columns = [Column("area", "px", "Number of pixels", sums.pixels)]
    if known:
        columns.append(Column("area", "µm²", "Pixels times their size", area, 2))
    return (
        *columns,
        Column("diameter", unit, _DIAMETER.format("a disk"), diameter, decimals),
        Column("length", unit, ellipse[0], length, decimals),
        Column("width", unit, ellipse[1], width, decimals),
        Column("roundness", "", _ROUNDNESS, _roundness(area, length), 2),
    )


def volume_shapes(sums: ObjectSums, spacing: Spacing) -> tuple[Column, ...]:
    """Return the volume and the number of sections; a diameter where that means much.

    Sections are seldom as far from each other as pixels are, so lengths and shapes in
    pixels would be of a squeezed object.
    """
    voxels = Column("volume", "voxels", "Number of voxels", sums.pixels)
    deep = sums.boxes[1, 0] - sums.boxes[0, 0]
    sections = Column("sections", "", "From the first section to the last", deep)
    if not {"Z", "Y", "X"} <= spacing.keys():
        return voxels, sections
    volume = sums.pixels * spacing["Z"] * spacing["Y"] * spacing["X"]
    diameter = np.cbrt(6 / np.pi * volume)
    return (
        voxels,
        Column("volume", "µm³", "Voxels times their size", volume, 2),
        Column("diameter", "µm", _DIAMETER.format("a ball"), diameter, 2),
        sections,
    )


def _axes_of_ellipse(spread: Floats) -> tuple[Floats, Floats]:
    """Return the axes of ellipses from variances along Y and X, and covariances.

    Four times the roots of the eigenvalues of the covariance matrix, as in Haralick
    and Shapiro, Computer and Robot Vision (1992), appendix A.
    """
    along_y, along_x, both = spread
    middle = (along_y + along_x) / 2
    apart = np.hypot((along_y - along_x) / 2, both)
    # Rounding must not make a root of what is less than nothing.
    return 4 * np.sqrt(middle + apart), 4 * np.sqrt(np.maximum(middle - apart, 0))


def _roundness(area: Floats, length: Floats) -> Floats:
    """Return NaN for a single pixel, whose ellipse has no length."""
    squared = np.where(length > 0, length, np.nan) ** 2
    return np.asarray(4 * area / (np.pi * squared))
