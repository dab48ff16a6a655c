"""What light and camera do to a scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.scene import Field
from training.synthetic.texture import smooth_noise


@dataclass(frozen=True, slots=True)
class Camera:
    """A digital camera.

    Parameters
    ----------
    gain : float
        Counts per electron.
    offset : float
        Counts without light.
    read_noise : float
        Standard deviation of the electronics, in electrons.
    bits : int
        Depth of the converter; the image is uint8 up to 8 bits, else uint16.
    """

    gain: float
    offset: float
    read_noise: float
    bits: int

    def expose(self, rng: Generator, light: Field) -> npt.NDArray[np.integer[Any]]:
        """Turn expected electrons per pixel into counts."""
        electrons = rng.poisson(np.maximum(light, 0)).astype(np.float64)
        electrons += rng.normal(0, self.read_noise, light.shape)
        columns = 1 + rng.normal(0, 0.002, light.shape[-1])
        counts = self.offset + self.gain * electrons * columns
        clipped = np.clip(np.rint(counts), 0, 2**self.bits - 1)
        return clipped.astype(np.uint8 if self.bits <= 8 else np.uint16)


def uneven_light(rng: Generator, shape: tuple[int, int], depth: float) -> Field:
    """Return a light field: brightest somewhere off the middle, darker by `depth`."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(float)
    middle = rng.uniform(0.3, 0.7, 2)
    square = (y / shape[0] - middle[0]) ** 2 + (x / shape[1] - middle[1]) ** 2
    ripple = smooth_noise(rng, shape, max(shape) / 6)
    return np.asarray(1 - depth * square / 0.5 + 0.1 * depth * ripple)


def haze(scene: Field, scale: float, share: float) -> Field:
    """Add light from out-of-focus planes: a wide blur of the scene itself."""
    return np.asarray(scene + share * ndi.gaussian_filter(scene, scale, mode="nearest"))


def phase_contrast(phase: Field, *, halo: float, absorption: float) -> Field:
    """Return what a positive phase-contrast objective shows of a transparent object.

    The ring in the objective delays and dims the light that went straight through.
    Because the ring is wide it also catches light that the object bent a little, which
    is modelled as a blur of the wave: hence the bright halo around objects, and hence
    very thick objects shine instead of being dark.

    Parameters
    ----------
    phase : ndarray of float
        Phase delay of the object, in radians.
    halo : float
        Width of the halo, in pixels.
    absorption : float
        Share of the direct light's amplitude that the ring takes away, 0 to 1.

    Returns
    -------
    ndarray of float
        Intensity, 1 where there is nothing.
    """
    wave = np.exp(1j * phase)
    direct = 0.5 * _blur_wave(wave, halo) + 0.5 * _blur_wave(wave, halo / 3)
    ring = -1j * (1 - absorption)
    return np.asarray(np.abs(wave - direct + ring * direct) ** 2 / abs(ring) ** 2)


def _blur_wave(
    wave: npt.NDArray[np.complex128], scale: float
) -> npt.NDArray[np.complex128]:
    real = ndi.gaussian_filter(wave.real, scale, mode="nearest")
    return np.asarray(real + 1j * ndi.gaussian_filter(wave.imag, scale, mode="nearest"))
