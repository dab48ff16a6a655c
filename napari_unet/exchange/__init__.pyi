from .description import Credits as Credits
from .export import (
    ModelFormat as ModelFormat,
    export_model as export_model,
    find_model_format as find_model_format,
    iter_export_model as iter_export_model,
)
