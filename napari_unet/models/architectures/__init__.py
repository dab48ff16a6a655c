"""The kinds of networks: one file for each, found by itself.

The plain U-Net comes first where people choose, then the original one.
"""

from importlib import import_module
from pkgutil import iter_modules

from napari_unet.models.architecture import ARCHITECTURES, Architecture

__all__ = ["ARCHITECTURES", "Architecture"]

_FIRST = ("unet", "original")

for _name in dict.fromkeys((*_FIRST, *(each.name for each in iter_modules(__path__)))):
    import_module(f"{__name__}.{_name}")
