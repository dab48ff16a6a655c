from . import metrics as metrics
from .metrics import pool as pool
from .pixel_scores import (
    add_counts as add_counts,
    count_classes as count_classes,
    score_values as score_values,
)
