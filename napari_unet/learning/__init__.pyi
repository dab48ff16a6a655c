from .checkpoint import (
    read_header as read_header,
    remove_checkpoint as remove_checkpoint,
)
from .config import Checkpointing as Checkpointing, PRESETS as PRESETS
from .data import annotated_planes as annotated_planes
from .events import ModelImproved as ModelImproved
from .start import TaskRequest as TaskRequest, adapt as adapt, fill_in as fill_in
from .train import iter_fit as iter_fit
