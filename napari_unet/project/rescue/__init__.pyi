from .recover import look_into as look_into, recover_work as recover_work
from .repair import (
    needs_repair as needs_repair,
    recover_copy as recover_copy,
    recover_here as recover_here,
)
from .survey import (
    find_image as find_image,
    no_images as no_images,
    survey as survey,
)
from .verify import verify as verify
