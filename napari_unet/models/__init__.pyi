from .architectures import ARCHITECTURES as ARCHITECTURES
from .folder import (
    SPEC_FILE as SPEC_FILE,
    WEIGHTS_FILE as WEIGHTS_FILE,
    describe as describe,
    is_built_in as is_built_in,
    list_models as list_models,
    model_folder as model_folder,
    model_size as model_size,
    origin_in as origin_in,
    read_record as read_record,
    read_spec as read_spec,
    replaceable as replaceable,
    weights_checksum as weights_checksum,
)
from .record import made_by as made_by, run_record as run_record
from .spec import (
    ModelCard as ModelCard,
    ModelSpec as ModelSpec,
    with_settings as with_settings,
)
from .training import (
    MOST_IMAGES as MOST_IMAGES,
    TrainingNotes as TrainingNotes,
    read_training as read_training,
)
