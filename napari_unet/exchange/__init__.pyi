from .bring_in import (
    Imported as Imported,
    import_package as import_package,
    is_package as is_package,
)
from .contents import holds_model as holds_model
from .credit import Credits as Credits
from .decode import decode as decode
from .export import export_model as export_model, iter_export_model as iter_export_model
from .formats import (
    FORMATS as FORMATS,
    ModelFormat as ModelFormat,
    find_model_format as find_model_format,
    model_format_of as model_format_of,
)
from .from_file import import_file as import_file, import_model as import_model
