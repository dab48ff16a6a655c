from .events import Sized as Sized
from .forward import with_tiling as with_tiling
from .live import (
    ImagePrepared as ImagePrepared,
    LiveEvent as LiveEvent,
    PartPredicted as PartPredicted,
    Request as Request,
    TilePredicted as TilePredicted,
    iter_predict_view as iter_predict_view,
)
from .model_input import check_image as check_image
from .predict import iter_predict as iter_predict
from .tile_maps import Prepared as Prepared, TileMaps as TileMaps
from .where_next import (
    Picture as Picture,
    ViewRated as ViewRated,
    iter_rank_views as iter_rank_views,
)
