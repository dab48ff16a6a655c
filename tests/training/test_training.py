"""The built-in models are trained as their recipes say, on what their splits allow."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from skimage import io

from napari_unet.instances.kinds import all_kinds
from napari_unet.models.folder import read_spec
from napari_unet.scores.metrics import evaluate, pool
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import load_model
from tests.tiny import make_disks
from training import fit as module
from training import score
from training.ablate import check_base
from training.ablation_table import table
from training.cards import CARDS
from training.few import annotate
from training.figures import card_of, figures
from training.fit import Resources, begin, fit
from training.known import all_but_crisp, verified_part
from training.noise import best_growth, grown
from training.package import package, write_scores
from training.pictures import read_pictures
from training.planes import probabilities, ready
from training.recipe import RECIPES, Recipe, changed
from training.score import by, known_part, score_objects
from training.splits import FOLDS, Split, read_split
from training.start import averaged_weights
from training.tune import decodings_like, labels_of, maps_of, tried

TINY = ("architecture.depth=1", "architecture.base_channels=2", "crop=32", "batch=2")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_split_and_words(name):
    split = read_split(RECIPES[name].data)
    assert split.test
    assert {s for group in split.groups for s in group} >= set(split.test)
    assert CARDS[name].card.license
    assert RECIPES[name].spec().name == name


@pytest.mark.parametrize("fold", [None, *range(FOLDS)])
def test_who_judges_never_trains(fold):
    split = read_split(["nuclei_fluorescence"])
    train, familiar, strangers = map(set, split.parts(fold))
    assert train.isdisjoint(split.test)
    assert train.isdisjoint(familiar | strangers)
    assert not familiar & strangers
    groups = {split.group_of(stem) for stem in strangers}
    assert groups.isdisjoint({split.group_of(stem) for stem in train})
    if fold is None:
        assert familiar == set(split.test)
    else:
        assert strangers.isdisjoint(split.test)
        assert familiar.isdisjoint(split.test)


def test_several_data_sets_are_split_as_one():
    names = ["nuclei_fluorescence", "axons_sem"]
    both, *each = map(read_split, [names, *([name] for name in names)])
    assert set(both.test) == {*each[0].test, *each[1].test}
    assert both.groups == each[0].groups + each[1].groups
    assert both.set_of(each[1].test[0]) == "axons_sem"
    stems = [s for group in both.groups for s in group]
    assert len(set(stems)) == len(stems)


def test_one_thing_of_a_recipe_can_be_changed():
    found = changed(Recipe(), ["augmentation.zoom=0.2", "steps=7", "diameter=none"])
    assert found.augmentation.zoom == 0.2
    assert (found.steps, found.diameter) == (7, None)
    with pytest.raises(ValueError, match="colour"):
        changed(Recipe(), ["colour=3"])


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data set of six pictures of disks, and its split."""
    folder = tmp_path / "data" / "disks"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for number in range(6):
        sample = make_disks(pitch=24 + number)
        grey = np.clip(sample.image, 0, 255).astype(np.uint8)
        io.imsave(folder / "images" / f"{number}.png", grey, check_contrast=False)
        labels = sample.labels.astype(np.uint16)
        tifffile.imwrite(folder / "labels" / f"{number}.tif", labels)
    split = Split(test=("5",), groups=(("0", "1", "2"), ("3", "4", "5")))
    monkeypatch.setattr(module, "read_split", lambda _: split)
    return tmp_path / "data"


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(data, tmp_path):
    torch.set_num_threads(1)
    recipe = changed(Recipe(data=("disks",)), [*TINY, "steps=4", "memory=0.5"])
    fit(recipe, data, tmp_path / "whole", None, Resources("cpu"))
    first = module._BETWEEN_CHECKPOINTS

    class Stopped(Exception):
        pass

    def stop(*args):
        save(*args)
        raise Stopped

    save, module.save = module.save, stop
    module._BETWEEN_CHECKPOINTS = -1.0
    try:
        with pytest.raises(Stopped):
            fit(recipe, data, tmp_path / "parts", None, Resources("cpu", workers=1))
    finally:
        module.save, module._BETWEEN_CHECKPOINTS = save, first
    fit(recipe, data, tmp_path / "parts", None, Resources("cpu", workers=1))
    whole, parts = (averaged_weights(tmp_path / n) for n in ("whole", "parts"))
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    out = tmp_path / "model"
    package(tmp_path / "whole", out)
    (out / "README.md").write_text("kept")
    package(tmp_path / "parts", out)
    write_scores(out, {"AP50": 0.5})
    assert read_spec(out).card.score == {"AP50": 0.5}
    assert (out / "README.md").read_text() == "kept"
    model = load_model(out)
    assert model.spec.card.license == CARDS["nuclei"].card.license
    pictures = read_pictures(data / "disks", ["5"])
    scores = score_objects(pictures, by(model))
    assert set(scores) == {"5"}


def test_a_run_starts_from_the_weights_of_another(data, tmp_path):
    recipe = changed(Recipe(data=("disks",)), [*TINY, "steps=3", "memory=0"])
    fit(recipe, data, tmp_path / "first", None, Resources("cpu"))
    still = changed(recipe, ["rate=1e-12", "decay=0", "seed=1"])
    fit(
        still, data, tmp_path / "more", None, Resources("cpu", start=tmp_path / "first")
    )
    first, more = (averaged_weights(tmp_path / name) for name in ("first", "more"))
    learned = [key for key in first if "running" not in key and "num_" not in key]
    assert all(torch.allclose(first[key], more[key], atol=1e-6) for key in learned)


def test_a_run_does_not_start_from_one_that_knows_what_judges(data, tmp_path):
    recipe = changed(Recipe(data=("disks",)), [*TINY, "steps=1"])
    fit(recipe, data, tmp_path / "first", None, Resources("cpu"))
    with pytest.raises(ValueError, match="has seen 3 of the pictures"):
        fit(
            recipe,
            data,
            tmp_path / "fold",
            0,
            Resources("cpu", start=tmp_path / "first"),
        )
    # Nor by way of a third, whose own pictures are others.
    begin(recipe, tmp_path / "second", 0)
    parts = json.loads((tmp_path / "second" / "parts.json").read_text())
    seen = {**parts, "seen": [*parts["train"], *parts["strangers"]]}
    (tmp_path / "second" / "parts.json").write_text(json.dumps(seen))
    with pytest.raises(ValueError, match="start from a run of the same fold"):
        begin(recipe, tmp_path / "third", 0, tmp_path / "second")


@pytest.mark.parametrize(
    ("settings", "fold", "name"), [([], 1, "parts"), (["rate=0.5"], 0, "recipe")]
)
def test_a_run_goes_on_with_what_it_began_with(data, tmp_path, settings, fold, name):
    recipe = changed(Recipe(data=("disks",)), [*TINY, "steps=1"])
    fit(recipe, data, tmp_path, 0, Resources("cpu"))
    begin(recipe, tmp_path, 0)
    with pytest.raises(ValueError, match=f"another {name}.json"):
        begin(changed(recipe, settings), tmp_path, fold)
    begin(recipe, tmp_path, 0)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_what_is_shipped_is_what_the_recipe_makes(name):
    shipped, made = load_model(name).spec, RECIPES[name].spec()
    others = {"card", "checksum", "description"}
    if type(shipped.decoding) is not type(made.decoding):
        # Of the first release: the recipe is that of the model that comes after it.
        others |= {"decoding", "diameters"}
    assert made.model_dump(exclude=others) == shipped.model_dump(exclude=others)


def test_runs_of_another_base_are_not_compared(tmp_path):
    args = Namespace(name="nuclei", out=tmp_path, steps=500, pictures=30)
    check_base(args)
    check_base(args)
    args.steps = 1000
    with pytest.raises(ValueError, match="another base"):
        check_base(args)


@pytest.mark.parametrize(
    ("head", "plain", "way"),
    [
        ("flows", False, "plain"),
        ("usual", True, "plain"),
        ("usual", False, "program"),
    ],
)
def test_a_run_is_scored_as_its_head_wants(
    data, tmp_path, monkeypatch, head, plain, way
):
    recipe = changed(Recipe(data=("disks",)), [*TINY, "steps=1", f"head={head}"])
    fit(recipe, data, tmp_path, 0, Resources("cpu"))
    monkeypatch.setattr(score, "by", lambda model: lambda _: "program")  # noqa: ARG005
    monkeypatch.setattr(score, "segment", lambda *_: "plain")
    (picture,) = read_pictures(data / "disks", ["0"])
    assert score.segment_of(tmp_path, plain=plain, device="cpu")(picture) == way


def test_figures_name_the_worst_group(data):
    pictures = read_pictures(data / "disks")
    scores = {
        p.stem: evaluate(p.values, np.where(int(p.stem) < 3, p.values, 0))
        for p in pictures
    }
    split = Split(test=(), groups=(("0", "1", "2"), ("3", "4", "5")))
    found = figures([*scores.items(), ("5", scores["5"])], split)
    assert found.by_group == {0: {"0.50": 1.0, "mSA": 1.0}, 1: {"0.50": 0, "mSA": 0}}
    assert found.by_set == {}
    assert found.worst["0.50"] == 0.0
    assert 0 < found.pooled["0.50"] < 1
    assert found.mean["0.50"] == found.mean["mSA"] == pytest.approx(3 / 7, abs=1e-4)
    assert found.pooled["mSA"] == found.pooled["0.50"]


def test_every_data_set_is_told_by_itself(data):
    pictures = read_pictures(data / "disks")
    scores = [
        (p.stem, evaluate(p.values, p.values if p.stem != "1" else 0 * p.values))
        for p in pictures
    ]
    groups = (("0", "1"), ("2",), ("3", "4", "5"))
    split = Split(test=(), groups=groups, sets=("easy", "easy", "hard"))
    found = figures(scores, split).by_set
    assert list(found) == ["easy", "hard"]
    assert set(found["hard"]["pooled"].values()) == {1.0}
    assert found["easy"]["mean"]["mSA"] == pytest.approx(2 / 3, abs=1e-4)
    assert 0 < found["easy"]["pooled"]["0.75"] < 1


def test_a_card_begins_with_what_matters_most():
    labels = make_disks().labels
    card = card_of(pool([evaluate(labels, labels)]))
    names = ("AP50", "AP75", "AP90", "mSA")
    assert list(card) == [f"{n} {k}" for k in ("pooled", "image mean") for n in names]


@pytest.mark.parametrize("usual", [kind(min_size=25) for kind in all_kinds()])
def test_thresholds_are_tried_that_the_maps_have(usual):
    found = decodings_like(usual)
    assert usual in found
    parting = {getattr(each, usual.parting) for each in found}
    assert len(parting) >= 4
    assert all(0 < value < 1 for value in parting)
    assert {each.min_size for each in found} == {16, 25, 40}
    assert len({each.model_dump_json() for each in found}) == len(found)
    assert all(type(each) is type(usual) for each in found)


def test_the_score_of_thresholds_is_that_of_the_program(data):
    model = load_model("nuclei")
    (picture,) = read_pictures(data / "disks", ["0"])
    maps = maps_of(picture, model)
    usual = model.spec.decoding
    trial = tried(usual, {"known": [(picture.values, maps)]})
    expected = pool([evaluate(picture.values, labels_of(maps, usual))]).pooled
    assert trial.parts["known"]["mSA"] == pytest.approx(expected.msa, abs=1e-4)
    assert trial.score == pytest.approx(
        (expected.ap["0.50"] + expected.ap["0.75"]) / 2, abs=1e-4
    )


def test_larger_pictures_and_small_groups_give_more_crops(data):
    pictures = read_pictures(data / "disks", ["0", "1", "3"])
    planes = [ready(each, Recipe(data=("disks",))) for each in pictures]
    split = Split(test=(), groups=(("0", "1"), ("3",)))
    equal = probabilities(pictures, planes, split, 0.0)
    grouped = probabilities(pictures, planes, split, 1.0)
    assert equal.sum() == pytest.approx(1)
    assert grouped[2] == pytest.approx(2 * grouped[0], rel=0.1)
    assert equal[2] == pytest.approx(equal[0], rel=0.1)


def test_kinds_of_pictures_give_equally_many_crops(data):
    pictures = read_pictures(data / "disks", ["0", "1", "3"])
    planes = [ready(each, Recipe(data=("disks",))) for each in pictures]
    split = Split(test=(), groups=(("0", "1"), ("3",)), sets=("many", "few"))
    found = probabilities(pictures, planes, split, 0.0, alike=True)
    assert found[2] == pytest.approx(found[:2].sum()) == pytest.approx(0.5)


@pytest.mark.parametrize(("usual", "zoom"), [((42, 60), 3.0), ((8, 20), 1.0)])
def test_unusual_diameters_are_zoomed_at_first(data, usual, zoom):
    (picture,) = read_pictures(data / "disks", ["0"])
    plane = ready(picture, Recipe(data=("disks",), usual=usual, least=6, most=200))
    assert plane.zoom == pytest.approx(zoom, rel=0.1)
    low, high = plane.zoom_limits
    assert high / low == pytest.approx(200 / 6)


def test_a_picture_with_huge_objects_is_shrunk_before(data):
    (picture,) = read_pictures(data / "disks", ["0"])
    plane = ready(picture, Recipe(data=("disks",), diameter=5.0, least=3, most=8))
    assert plane.stack.shape[-1] < picture.image.shape[-1] / 2
    assert plane.zoom == pytest.approx(1)
    low, high = plane.zoom_limits
    assert low <= 1 <= high


def test_what_nobody_labelled_is_unknown_unless_it_is_flat(data):
    (picture,) = read_pictures(data / "disks", ["0"])
    labels = picture.values.copy()
    forgotten = labels == 6
    labels[forgotten] = 0
    verified = verified_part(picture.image, labels)
    assert verified[labels > 0].all()
    assert not verified[forgotten].any()
    assert 0.3 < verified.mean() < 1


def test_specks_and_blurred_remains_are_certainly_no_objects():
    image = np.full((160, 160), 0.3, np.float32)
    values = np.zeros(image.shape, np.int32)
    yy, xx = np.indices(image.shape)
    disks = [(30, 30), (30, 80), (80, 30), (80, 80), (130, 40)]
    for number, (y, x) in enumerate(disks, start=1):
        ring = abs(np.hypot(yy - y, xx - x) - 10) < 2
        image[ring] = 1.0
        values[np.hypot(yy - y, xx - x) < 12] = number
    forgotten, smear = values == 4, np.hypot(yy - 130, xx - 130) < 14
    values[forgotten] = 0
    image[smear] = 0.36
    image[110:113, 100:103] = 1.0
    verified = all_but_crisp(image[None], values)
    assert verified[values > 0].all()
    assert not verified[forgotten].any()
    assert verified[smear].all()
    assert verified[108:115, 98:105].all()


def test_a_generalist_sees_colours_as_grey_and_pieces_of_a_class_as_objects(
    tmp_path,
):
    folder = tmp_path / "axons_sem"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    colours = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    io.imsave(folder / "images" / "a.png", colours, check_contrast=False)
    classes = np.zeros((40, 40), np.uint8)
    classes[2:30, 2:38] = 1
    classes[5:10, 5:10] = classes[20:28, 20:28] = 2
    tifffile.imwrite(folder / "labels" / "a.tif", classes)
    recipe = Recipe(data=("axons_sem",))
    (picture,) = recipe.pictures(tmp_path, ["a", "elsewhere"])
    assert picture.image.shape == (1, 40, 40)
    np.testing.assert_allclose(picture.raw, colours.mean(axis=-1), atol=1e-3)
    # Two axons, and around each its part of the myelin.
    assert set(np.unique(picture.values)) == {0, 1, 2, 3, 4}
    assert ((picture.values > 0) == (classes > 0)).all()
    assert len(set(np.unique(picture.values[classes == 2]))) == 2
    (coloured,) = changed(recipe, ["channels=3"]).pictures(tmp_path, ["a"])
    assert coloured.image.shape == (3, 40, 40)


def test_the_table_compares_runs_of_equal_fold_and_seed():
    def run(variant, fold, score):
        ious = dict.fromkeys(("0.50", "0.75", "0.90"), score)
        part = {"pooled": ious, "worst": ious}
        facts = {"variant": variant, "fold": fold, "seed": 0}
        return {**facts, "known": part, "strangers": part}

    runs = [run("as it is", 0, 0.5), run("as it is", 1, 0.8)]
    runs += [run("wider", 0, 0.6), run("wider", 1, 0.9), run("wider", 2, 0.1)]
    *_, base, wider = table(runs).splitlines()
    assert base.startswith("| as it is | 2 | 0.650 |")
    assert wider.startswith("| wider | 2 | +0.100 ± 0.000 |")
    assert "mSA" not in table(runs)
    for run in runs:
        for part in ("known", "strangers"):
            run[part]["pooled"]["mSA"] = 0.25
    *_, base, _ = table(runs).splitlines()
    assert base.count("| 0.250 |") == 3


def test_objects_where_nothing_is_known_do_not_count(data):
    (picture,) = read_pictures(data / "disks", ["0"])
    unknown = replace(picture, verified=picture.values != 6)
    found = known_part(unknown, picture.values)
    assert not (found == 6).any()
    assert (found[picture.values != 6] == picture.values[picture.values != 6]).all()


def test_a_training_may_end_with_the_time(data, tmp_path):
    recipe = changed(Recipe(data=("disks",)), [*TINY, "steps=100000"])
    fit(recipe, data, tmp_path / "short", None, Resources("cpu", minutes=0.01))
    assert averaged_weights(tmp_path / "short")
    assert Resources(minutes=2).progress(10, 100, 60) == 0.5
    assert Resources(minutes=2).progress(70, 100, 60) == 0.7
    assert Resources().progress(10, 100, 1e6) == 0.1


@pytest.mark.parametrize("pixels", [-2, -1, 0, 1, 3])
def test_annotators_who_draw_wider_are_found_out(pixels):
    labels = make_disks(size=120, pitch=40, radius=12).labels
    found, score = best_growth(grown(labels, pixels), labels)
    assert found == pixels
    assert score.ap["0.90"] == 1


def test_a_person_annotates_neighbours_and_what_lies_between():
    labels = make_disks(size=160, pitch=32, radius=10).labels
    samples = [Sample(labels, labels) for _ in range(3)]
    annotated, others = annotate(samples, 7, np.random.default_rng(3))
    assert (len(annotated), len(others)) == (1, 2)
    seen = annotated[0].verified
    assert len(set(np.unique(labels[seen])) - {0}) == 7
    # All of an object is verified, or nothing.
    share = np.bincount(labels.ravel(), seen.ravel()) / np.bincount(labels.ravel())
    assert set(share[1:]) == {0.0, 1.0}
    annotated, _ = annotate(samples, 30, np.random.default_rng(3))
    assert len(annotated) == 2
    with pytest.raises(ValueError, match="not enough"):
        annotate(samples, 1000, np.random.default_rng(3))
