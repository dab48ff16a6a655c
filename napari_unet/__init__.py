"""napari-unet: segmentation that learns from your corrections.

>>> import napari_unet as nu
>>> model = nu.load_model("nuclei")  # doctest: +SKIP
>>> labels = nu.predict(image, model)  # doctest: +SKIP

Everything public is loaded on first use, so the import stays light: neither torch
nor napari nor Qt is touched before it is needed.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
