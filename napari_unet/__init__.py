"""napari-unet: segmentation that learns from your corrections.

>>> import napari_unet as nu
>>> model = nu.load_model("nuclei")  # doctest: +SKIP
>>> labels = nu.predict(image, model)  # doctest: +SKIP

Everything public is loaded on first use, so the import stays light: neither torch
nor napari nor Qt is touched before it is needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_unet.errors import NapariUnetError
    from napari_unet.inference.predict import predict
    from napari_unet.learning.config import FitConfig
    from napari_unet.learning.train import fit
    from napari_unet.nets.original import OriginalUNet
    from napari_unet.nets.unet import UNet
    from napari_unet.scores.evaluation import evaluate
    from napari_unet.scores.metrics import Scores
    from napari_unet.tasks.sample import Sample
    from napari_unet.weights.folder import load_model, save_model
    from napari_unet.weights.model import Model

__version__ = "0.1.0"

_HOME = {
    "FitConfig": "napari_unet.learning.config",
    "Model": "napari_unet.weights.model",
    "NapariUnetError": "napari_unet.errors",
    "OriginalUNet": "napari_unet.nets.original",
    "Sample": "napari_unet.tasks.sample",
    "Scores": "napari_unet.scores.metrics",
    "UNet": "napari_unet.nets.unet",
    "evaluate": "napari_unet.scores.evaluation",
    "fit": "napari_unet.learning.train",
    "load_model": "napari_unet.weights.folder",
    "predict": "napari_unet.inference.predict",
    "save_model": "napari_unet.weights.folder",
}

__all__ = [
    "FitConfig",
    "Model",
    "NapariUnetError",
    "OriginalUNet",
    "Sample",
    "Scores",
    "UNet",
    "evaluate",
    "fit",
    "load_model",
    "predict",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
