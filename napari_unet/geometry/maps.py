"""Types of arrays that hold something for every pixel."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

LabelMap: TypeAlias = npt.NDArray[np.int32]
ValueMap: TypeAlias = npt.NDArray[np.float32]
"""Values of one or several variables, which are the first axis; NaN is unknown."""
Mask: TypeAlias = npt.NDArray[np.bool_]
