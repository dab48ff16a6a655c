from .errors import NapariUnetError as NapariUnetError
from .exchange.decode import decode as decode
from .exchange.export import export_model as export_model
from .exchange.from_file import import_model as import_model
from .exports.write import export as export
from .inference.predict import predict as predict
from .io.samples import replay_samples as replay_samples
from .large.predict_to import (
    Gap as Gap,
    Predicted as Predicted,
    predict_to as predict_to,
)
from .learning.config import FitConfig as FitConfig
from .learning.fit import fit as fit
from .learning.start import new_model as new_model
from .nets.original import OriginalUNet as OriginalUNet
from .nets.subpixel import SubpixelUNet as SubpixelUNet
from .nets.unet import UNet as UNet
from .scores.metrics import Scores as Scores
from .scores.report import evaluate as evaluate
from .tasks.sample import Sample as Sample
from .tracking.config import TrackConfig as TrackConfig
from .tracking.follow import track as track
from .tracking.tracks import Track as Track
from .weights.folder import load_model as load_model, save_model as save_model
from .weights.model import Model as Model

__version__: str
