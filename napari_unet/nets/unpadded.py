"""Which image sizes fit a U-Net whose convolutions are not padded.

Every block of two 3x3 convolutions eats 4 px of its level, pooling and up-convolution
halve and double. Let t be the extent that enters the last block of B. Going up, a
level must hold ``n = 2 * n_below + 4`` px, so that pooling never meets an odd extent::

    input   n(t) = 2^(B-1) * t + 4 * (2^(B-1) - 1)

The last block leaves t - 4, and each block of the expansive path makes ``2 * o - 4``
out of o::

    output  o(t) = 2^(B-1) * (t - 4) - 4 * (2^(B-1) - 1)

So the output is always ``12 * 2^(B-1) - 8`` px smaller than the input, and valid sizes
come in steps of ``2^(B-1)``, the total stride. For the five blocks of the paper:
input 188 + 16 k, output 4 + 16 k, margin 92 on every side; k = 24 gives 572 and 388.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnpaddedSizes:
    """The valid extents along one axis, in pixels, by blocks of the contracting path.

    >>> sizes = UnpaddedSizes(blocks=5)
    >>> sizes.smallest, sizes.stride, sizes.output(572)
    (188, 16, 388)
    >>> sizes.nearest(570)
    (556, 572)
    """

    blocks: int

    @property
    def stride(self) -> int:
        """Step between valid extents, and total stride of the poolings."""
        return int(2 ** (self.blocks - 1))

    @property
    def margin(self) -> int:
        """Pixels that the output is smaller than the input, on every side."""
        return 6 * self.stride - 4

    @property
    def smallest(self) -> int:
        """Smallest input extent that gives an output at all."""
        return self.holding(1)

    def output(self, extent: int) -> int:
        """Return the output extent of a valid input extent."""
        return extent - 2 * self.margin

    def fits(self, extent: int) -> bool:
        """Return whether an input extent is valid."""
        return extent == self.holding(self.output(extent))

    def holding(self, wanted: int) -> int:
        """Return the smallest valid input extent with an output of at least `wanted`.

        Outputs are ``first + k * stride``, with ``o(t) >= 1`` for the first.
        """
        offset = 4 - 8 * self.stride  # o(0)
        steps = -(-(max(1, wanted) - offset) // self.stride)
        return offset + steps * self.stride + 2 * self.margin

    def nearest(self, extent: int) -> tuple[int, ...]:
        """Return the valid input extents below and above, or the smallest alone."""
        above = self.holding(self.output(extent))
        below = above - self.stride
        return (below, above) if below >= self.smallest else (above,)

    def misfit(self, shape: tuple[int, ...]) -> str:
        """Say for people which sizes would fit instead of (Y, X) `shape`."""
        choices = [" or ".join(map(str, self.nearest(extent))) for extent in shape]
        found = " x ".join(map(str, shape))
        return (
            f"The original U-Net with {self.blocks} blocks takes images of "
            f"{self.smallest} + {self.stride} k px along both axes, found {found} px; "
            f"the nearest sizes that fit are {choices[0]} px high and {choices[1]} px "
            "wide."
        )
