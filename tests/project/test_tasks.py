"""One image has separate work for every task."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.annotation.schema import LabelSchema
from napari_unet.errors import InputError, StorageError
from napari_unet.project.manifest import Manifest, parse_manifest
from napari_unet.project.store import ProjectStore
from tests.project.entries import entry_of

AXONS = LabelSchema("classes", ("background", "axon", "myelin"))
VALUES = LabelSchema("regression", ("calcium", "pH"))


def values() -> AnnotationSnapshot:
    known = np.full((2, 6, 8), np.nan, np.float32)
    known[0, 2, 3] = -1.5
    provenance = np.zeros((6, 8), np.uint8)
    provenance[2, 3] = 3
    return AnnotationSnapshot(known, provenance, 1, 1)


def test_classes_never_mix_with_objects(store, folder, image, snapshot):
    classes = replace(image, schema=AXONS)
    store.save(image, snapshot(1))
    assert entry_of(store, classes) is None
    store.save(classes, snapshot(2))
    again = ProjectStore(folder)
    objects, numbers = entry_of(again, image), entry_of(again, classes)
    assert objects.key != numbers.key
    assert again.load(objects.key).labels.max() == 1
    assert again.load(numbers.key).labels.max() == 2
    again.save(image, snapshot(3))
    assert again.load(numbers.key).labels.max() == 2


def test_a_class_more_is_the_same_work_and_another_meaning_is_not(
    store, image, snapshot
):
    store.save(replace(image, schema=AXONS), snapshot(1))
    more = LabelSchema("classes", (*AXONS.names, "vessel"))
    assert entry_of(store, replace(image, schema=more))
    store.save(replace(image, schema=more), snapshot(2))
    assert len(store.read()[0].images) == 1
    assert store.read()[0].images[0].names == more.names
    other = LabelSchema("classes", ("background", "nucleus"))
    assert entry_of(store, replace(image, schema=other)) is None


def test_values_come_back_with_what_is_unknown(store, folder, image):
    regressed = replace(image, schema=VALUES)
    store.save(regressed, values())
    again = ProjectStore(folder)
    stored = again.load(entry_of(again, regressed).key)
    assert stored.labels.dtype == np.float32
    assert np.array_equal(stored.labels, values().labels, equal_nan=True)
    assert np.array_equal(stored.provenance, values().provenance)


def test_values_of_another_shape_are_refused(store, image):
    with pytest.raises(InputError, match="shape"):
        store.save(replace(image, schema=LabelSchema("regression", ("one",))), values())


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "guessing"},
        {"task": "classes", "names": []},
        {"task": "instances", "names": ["a"]},
        {"names": ["a\n"], "task": "classes"},
        {"names": ["v"] * 256, "task": "regression"},
    ],
)
def test_schemas_that_make_no_sense_are_refused(store, image, snapshot, changes):
    store.save(image, snapshot(1))
    entry = json.loads(Manifest(images=store.read()[0].images).as_bytes())["images"][0]
    text = json.dumps({"format_version": 2, "images": [{**entry, **changes}]})
    with pytest.raises(StorageError, match="damaged"):
        parse_manifest(text.encode())


def test_a_damaged_save_of_values_is_noticed(store, folder, image):
    regressed = replace(image, schema=VALUES)
    store.save(regressed, values())
    store.save(regressed, values())
    (newest,) = (folder / "labels").glob("*.2.tif")
    newest.write_bytes(newest.read_bytes()[:-20])
    again = ProjectStore(folder)
    stored = again.load(entry_of(again, regressed).key)
    assert "cannot be read" in stored.notice
