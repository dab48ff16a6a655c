from .architectures import ARCHITECTURES as ARCHITECTURES
from .folder import (
    SPEC_FILE as SPEC_FILE,
    WEIGHTS_FILE as WEIGHTS_FILE,
    describe as describe,
    list_models as list_models,
    model_folder as model_folder,
    model_size as model_size,
    read_spec as read_spec,
)
from .settings import with_settings as with_settings
from .spec import ModelCard as ModelCard, ModelSpec as ModelSpec
