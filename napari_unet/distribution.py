"""Which distribution is installed: ours, or another one that claims the same names."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from napari_unet.errors import InputError

DISTRIBUTION = "napari-unet-live"
"""Name on PyPI and of the napari manifest."""

_STRANGER = "napari-unet"


def refuse_stranger() -> None:
    """Refuse to run beside the other distribution that is called `napari-unet`.

    Both own the import name `napari_unet`, so whichever was installed last has
    replaced files of the other.

    Raises
    ------
    InputError
        If it is installed in this environment.
    """
    try:
        found = version(_STRANGER)
    except PackageNotFoundError:
        return
    raise InputError(
        f"Another package, {_STRANGER} {found}, is installed here and overwrites files "
        f"of {DISTRIBUTION}; run: pip uninstall -y {_STRANGER} {DISTRIBUTION}, and "
        f"install {DISTRIBUTION} again."
    )
