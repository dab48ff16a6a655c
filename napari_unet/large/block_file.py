"""The file of a block: what is in its core, and what its neighbours have to know."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from napari_unet.core.atomic import write_atomically
from napari_unet.inference.stitching import Seams
from napari_unet.tasks.objectives.objective import Values

# Labels are so repetitive that more effort gains nothing but time.
_QUICK = 1


@dataclass(frozen=True, slots=True)
class BlockFile:
    """A finished block on the disk; its parts are read one by one."""

    path: Path

    def write(self, core: Values, seams: Seams | None) -> None:
        """Write values, or labels with what is known of their objects."""
        arrays: dict[str, npt.NDArray[np.generic]] = {"core": core}
        if seams is not None:
            arrays["cut"] = seams.cut
            for (axis, side), band in seams.bands.items():
                arrays[_band(axis, side)] = band
        write_atomically(self.path, _packed(arrays))

    def core(self) -> Values:
        """Return what is in the core."""
        with np.load(self.path, allow_pickle=False) as found:
            core: Values = found["core"]
            return core

    def count(self) -> int:
        """Return how many objects there are."""
        with np.load(self.path, allow_pickle=False) as found:
            return len(found["cut"]) - 1

    def seams(self) -> Seams:
        """Return what neighbours have to know."""
        with np.load(self.path, allow_pickle=False) as found:
            cut = found["cut"]
            bands = {
                (int(axis), int(side)): found[f"band {axis} {side}"]
                for name in found.files
                if name.startswith("band ")
                for axis, side in [name.split()[1:]]
            }
        return Seams(len(cut) - 1, cut, bands)


def _band(axis: int, side: int) -> str:
    return f"band {axis} {side}"


def _packed(
    arrays: dict[str, npt.NDArray[np.generic]],
) -> Callable[[BinaryIO], None]:
    """Return what writes arrays as `numpy.load` reads them, quickly packed."""

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(
            file, "w", zipfile.ZIP_DEFLATED, compresslevel=_QUICK
        ) as packed:
            for name, array in arrays.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                packed.writestr(f"{name}.npy", content.getbuffer())

    return write
