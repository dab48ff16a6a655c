"""Large boxes cut into bands: what is done to one stays in the processor's cache."""

from __future__ import annotations

import numpy as np

from napari_unet.geometry.box import Box

BAND_PIXELS = 2**17


def cut_into_bands(box: Box) -> list[Box]:
    """Cut a box along its first axes into parts of about `BAND_PIXELS` pixels."""
    inner = int(np.prod(box.shape[1:]))
    if inner > BAND_PIXELS and len(box.shape) > 1:
        rest = Box(box.start[1:], box.stop[1:])
        return [
            Box((i, *part.start), (i + 1, *part.stop))
            for i in range(box.start[0], box.stop[0])
            for part in cut_into_bands(rest)
        ]
    rows = max(1, BAND_PIXELS // max(1, inner))
    return [
        Box((i, *box.start[1:]), (min(i + rows, box.stop[0]), *box.stop[1:]))
        for i in range(box.start[0], box.stop[0], rows)
    ]
