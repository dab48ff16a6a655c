"""What every way to find objects promises, whichever it is."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.decoding import Decoding
from napari_unet.instances.kinds import AnyDecoding, all_kinds
from napari_unet.scores.metrics import evaluate

READ: TypeAdapter[Decoding] = TypeAdapter(AnyDecoding)

every_kind = pytest.mark.parametrize("kind", all_kinds(), ids=lambda k: k.__name__)
every_dims = pytest.mark.parametrize("dims", [2, 3])


def balls(dims: int) -> np.ndarray:
    """Return round objects, two of which touch, with ids from 3 on."""
    labels = np.zeros((20, 40, 48)[-dims:], np.int32)
    grid = np.indices(labels.shape)
    centres = [(10, 10), (10, 24), (29, 12), (28, 36)]
    for number, centre in enumerate(centres, start=3):
        middle = np.array([10, *centre][-dims:]).reshape(-1, *[1] * dims)
        inside = ((grid - middle) ** 2).sum(0) <= 7**2
        labels[inside & (labels == 0)] = number
    return labels


def written(decoding: Decoding) -> str:
    return READ.dump_json(decoding).decode()


@every_kind
@every_dims
def test_round_objects_decode_to_themselves(kind: type[Decoding], dims: int) -> None:
    labels = balls(dims)
    maps = kind().draw(labels)
    found = kind().decode(maps)
    assert found.dtype == np.int32
    assert found.shape == labels.shape
    assert set(np.unique(found)) == {0, 1, 2, 3, 4}
    assert evaluate(labels, found).ap["0.75"] == 1


@every_kind
@every_dims
def test_maps_are_as_many_as_is_said_and_go_from_0_to_1(kind, dims: int) -> None:
    maps = kind().draw(balls(dims))
    assert maps.dtype == np.float32
    assert maps.shape == (kind().channels(dims), *balls(dims).shape)
    assert maps.min() == 0
    assert maps.max() <= 1
    np.testing.assert_array_equal(maps[0], balls(dims) > 0)


@pytest.mark.parametrize("kind", [k for k in all_kinds() if k.drawn_from_crops])
def test_maps_of_a_crop_are_those_of_the_plane_where_they_are_known(kind) -> None:
    labels, decoding = balls(2), kind()
    place = np.s_[4:30, 8:40]
    maps, known = decoding.draw_crop(decoding.mended(labels)[place])
    whole = decoding.draw(labels)[:, *place]
    assert known.mean() > 0.5
    np.testing.assert_array_equal(maps * known, whole * known)


@every_kind
@every_dims
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_maps_of_a_turned_plane_are_told_from_those_of_the_plane(kind, dims, turns):
    decoding, labels = kind(), balls(dims)
    maps = decoding.draw(np.rot90(labels, turns, (-2, -1)))
    for _ in range(turns):
        maps = maps[list(decoding.turned(dims))]
    turned_back = np.rot90(maps, -turns, (-2, -1))
    np.testing.assert_allclose(turned_back, decoding.draw(labels), atol=1e-6)


@every_kind
@every_dims
def test_an_empty_map_holds_nothing(kind, dims: int) -> None:
    maps = np.zeros((kind().channels(dims), *[16] * dims), np.float32)
    found = kind().decode(maps)
    assert found.dtype == np.int32
    assert not found.any()
    assert not kind().draw(np.zeros([16] * dims, np.int32)).any()


@every_kind
@pytest.mark.parametrize("shape", [(1, 1), (1, 7)])
def test_planes_of_hardly_any_pixel_do_no_harm(kind, shape) -> None:
    maps = kind().draw(np.ones(shape, np.int32))
    assert kind().decode(maps).shape == shape


@every_kind
def test_whatever_a_network_says_becomes_labels(kind) -> None:
    shape = (kind().channels(2), 40, 50)
    maps = np.random.default_rng(0).random(shape, np.float32)
    found = kind().decode(maps)
    assert (found[maps[0] < kind().foreground] == 0).all()
    ids = np.unique(found[found > 0])
    np.testing.assert_array_equal(ids, np.arange(1, len(ids) + 1))
    np.testing.assert_array_equal(found, kind().decode(maps))


@every_kind
def test_it_can_be_cancelled_at_every_yield(kind) -> None:
    decoding, labels = kind(), balls(2)
    maps = decoding.draw(labels)
    expected = decoding.decode(maps)
    drawing = partial(decoding.iter_draw, labels)
    decoding_maps = partial(decoding.iter_decode, maps)
    assert sum(1 for _ in decoding_maps()) > 2, "a dock stays awake meanwhile"
    for steps in (drawing, decoding_maps):
        for count in range(sum(1 for _ in steps())):
            cancelled = steps()
            for _ in range(count + 1):
                next(cancelled)
            cancelled.close()
    np.testing.assert_array_equal(decoding.draw(labels), maps)
    np.testing.assert_array_equal(decoding.decode(maps), expected)


@every_kind
def test_higher_keeps_together_what_lower_parts(kind) -> None:
    maps = kind().draw(balls(2))
    blurred = (maps + maps[:, :, ::-1].mean(1, keepdims=True) * 0.02).astype(np.float32)
    least, most = kind.parting_limits
    counts = [
        kind().moved(parting=value).decode(blurred).max()
        for value in np.linspace(least, most, 5)
    ]
    assert counts == sorted(counts, reverse=True)


@every_kind
def test_thresholds_go_through_json(kind) -> None:
    decoding = kind(foreground=0.4, min_size=7).moved(parting=0.3)
    again = READ.validate_json(written(decoding))
    assert type(again) is kind
    assert again == decoding
    assert again.at_parting == 0.3


@every_kind
def test_thresholds_stay_within_their_limits(kind) -> None:
    for value in (-1.0, 0.0, 1.0, 5.0):
        moved = kind().moved(foreground=value, parting=value)
        assert kind.parting_limits[0] <= moved.at_parting <= kind.parting_limits[1]
        assert READ.validate_json(written(moved)) == moved
    assert kind().moved() == kind()
    low, high = kind.parting_limits
    assert low <= kind().at_parting <= high, "a slider shows what a new model has"
    for near in kind().neighbours():
        assert READ.validate_json(written(near)) == near
        assert near.reads_as(kind())


@every_kind
def test_its_words_are_a_sentence(kind) -> None:
    assert kind.parting in kind.model_fields
    assert kind.parting_words.endswith(".")


def test_kinds_do_not_take_the_thresholds_of_others() -> None:
    for one in all_kinds():
        assert [other for other in all_kinds() if one().reads_as(other())] == [one]
    assert not ReachDecoding(farthest=8).reads_as(ReachDecoding(farthest=16))
    assert ReachDecoding(contact=0.2).reads_as(ReachDecoding(min_size=30))


def test_what_says_no_kind_is_of_the_first_release() -> None:
    old = '{"foreground":0.4,"prominence":0.2,"smoothing":1.0,"min_size":9}'
    decoding = READ.validate_json(old)
    assert isinstance(decoding, DistancesDecoding)
    assert (decoding.foreground, decoding.prominence) == (0.4, 0.2)
    assert written(decoding) == old, "earlier versions read it, checkpoints know it"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"kind": "rays"}, "there is no decoding 'rays'; there are: 'distances'"),
        ({"kind": ["reach"]}, "there is no decoding"),
        ({"kind": "reach", "prominence": 0.1}, "prominence"),
        ({"kind": "reach", "contact": 2}, "contact"),
        ({"contact": 0.5}, "contact"),
        (7, "Decoding"),
        ("reach", "Decoding"),
        (None, "Decoding"),
    ],
)
def test_what_is_no_decoding_is_refused(content, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        READ.validate_python(content)
