from .checkpoint import (
    read_best_model as read_best_model,
    read_header as read_header,
    remove_checkpoint as remove_checkpoint,
)
from .checkpointing import (
    differences as differences,
    iter_fingerprint as iter_fingerprint,
)
from .config import Checkpointing as Checkpointing, PRESETS as PRESETS
from .data import annotated_planes as annotated_planes
from .events import ModelImproved as ModelImproved
from .processes import met_team as met_team
from .start import (
    TaskRequest as TaskRequest,
    adapt as adapt,
    fill_in as fill_in,
    new_model as new_model,
    with_new_head as with_new_head,
)
from .team import Team as Team
from .train import iter_fit as iter_fit
from .train_state import get_ready_to_train as get_ready_to_train
