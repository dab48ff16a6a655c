"""At which zoom a network that sees volumes knows the objects.

A look at a volume from near costs as much as many planes, so nothing is measured: what
a person says counts, then the objects that a model was fine-tuned on, then what the
pixel size makes likely. The range of sizes that a model knows is wide enough for that.
"""

from __future__ import annotations

from collections.abc import Generator

from napari_unet.core.events import Notice
from napari_unet.images.source import CanonicalImage
from napari_unet.inference.events import PredictEvent, Sized
from napari_unet.inference.measure import plausible
from napari_unet.inference.model_input import spacing_of, zoom_for
from napari_unet.instances.diameter import size_warning
from napari_unet.weights.model import Model

NO_SPACING = Notice(
    "Nothing says how far apart the planes are, so they were taken to be as far apart "
    "as the pixels of a plane. If they are not, give the image its voxel size."
)


def iter_volume_zoom(
    image: CanonicalImage,
    model: Model,
    diameter: float | None,
    pixel_size: float | None,
) -> Generator[PredictEvent, None, float]:
    """Return by how much planes are zoomed, and say what had to be assumed.

    Parameters
    ----------
    diameter : float or None
        Of the typical object in its largest section, in pixels, if a person said it.
    pixel_size : float or None
        Width of a pixel, in micrometres.
    """
    spec, shape = model.spec, image.shape[3:]
    if spec.spacings is not None and spacing_of(image.source.pixel_size) is None:
        yield NO_SPACING
    known = spec.best_diameters
    if known is None:
        return 1.0
    likely = plausible(spec.expected_size(pixel_size), shape)
    size = likely.diameter if diameter is None and likely else diameter
    zoom = 1.0 if size is None else zoom_for(size, known, shape)
    yield Sized(diameter, zoom, measured=False)
    if diameter is not None and (
        warning := size_warning(diameter, spec.diameters, told=True, shape=shape)
    ):
        yield Notice(warning)
    return zoom
