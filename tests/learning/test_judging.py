"""Scores of what was held out, and thresholds that are fitted to it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage as ndi

from napari_unet.core.jobs import drain
from napari_unet.geometry.maps import LabelMap
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.decoding import Decoding
from napari_unet.learning.judging import (
    Judged,
    Judgement,
    Window,
    iter_fit_thresholds,
    iter_judge,
)
from napari_unet.learning.sampling import Batch
from napari_unet.models.record import Found
from napari_unet.nets.device import choose_execution
from napari_unet.nets.unet import UNet
from napari_unet.scores.likeness import Likeness
from napari_unet.tasks.objectives.classes import ClassesObjective
from napari_unet.tasks.objectives.instances import InstancesObjective
from napari_unet.tasks.outputs import PixelClass


def crowd() -> LabelMap:
    """Return rods that touch side by side, and a round object apart."""
    labels = np.zeros((64, 96), np.int32)
    for number in range(5):
        labels[8 + 9 * number : 17 + 9 * number, 6:60] = number + 1
    yy, xx = np.indices(labels.shape)
    labels[(yy - 30) ** 2 + (xx - 78) ** 2 < 150] = 9
    return labels


def window(labels: LabelMap, decoding: Decoding) -> Window:
    judged = np.ones(labels.shape, bool)
    maps = torch.from_numpy(decoding.draw(labels))[None]
    image = torch.from_numpy((labels > 0).astype(np.float32))[None, None]
    weight = torch.ones(1, 1, *labels.shape)
    return Window(Batch(image, maps, weight), labels, judged)


def blurred(labels: LabelMap, decoding: Decoding, sigma: float) -> np.ndarray:
    """Return maps as a network gives them that is not sure of a pixel."""
    return np.stack([ndi.gaussian_filter(m, sigma) for m in decoding.draw(labels)])


def judge(decoding: Decoding, maps: np.ndarray, labels: LabelMap) -> Judged:
    objective = InstancesObjective(decoding)
    likeness = drain(objective.iter_likeness(maps, labels, np.ones(labels.shape, bool)))
    return Judged([maps], objective, Judgement(0.9, likeness))


def fitted(decoding: Decoding, sigma: float = 1.0) -> tuple[Judged, Judged]:
    labels = crowd()
    before = judge(decoding, blurred(labels, decoding, sigma), labels)
    return before, drain(iter_fit_thresholds(before, [window(labels, decoding)], {}))


def test_thresholds_that_merge_what_touches_are_moved():
    before, after = fitted(ReachDecoding(contact=0.9))
    assert before.judgement.likeness.score < 0.3
    assert after.judgement.likeness.score > 0.8
    assert after.objective.thresholds["decoding"].contact < 0.9
    assert after.judgement.of_maps == before.judgement.of_maps


def test_distances_are_fitted_too():
    before, after = fitted(DistancesDecoding(prominence=0.5))
    assert after.judgement.likeness.score > before.judgement.likeness.score


def test_a_least_area_that_hides_objects_is_lowered():
    before, after = fitted(ReachDecoding(min_size=2000))
    assert before.judgement.likeness.score == 0
    assert after.objective.thresholds["decoding"].min_size <= 500


def specks(hints: dict[str, int], odds: float = 1.0) -> Judged:
    """Return what is fitted where there are specks of 9 px beside the objects."""
    labels, decoding = crowd(), ReachDecoding()
    seen = labels.copy()
    seen[2:5, 66:69], seen[58:61, 66:69] = 20, 21
    before = judge(decoding, decoding.draw(seen), labels)
    windows = [window(labels, decoding)]
    return drain(iter_fit_thresholds(before, windows, hints, odds))


def test_what_verified_objects_tell_is_heard():
    after = specks({"min_size": 40})
    assert after.objective.thresholds["decoding"].min_size == 40
    assert after.judgement.likeness.score == 1


def test_few_objects_do_not_move_the_thresholds_of_a_start_that_is_right():
    after = specks({"min_size": 40}, odds=9.0)
    assert after.objective.thresholds["decoding"] == ReachDecoding()


def test_the_least_area_never_grows_beyond_what_is_told():
    after = specks({"min_size": 6})
    assert after.objective.thresholds["decoding"].min_size <= 6


def test_hints_that_are_worse_are_not_followed():
    after = specks({"min_size": 600})
    assert after.objective.thresholds["decoding"].min_size < 100
    assert after.judgement.likeness.matched == 6


def test_thresholds_that_do_no_harm_stay():
    before, after = fitted(ReachDecoding())
    assert before.judgement.likeness.score > 0.9
    assert after is before


def test_maps_count_alone_where_there_are_no_objects():
    assert Judgement(0.7, Likeness()).agreement == 0.7
    assert Judgement(0.7, Likeness(20.0, 40, 20)).agreement == pytest.approx(0.775)


def test_likeness_is_counted_in_objects_for_people():
    judgement = Judgement(0.7, Likeness(70.0, 188, 100, 82))
    assert judgement.found == Found(right=82, verified=100, wrong=6)
    assert Judgement(0.7, Likeness()).found is None


def test_a_network_is_judged_by_maps_and_by_objects():
    labels, decoding = crowd(), ReachDecoding()
    net = UNet(1, 5, depth=1, base_channels=2).eval()
    judged = drain(
        iter_judge(
            net,
            [window(labels, decoding)],
            InstancesObjective(decoding),
            choose_execution(torch.device("cpu")),
        )
    )
    assert judged.maps[0].shape == (5, *labels.shape)
    assert judged.judgement.likeness.objects >= 6
    assert 0 <= judged.judgement.agreement <= 1


def test_classes_have_no_objects_to_compare():
    objective = ClassesObjective((PixelClass(name="a"), PixelClass(name="b")))
    maps, values = np.zeros((2, 8, 8), np.float32), np.zeros((8, 8), np.uint8)
    likeness = drain(objective.iter_likeness(maps, values, values == 0))
    assert likeness == Likeness()
    assert not objective.neighbours({})
    assert not objective.thresholds
