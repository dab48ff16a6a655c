from .engine import Engine as Engine
from .predict_to import (
    CHUNK as CHUNK,
    Predicted as Predicted,
    Task as Task,
    iter_predict_to as iter_predict_to,
    predict_to as predict_to,
)
from .result import Place as Place, SUFFIXES as SUFFIXES
from .settings import Settings as Settings
