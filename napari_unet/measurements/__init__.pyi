from .measure import (
    iter_measure_objects as iter_measure_objects,
    measure_objects as measure_objects,
)
