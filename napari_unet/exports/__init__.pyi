from .folder import ResultsFolder as ResultsFolder
from .format import Format as Format
from .formats import (
    FORMATS as FORMATS,
    find_format as find_format,
    format_of as format_of,
    has_suffix as has_suffix,
)
from .result import Result as Result
from .write import (
    export as export,
    iter_write as iter_write,
    refuse_names as refuse_names,
    result_of as result_of,
    schema_of as schema_of,
)
