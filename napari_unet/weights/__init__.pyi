from .folder import (
    load_model as load_model,
    save_model as save_model,
    unpack_model as unpack_model,
)
from .foreign import (
    import_weights as import_weights,
    refuse_other_files as refuse_other_files,
)
from .model import Model as Model, new_model as new_model
