from .engine import Engine as Engine
from .image import fit_source as fit_source
from .predict_to import (
    Gap as Gap,
    Predicted as Predicted,
    iter_predict_to as iter_predict_to,
    predict_to as predict_to,
)
from .result import Place as Place, SUFFIXES as SUFFIXES
from .plan import Planned as Planned, plan_in_short as plan_in_short
from .seams import SeamsChecked as SeamsChecked, iter_check_seams as iter_check_seams
from .settings import Settings as Settings
from .task import CHUNK as CHUNK, Task as Task, ask as ask
