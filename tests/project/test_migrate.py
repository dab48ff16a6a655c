"""Projects of older versions open, and their manifests are kept as they were."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest

from napari_unet.errors import StorageError
from napari_unet.models.record import built_in_uuid
from napari_unet.project.manifest import FORMAT_VERSION, parse_manifest, up_to_date
from napari_unet.project.store import ProjectStore


def older(folder: Path, version: int) -> bytes:
    """Write the manifest of a project as an older version of the program did."""
    path = folder / "project.json"
    content = json.loads(path.read_text())
    for name in ("checksum", "settings", "models", "active_model"):
        content.pop(name, None)
    for entry in content["images"]:
        for generation in entry["generations"]:
            del generation["sequence"]
        for name in (
            "path",
            "file_bytes",
            *(("task", "names") if version == 1 else ()),
        ):
            entry.pop(name, None)
    text = json.dumps({**content, "format_version": version}).encode()
    path.write_bytes(text)
    return text


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_project_opens_and_its_manifest_is_kept(
    version, folder, store, image, snapshot
):
    store.save(image, snapshot(1))
    text = older(folder, version)
    again = ProjectStore(folder)
    assert again.load_work(image).labels.max() == 1
    assert (folder / "project.json").read_bytes() == text, "opening has written"
    again.save(image, snapshot(2))
    again.save(image, snapshot(3))
    assert (folder / f"project.v{version}.json").read_bytes() == text
    content = json.loads((folder / "project.json").read_text())
    assert content["format_version"] == FORMAT_VERSION
    assert ProjectStore(folder).load_work(image).labels.max() == 3


def test_to_migrate_changes_nothing_of_what_is_given():
    found = {"format_version": 1, "images": [{"generations": [{"number": 1}]}]}
    kept = deepcopy(found)
    current = up_to_date(found, FORMAT_VERSION)
    assert found == kept
    assert current["images"][0]["generations"] == [{"number": 1, "sequence": 1}]
    assert up_to_date(current, FORMAT_VERSION) == current


def test_a_manifest_that_something_else_changed_is_damaged(
    folder, store, image, snapshot
):
    store.save(image, snapshot(1))
    text = (folder / "project.json").read_bytes()
    assert parse_manifest(text).images[0].next_id == 2
    with pytest.raises(StorageError, match="changed it"):
        parse_manifest(text.replace(b'"next_id": 2', b'"next_id": 1'))


def test_models_of_the_first_release_get_the_same_record_every_time():
    common = {"created": "2030-01-01T12:00:00Z", "note": "", "preset": "fine-tune"}
    models = [
        {**common, "number": 1, "built_in": "nuclei"},
        {**common, "number": 2, "folder": "2-round-1", "score": 0.8},
        {**common, "number": 3, "folder": "3-mine"},
        {**common, "number": 5, "folder": "5-round-1", "score": 0.8},
    ]
    text = json.dumps({"format_version": 1, "models": models, "active_model": 5})
    first, again = (parse_manifest(text.encode()).models for _ in range(2))
    assert first == again
    assert len({entry.uuid for entry in first}) == 4
    assert first[0].uuid == built_in_uuid("nuclei")
    assert [entry.record.replay for entry in first] == ["nuclei", "nuclei", "", ""]
    assert [entry.record.score for entry in first] == [None, 0.8, None, 0.8]
