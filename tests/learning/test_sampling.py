from __future__ import annotations

import torch

from napari_unet.learning.sampling import random_of
from tests.tiny import make_model


def test_rounds_that_begin_elsewhere_draw_other_crops() -> None:
    start, other = make_model().net, make_model().net
    with torch.no_grad():
        other.head.bias += 0.01
    draws = [random_of(0, net, 0).random() for net in (start, start, other)]
    assert draws[0] == draws[1] != draws[2]
    assert random_of(1, start, 0).random() != draws[0]
    assert random_of(0, start, 1).random() != draws[0]
