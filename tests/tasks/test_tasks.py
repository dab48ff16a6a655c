"""The three tasks, in two and three dimensions: learn a toy, predict, save, refuse."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_unet.errors import InputError
from napari_unet.inference.predict import predict
from napari_unet.learning.config import Augmentation, FitConfig
from napari_unet.learning.data import annotated_planes
from napari_unet.learning.fit import fit
from napari_unet.learning.sampling import draw_batch
from napari_unet.learning.start import TaskRequest, adapt, fill_in, with_new_head
from napari_unet.models.architectures.original import OriginalConfig
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.folder import list_models
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks import all_tasks
from napari_unet.tasks.objectives import objective_of, refuse_idle_loss_options
from napari_unet.tasks.outputs import LossOptions
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import load_model, save_model
from napari_unet.weights.model import Model, new_model
from tests.tiny import make_disks, make_training_plane

STILL = Augmentation(
    zoom=0, rotate=False, gamma=0, contrast=0, offset=0, illumination=0, blur=0, noise=0
)
LEARN = FitConfig.from_scratch().model_copy(
    update={
        "steps": 60,
        "crop": 64,
        "batch_size": 4,
        "learning_rate": 1e-2,
        "average": 0.8,
        "validate_every": 20,
        "augmentation": STILL,
        "device": "cpu",
    }
)
QUICK = LEARN.model_copy(update={"steps": 2, "batch_size": 1})


def spec(dims: int = 2) -> ModelSpec:
    network = UNetConfig(depth=2, base_channels=4, dims=dims)
    return ModelSpec(name="toy", architecture=network)


def start(wanted: TaskRequest, sample: Sample, dims: int = 2) -> Model:
    torch.manual_seed(0)
    return new_model(fill_in(spec(dims), wanted, [sample]))


@pytest.fixture
def classes() -> Sample:
    disks = make_disks()
    return replace(disks, labels=(disks.labels > 0).astype(np.int32))


@pytest.fixture
def values() -> Sample:
    """Return two variables, in units far from 1, one of them unknown in part."""
    disks = make_disks()
    inside = disks.labels > 0
    both = np.stack([1000 + 50.0 * inside, -0.01 * inside]).astype(np.float32)
    both[1, :48] = np.nan
    return replace(disks, labels=both)


def volume() -> Sample:
    disks = make_disks(size=48)
    image = np.repeat(disks.image[None], 12, 0)
    labels = np.repeat(disks.labels[None], 12, 0)
    image[:3] = image[9:] = disks.image.min()
    labels[:3] = labels[9:] = 0
    return Sample(image, labels, axes="ZYX")


def test_classes_are_learned(classes: Sample) -> None:
    model = fit(
        start(TaskRequest("classes", ("ground", "disk")), classes), [classes], LEARN
    )
    found = predict(classes.image, model, device="cpu")
    assert found.dtype == np.uint8
    assert (found == classes.labels).mean() > 0.97
    maps = predict(classes.image, model, device="cpu", probabilities=True)
    assert maps.shape == (2, *found.shape)
    np.testing.assert_allclose(maps.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(maps.argmax(0), found)


def test_values_are_learned_in_their_own_units(values: Sample) -> None:
    model = fit(start(TaskRequest("regression"), values), [values], LEARN)
    found = predict(values.image, model, device="cpu")
    assert found.dtype == np.float32
    assert found.shape == values.labels.shape
    for one, true in zip(found, values.labels, strict=True):
        known = np.isfinite(true)
        assert np.corrcoef(one[known], true[known])[0, 1] > 0.9
        assert abs(one[known].mean() - true[known].mean()) < true[known].std()


def test_objects_in_a_volume_are_learned() -> None:
    sample = volume()
    model = fit(start(TaskRequest(), sample, dims=3), [sample], LEARN)
    found = predict(sample.image, model, axes="ZYX", device="cpu")
    assert found.shape == sample.labels.shape
    inside = sample.labels > 0
    dice = 2 * (inside & (found > 0)).sum() / (inside.sum() + (found > 0).sum())
    assert dice > 0.8


@pytest.mark.parametrize("task", ["classes", "regression"])
def test_all_axes_come_back(task: str, classes: Sample) -> None:
    model = start(TaskRequest(task), classes)
    image = np.stack([classes.image] * 3)
    stack = predict(image, model, axes="ZYX", device="cpu")
    lead = (1,) if task == "regression" else ()
    assert stack.shape == (*lead, *image.shape)
    turned = predict(image.transpose(1, 0, 2), model, axes="YZX", device="cpu")
    np.testing.assert_array_equal(np.moveaxis(turned, -3, -2), stack)


def test_a_saved_model_predicts_the_same(tmp_path, values: Sample) -> None:
    model = start(TaskRequest("regression", ("a", "b")), values)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.spec == model.spec
    np.testing.assert_array_equal(
        predict(values.image, again, device="cpu"),
        predict(values.image, model, device="cpu"),
    )


def test_turned_copies_are_averaged(classes: Sample) -> None:
    model = start(TaskRequest("classes"), classes)
    image = classes.image[:, :64]
    once = predict(image, model, device="cpu", probabilities=True, rotations=True)
    turned = predict(
        np.rot90(image).copy(), model, device="cpu", probabilities=True, rotations=True
    )
    np.testing.assert_allclose(np.rot90(once, 1, (1, 2)), turned, atol=1e-4)


def test_another_head_keeps_the_rest(model: Model, classes: Sample) -> None:
    other = adapt(model, TaskRequest("classes"), [classes])
    assert other.spec.task == "classes"
    old, new = model.net.state_dict(), other.net.state_dict()
    for key, value in old.items():
        if not key.startswith("head"):
            torch.testing.assert_close(new[key], value, rtol=0, atol=0)
    assert new["head.weight"].shape[0] == 2
    assert predict(classes.image, other, device="cpu").max() <= 1


def test_a_model_that_fits_is_kept(model: Model, classes: Sample) -> None:
    assert adapt(model, TaskRequest("instances"), [make_disks()]) is model
    two = start(TaskRequest("classes", ("a", "b")), classes)
    assert adapt(two, TaskRequest("classes"), [classes]) is two
    assert adapt(two, TaskRequest("classes", ("a", "b")), [classes]) is two
    three = adapt(two, TaskRequest("classes", ("a", "b", "c")), [classes])
    assert [c.name for c in three.spec.classes] == ["a", "b", "c"]


def test_a_new_head_says_nothing_of_the_old_score(model: Model) -> None:
    scored = Model(
        model.spec.model_copy(
            update={"card": model.spec.card.model_copy(update={"score": {"AP": 1.0}})}
        ),
        model.net,
    )
    assert not with_new_head(scored, scored.spec).spec.card.score


@pytest.mark.parametrize(
    ("wanted", "labels", "phrase"),
    [
        (TaskRequest("classes"), [[0, 300]], "object ids"),
        (TaskRequest("classes"), [[0, -1]], "number classes from 0"),
        (TaskRequest("classes", ("a", "b")), [[0, 2]], "name 3 classes"),
        (TaskRequest("classes"), [[0.5, 1]], "--task regression"),
        (
            TaskRequest("regression"),
            [[np.nan, np.nan]],
            "No verified pixel has a finite",
        ),
        (TaskRequest("regression", ("a", "b")), [[0.5, 1]], "2 variables are named"),
        (TaskRequest("instances", ("a",)), [[0, 1]], "Objects have no names"),
    ],
)
def test_labels_that_do_not_fit_the_task(wanted, labels, phrase) -> None:
    labels = np.array(labels)
    sample = Sample(np.zeros(labels.shape[-2:]), labels)
    with pytest.raises(InputError, match=phrase):
        fill_in(spec(), wanted, [sample])


def test_only_one_class_teaches_nothing(classes: Sample) -> None:
    model = start(TaskRequest("classes"), classes)
    only = replace(classes, verified=classes.labels == 1)
    with pytest.raises(InputError, match="Only one class"):
        fit(model, [only], LEARN)


def test_a_strange_class_is_refused(classes: Sample) -> None:
    model = start(TaskRequest("classes"), classes)
    strange = replace(classes, labels=classes.labels * 7)
    with pytest.raises(InputError, match="class 7"):
        fit(model, [strange], LEARN)


def test_unknown_classes_and_values_teach_nothing(classes: Sample, values: Sample):
    objective = objective_of(start(TaskRequest("classes"), classes).spec)
    ignored = np.where(classes.labels == 1, 255, 0)
    everywhere = np.ones(ignored.shape, bool)
    targets = objective.targets(ignored, everywhere)
    np.testing.assert_array_equal(targets.known[0], classes.labels == 0)
    assert targets.maps[:, classes.labels == 1].max() == 0
    objective = objective_of(start(TaskRequest("regression"), values).spec)
    targets = objective.targets(values.labels, everywhere)
    np.testing.assert_array_equal(targets.known, np.isfinite(values.labels))
    assert np.isfinite(targets.maps).all()


def test_the_recipe_of_2015_weighs_gaps(classes: Sample) -> None:
    options = LossOptions(balance=True, border_weight=10.0)
    objective = objective_of(start(TaskRequest("classes"), classes).spec, options)
    plane = make_training_plane(
        classes.image[None], classes.labels, None, objective=objective
    )
    rng = np.random.default_rng(0)
    batch = draw_batch([plane], np.ones(1), 48, 2, STILL, rng)
    inside = batch.targets[:, 1:] > 0.99
    outside = batch.targets[:, :1] > 0.99
    assert batch.weight[outside].max() > 1.5 * batch.weight[outside].min()
    assert batch.weight[inside].std() < 1e-3


def test_sections_of_a_volume_are_planes_of_a_2d_model() -> None:
    sample = volume()
    flat = annotated_planes(sample, start(TaskRequest(), sample))
    deep = annotated_planes(sample, start(TaskRequest(), sample, dims=3))
    assert len(flat) == 12
    assert [p.image.shape for p in deep] == [(1, 12, 48, 48)]
    np.testing.assert_array_equal(deep[0].values[4], flat[4].values)


def test_crops_of_a_volume_bend_together() -> None:
    sample = volume()
    (plane,) = annotated_planes(sample, start(TaskRequest(), sample, dims=3))
    ready = make_training_plane(plane.image, plane.values, None)
    rng = np.random.default_rng(0)
    batch = draw_batch([ready], np.ones(1), (16, 32, 32), 3, Augmentation(), rng)
    assert batch.images.shape == (3, 1, 16, 32, 32)
    assert batch.targets.shape == (3, 7, 16, 32, 32)
    # 12 sections in a crop of 16: nothing is known of the last ones.
    assert batch.weight.sum((1, 3, 4)).min(1).values.max() == 0
    foreground = batch.targets[:, 0] * batch.weight[:, 0]
    middle = foreground[:, 5:7]
    torch.testing.assert_close(middle[:, 0], middle[:, 1])


def test_a_plane_is_no_volume(classes: Sample) -> None:
    model = start(TaskRequest(), classes, dims=3)
    with pytest.raises(InputError, match="no z axis"):
        predict(classes.image, model, device="cpu")


def test_images_that_vanish_in_the_network_are_refused(model: Model) -> None:
    tiny = Sample(np.zeros((3, 40)), np.eye(3, 40, dtype=int))
    with pytest.raises(InputError, match="needs 4 or more"):
        fit(model, [tiny], LEARN)


@pytest.mark.parametrize("count", [1, 3])
def test_few_volumes_can_be_held_out(count: int) -> None:
    samples = [volume() for _ in range(count)]
    model = fit(start(TaskRequest(), samples[0], dims=3), samples, QUICK)
    assert model.spec.task == "instances"


def test_an_unpadded_network_learns_what_it_answers_for(classes: Sample) -> None:
    """Also at the border of an image that is smaller than a crop."""
    torch.manual_seed(0)
    network = OriginalConfig(blocks=3, base_channels=4)
    spec_ = ModelSpec(name="old", architecture=network)
    model = new_model(fill_in(spec_, TaskRequest("classes"), [classes]))
    trained = fit(model, [classes], LEARN)
    found = predict(classes.image, trained, device="cpu")
    assert found.shape == classes.labels.shape
    right = found == classes.labels
    assert right.mean() > 0.95
    assert right[:8].mean() > 0.9


def test_beyond_its_border_an_image_goes_on_as_its_mirror_image() -> None:
    ramp = np.tile(np.arange(8, dtype=np.float32), (8, 1))
    plane = make_training_plane(ramp[None], np.ones((8, 8), np.int32), None)
    rng = np.random.default_rng(0)
    batch = draw_batch([plane], np.ones(1), 16, 1, STILL, rng, margin=4)
    row = batch.images[0, 0, 8]
    torch.testing.assert_close(row[:4], row[4:8].flip(0))
    assert batch.weight[0, 0, :4].max() == 0
    assert batch.weight[0, 0, 4:12, 4:12].min() == 1


ALL = [task.name for task in all_tasks()]


def built_in_and_task() -> list[tuple[str, str]]:
    names = [each.name for each in list_models()]
    return [(name, task) for name in names for task in ALL]


@pytest.mark.parametrize(("name", "task"), built_in_and_task())
def test_every_built_in_takes_every_task(name: str, task: str) -> None:
    old = load_model(name)
    above = (8,) if old.net.dims == 3 else ()
    more = (3,) if old.spec.in_channels == 3 else ()
    rng = np.random.default_rng(0)
    image = rng.normal(100, 10, (*above, 64, 64, *more)).astype(np.float32)
    labels = np.zeros((*above, 64, 64), np.int32)
    labels[..., 20:44, 20:44] = 1
    image[labels > 0] += 300
    sample = Sample(image, labels, axes="Z" * len(above) + "YX" + "C" * len(more))
    model = adapt(old, TaskRequest(task), [sample])
    result = predict(image, model, axes=sample.axes, device="cpu")
    assert result.shape[-2:] == (64, 64)
    told = predict(image, model, axes=sample.axes, device="cpu", diameter=20)
    assert told.shape == result.shape
    if task != "instances":
        assert model.spec.best_diameters is None


def test_sizes_that_another_head_kept_are_forgotten(classes: Sample) -> None:
    told = start(TaskRequest("classes"), classes).spec.model_dump(mode="json")
    told |= {"diameters": [10, 30], "zoomed_to": [12, 20], "object_size": 8.0}
    read = ModelSpec.model_validate_json(json.dumps(told))
    assert read.best_diameters is None
    assert read.diameters is read.object_size is None
    objects = ModelSpec(name="toy", diameters=(10, 30))
    assert ModelSpec.model_validate_json(objects.model_dump_json()) == objects


def test_models_without_objects_are_written_as_earlier_versions_read_them(
    classes: Sample,
) -> None:
    spec = start(TaskRequest("classes"), classes).spec
    assert "decoding" not in spec.model_dump()
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec
    objects = ModelSpec(name="toy")
    assert objects.model_dump()["decoding"]["kind"] == "reach"


def test_a_model_says_with_which_loss_it_is_trained(values: Sample, tmp_path) -> None:
    model = start(TaskRequest("regression"), values)
    assert "loss" not in model.spec.model_dump()
    chosen = model.spec.model_copy(update={"loss": LossOptions(regression="mse")})
    save_model(replace(model, spec=chosen), tmp_path / "model")
    loaded = load_model(tmp_path / "model").spec
    assert loaded.loss.regression == "mse"
    assert objective_of(loaded).options.regression == "mse"
    assert objective_of(loaded, LossOptions()).options.regression == "huber"


@pytest.mark.parametrize(
    ("task", "loss", "known"),
    [
        ("instances", LossOptions(dice=False), "none"),
        ("classes", LossOptions(regression="mae"), "loss.dice"),
        ("regression", LossOptions(balance=True), "loss.regression"),
    ],
)
def test_a_loss_that_has_no_effect_is_refused(task, loss, known, values, classes):
    sample = values if task == "regression" else classes
    told = start(TaskRequest(task), sample).spec.model_copy(update={"loss": loss})
    with pytest.raises(InputError, match=f"no effect.*{known}"):
        refuse_idle_loss_options(told)
