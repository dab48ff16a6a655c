"""Commands act on what is selected and in sight, and on nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.gui.target import LayerFacts, Role, resolve_target

A = LayerFacts("a", Role.IMAGE, "a")
A_LABELS = LayerFacts("a labels", Role.LABELS, "a")
A_PICTURE = LayerFacts("a prediction", Role.PICTURE, "a")
A_OVERLAY = LayerFacts("Verified", Role.OVERLAY, "a")
A_AGAIN = LayerFacts("a in red", Role.IMAGE, "a")
B = LayerFacts("b", Role.IMAGE, "b")
B_LABELS = LayerFacts("b labels", Role.LABELS, "b")
STRANGER = LayerFacts("Labels", Role.STRANGER)
POINTS = LayerFacts("Points", Role.OTHER)


def selected(layer):
    return replace(layer, selected=True)


def hidden(layer):
    return replace(layer, visible=False)


@pytest.mark.parametrize(
    ("layers", "chosen", "expected"),
    [
        ([], None, None),
        ([POINTS, STRANGER], None, None),
        ([A, B], None, 1),
        ([A, hidden(B)], None, 0),
        ([hidden(A), hidden(B)], None, 1),
        ([selected(A), B], None, 0),
        ([selected(A), B], 1, 0),
        ([A, selected(A_LABELS), B, B_LABELS], 2, 0),
        ([A, A_LABELS, B, selected(B_LABELS)], 0, 2),
        ([A, selected(A_OVERLAY), B], 2, 0),
        ([A, selected(A_PICTURE), B], 2, 0),
        ([A, A_LABELS, B, selected(POINTS)], 0, 0),
        ([A, A_LABELS, B, selected(STRANGER)], 0, 0),
        ([A, selected(A_LABELS), A_AGAIN, B], 3, 2),
        ([A, selected(A_LABELS), A_AGAIN, B], 0, 0),
        ([A, selected(A_LABELS), hidden(A_AGAIN), B], 3, 0),
        ([A, selected(A_AGAIN)], 0, 1),
        ([selected(A), selected(B)], 0, 0),
        ([selected(A), selected(B)], None, 1),
        ([selected(A), selected(A_LABELS), B], 2, 0),
        ([selected(A), selected(POINTS), B], 2, 0),
        ([selected(A_LABELS), B], 1, 1),
    ],
)
def test_the_image_is_the_one_that_is_selected(layers, chosen, expected):
    assert resolve_target(layers, chosen)[0] == expected


@pytest.mark.parametrize(
    ("layers", "chosen", "words"),
    [
        ([A], 0, ""),
        ([hidden(A)], 0, ""),
        ([hidden(A), selected(A_LABELS)], 0, ""),
        ([A, hidden(B)], 0, ""),
        ([hidden(A), B], 0, "'a' is chosen, but hidden"),
        ([selected(hidden(A)), B], 1, "'a' is chosen, but hidden"),
        ([hidden(A), A_AGAIN, B], 0, ""),
        ([hidden(A), hidden(A_AGAIN), B], 0, "hidden"),
    ],
)
def test_predict_takes_no_image_that_is_out_of_sight(layers, chosen, words):
    why_not = resolve_target(layers, chosen)[1].why_not_predict
    assert words in why_not
    assert bool(words) == bool(why_not)


@pytest.mark.parametrize(
    ("layers", "chosen", "words"),
    [
        ([A], 0, ""),
        ([A, A_LABELS], 0, ""),
        ([hidden(A), A_LABELS], 0, ""),
        ([A, hidden(A_LABELS)], 0, "'a labels' is hidden"),
        ([A, A_PICTURE, hidden(A_LABELS)], 0, ""),
        ([A, hidden(A_PICTURE), hidden(A_LABELS)], 0, "hidden"),
        ([A, A_OVERLAY, hidden(A_LABELS)], 0, "hidden"),
        ([A, A_LABELS, B, hidden(selected(B_LABELS))], 0, "'b labels' is hidden"),
        ([A, A_LABELS, selected(STRANGER)], 0, "'Labels' is selected"),
        ([A, A_LABELS, selected(POINTS)], 0, ""),
        (
            [A, selected(A_LABELS), B, selected(B_LABELS)],
            0,
            "several images are selected; select 'a labels'",
        ),
    ],
)
def test_accept_takes_no_labels_that_are_out_of_sight(layers, chosen, words):
    why_not = resolve_target(layers, chosen)[1].why_not_accept
    assert words in why_not
    assert bool(words) == bool(why_not)


def test_what_is_meant_is_named():
    layers = [A, A_LABELS, B, B_LABELS, selected(STRANGER)]
    _, target = resolve_target(layers, 0)
    assert (target.labels, target.stranger) == ("a labels", "Labels")
    assert resolve_target([selected(STRANGER)], None)[1].stranger == "Labels"


FACTS = st.builds(
    LayerFacts,
    name=st.sampled_from("uvw"),
    role=st.sampled_from(Role),
    image=st.sampled_from("ab"),
    visible=st.booleans(),
    selected=st.booleans(),
)


@given(st.lists(FACTS, max_size=6), st.data())
def test_it_never_leaves_the_dock_without_an_image_and_never_hits_a_hidden_one(
    layers, data
):
    images = [i for i, each in enumerate(layers) if each.role is Role.IMAGE]
    chosen = data.draw(st.sampled_from([None, *images]))
    image, target = resolve_target(layers, chosen)
    assert (image is None) == (not images)
    if image is None:
        return
    assert layers[image].role is Role.IMAGE
    assert resolve_target(layers, image) == (image, target), "it settles at once"
    mine = [x for x in layers if x.image == layers[image].image]
    others = [x for x in layers if x not in mine and x.role is Role.IMAGE]
    in_sight = any(x.visible for x in mine if x.role is Role.IMAGE)
    if any(x.visible for x in others) and not in_sight:
        assert target.why_not_predict
    accepted = [x for x in mine if x.role in (Role.LABELS, Role.PICTURE)]
    if any(x.role is Role.LABELS for x in accepted):
        seen = any(x.visible for x in accepted)
        assert seen or target.why_not_accept
