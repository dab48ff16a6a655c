"""A run, ready to predict blocks: image, model and plan, in any process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from napari_unet.errors import InputError
from napari_unet.images.source import CanonicalImage, ImageSource
from napari_unet.inference.blocks import CUTTINGS, BlockPlan, plan_blocks
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.volumes import Predictor, predictor_of, spec_of
from napari_unet.large.folder import RunFolder, Seen
from napari_unet.large.image import fit_source, open_image
from napari_unet.large.settings import Settings, fingerprint_of
from napari_unet.nets.device import choose_execution, resolve_device
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model

_TURNS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What predicts blocks."""

    folder: RunFolder
    seen: Seen
    source: ImageSource
    image: CanonicalImage
    predictor: Predictor
    plan: BlockPlan

    def refuse_changed(self) -> None:
        """Raise an InputError if the image is not any more what it was."""
        if fingerprint_of(self.source) != self.seen.fingerprint:
            raise InputError(
                f"The image {self.seen.image!r} has changed since its prediction "
                "began; start anew with --overwrite."
            )


@contextmanager
def open_run(
    folder: Path, device: str, source: ImageSource | None = None
) -> Iterator[Run]:
    """Open a run, wherever its folder and its image can be reached.

    Raises an InputError if there is none.
    """
    place = RunFolder(folder)
    seen = place.read()
    if seen is None:
        raise InputError(
            f"There is no run in {str(folder)!r} any more; start the prediction again."
        )
    settings = seen.settings
    with ExitStack() as stack:
        if source is None:
            opened = open_image(str(seen.image), settings.axes)
            source = stack.enter_context(opened)
        model = load_model(place.model)
        image, _ = fit_source(source, settings.axes, settings.channel, model)
        planar = predictor_for(model, settings, device)
        predictor, plan = planned(seen, image, model, planar)
        yield Run(place, seen, source, image, predictor, plan)


def predictor_for(model: Model, settings: Settings, device: str) -> PlanePredictor:
    """Return the network on a device."""
    execution = choose_execution(
        resolve_device(device), full_precision=settings.full_precision
    )
    turns = _TURNS if settings.rotations else 1
    return PlanePredictor(model, execution, turns=turns)


def planned(
    seen: Seen, image: CanonicalImage, model: Model, planar: PlanePredictor
) -> tuple[Predictor, BlockPlan]:
    """Return what predicts, and the plan, which is the same in every process."""
    predictor = predictor_of(model, image, planar, zoom=seen.zoom, stretch=seen.stretch)
    return predictor, plan_blocks(
        image,
        spec_of(model, predictor),
        predictor,
        limits=seen.limits,
        raw=seen.settings.probabilities,
        zoom=seen.zoom,
        stretch=seen.stretch,
        cutting=seen.settings.cutting or CUTTINGS[predictor.dims],
    )
