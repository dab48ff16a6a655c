"""Projects from the command line: what they hold, whether they are whole, and back."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_unet.annotation.schema import INSTANCES
from napari_unet.io.read import read_header
from napari_unet.project.lock import ProjectLock
from napari_unet.project.manifest import ImageReading, Manifest
from napari_unet.project.store import ProjectStore
from tests.project.small_projects import (
    CLASSES,
    SHAPE,
    VALUES,
    begin,
    contents,
    lay_out,
    make_project,
    open_project,
)

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome, Run

COMMANDS = ("info", "verify", "recover", "export")
TINY = ("--set", "architecture.depth=2", "--set", "architecture.base_channels=4")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All files of a project of one image, and the image."""
    folder = tmp_path_factory.mktemp("made")
    make_project(folder / "cells.unet")
    return contents(folder)


@pytest.fixture
def folder(files: dict[str, bytes], tmp_path: Path) -> Path:
    """A sound project, beside its image."""
    return lay_out(files, tmp_path / "here")


@pytest.fixture
def lock(folder: Path) -> Iterator[ProjectLock]:
    lock = ProjectLock(folder)
    lock.acquire()
    yield lock
    lock.release()


def listing(folder: Path) -> dict[str, tuple[int, str]]:
    """Return everything below a folder, with times and hashes of what it holds."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mtime_ns,
            blake2b(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }


def arguments(command: str, folder: Path) -> list[object]:
    out = ["--out", folder.parent / "out"] if command == "export" else []
    return ["project", command, folder, *out]


def told(outcome: Outcome, code: int = 0) -> Any:
    """Return the JSON on stdout, after a look at the rest."""
    assert outcome.code == code, outcome
    assert bool(outcome.err) == bool(code), outcome
    assert "Traceback" not in outcome.err
    return json.loads(outcome.out)


def newest(folder: Path, kind: str = "labels") -> Path:
    return next((folder / kind).glob("*.4.tif"))


def images(folder: Path) -> Path:
    """Put the image of a project in a folder of its own, as `train` wants it."""
    place = folder.parent / "images"
    place.mkdir()
    (place / "cells.tif").write_bytes((folder.parent / "cells.tif").read_bytes())
    return place


def test_info(run: Run, folder: Path) -> None:
    before = listing(folder.parent)
    shown = run("project", "info", folder)
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[:5] == [
        "project     cells.unet",
        "format      7",
        "open by     nobody",
        "training    2 min",
        "model 1     1-round-1 (predicts)",
    ]
    assert f"path        {folder.parent / 'cells.tif'} (found)" in lines
    assert "shape       24 x 30 (YX)" in lines
    assert "since then  2 changes" in lines
    assert "objects     6, 6 of them verified" in lines
    found = told(run("project", "info", folder, "--json"))
    assert found["active_model"] == 1
    assert found["problems"] == []
    (image,) = found["images"]
    assert image["found"]
    assert image["changes_after"] == 2
    assert image["verified_objects"] == 6
    assert 0.8 < image["verified_share"] < 1
    assert listing(folder.parent) == before


def test_verify(run: Run, folder: Path) -> None:
    before = listing(folder.parent)
    shown = run("project", "verify", folder)
    assert (shown.code, shown.err) == (0, "")
    *rows, last = shown.out.splitlines()
    assert last == f"{folder} is sound."
    assert all(row.startswith("  ") and "Sound" in row for row in rows)
    assert len({row.index("Sound") for row in rows}) == 1, "one column"
    found = told(run("project", "verify", folder, "--json"))
    assert found["sound"]
    assert len(found["checks"]) == len(rows)
    assert listing(folder.parent) == before


def test_a_damaged_save_is_told_and_mended(run: Run, folder: Path) -> None:
    newest(folder).write_bytes(b"nonsense")
    before = listing(folder.parent)
    shown = run("project", "info", folder)
    assert shown.code == 2
    assert "since then  3 changes" in shown.out
    assert "Lost" not in shown.err
    assert f"`napari-unet project recover {folder}` brings back" in shown.err
    problems = told(run("project", "info", folder, "--json"), 2)["problems"]
    assert len(problems) == 1
    shown = run("project", "verify", folder)
    assert shown.code == 2
    assert shown.out.count("\n! ") == 1
    assert "is sound" not in shown.out
    assert shown.err.count("\n") == 1
    assert "1 of " in shown.err
    checks = told(run("project", "verify", folder, "--json"), 2)["checks"]
    assert [check["state"] for check in checks].count("problem") == 1
    assert listing(folder.parent) == before

    shown = run("project", "recover", folder)
    assert (shown.code, shown.err) == (0, "")
    assert "cells.tif: recovered from save 3 of " in shown.out
    assert "and 3 changes after it." in shown.out
    kept = next(folder.glob("damaged-*"))
    assert f"The damaged files are kept in {kept}." in shown.out
    assert (kept / "labels" / newest(kept).name).read_bytes() == b"nonsense"
    assert run("project", "verify", folder).code == 0


def test_recover_has_nothing_to_do(run: Run, folder: Path) -> None:
    before = listing(folder.parent)
    shown = run("project", "recover", folder)
    assert shown.out == f"cells.tif: sound.\n{folder}: nothing to do.\n"
    found = told(run("project", "recover", folder, "--json"))
    assert not found["changed"]
    assert listing(folder.parent) == before
    (folder / "project.json").unlink()
    assert told(run("project", "recover", folder, "--json"))["changed"]
    before = listing(folder.parent)
    again = told(run("project", "recover", folder, "--json"))
    assert not again["changed"]
    assert [image["state"] for image in again["images"]] == ["sound"]
    assert listing(folder.parent) == before


def test_both_manifests_damaged(run: Run, folder: Path) -> None:
    for name in ("project.json", "project.previous.json"):
        (folder / name).write_bytes(b"{")
    shown = run("project", "info", folder)
    assert shown.code == 2
    assert "objects     6, 6 of them verified" in shown.out
    assert "project.previous.json is damaged" in shown.err
    shown = run("project", "verify", folder)
    assert "! project.json " in shown.out
    assert "project.json is damaged" not in shown.out, "its name once"
    found = told(run("project", "recover", folder, "--json"))
    assert found["images"][0]["state"] == "recovered"
    assert Path(found["damaged_files"]).is_dir()
    assert len(found["others"]) == 3
    assert run("project", "verify", folder).code == 0
    assert "objects     6, 6 of them" in run("project", "info", folder).out


def test_a_copy_leaves_the_original_as_it_was(run: Run, folder: Path) -> None:
    newest(folder).write_bytes(b"nonsense")
    before = listing(folder)
    out = folder.parent / "new.unet"
    shown = run("project", "recover", folder, "--out", out)
    assert (shown.code, shown.err) == (0, "")
    assert f"A sound copy is in {out}." in shown.out
    assert "kept in" not in shown.out, "a folder that is not there"
    assert listing(folder) == before
    assert run("project", "verify", out).code == 0
    made = listing(out)
    run("project", "recover", folder, "--out", out).refused("exists already")
    assert listing(out) == made
    other = folder.parent / "other.unet"
    found = told(run("project", "recover", folder, "--out", other, "--json"))
    assert found["damaged_files"] is None
    inside = folder / "new.unet"
    run("project", "recover", folder, "--out", inside).refused("lies in the project")
    assert listing(folder) == before


def test_a_copy_of_a_sound_project(run: Run, folder: Path) -> None:
    out = folder.parent / "new.unet"
    shown = run("project", "recover", folder, "--out", out)
    assert shown.out == f"cells.tif: sound.\nA sound copy is in {out}.\n"
    assert run("project", "verify", out).code == 0


def test_what_is_lost_is_said(run: Run, folder: Path) -> None:
    newest(folder).unlink()
    next((folder / "journal").iterdir()).unlink()
    words = "1 change that no file holds any more"
    assert f"Lost: {words}" in run("project", "info", folder).err
    out = folder.parent / "out"
    shown = run("project", "export", folder, "--out", out)
    assert shown.code == 2
    assert f"Not exported, for it is lost: cells.tif: {words}" in shown.err
    assert (out / "labels" / "cells.tif").is_file()
    shown = run("project", "recover", folder)
    assert shown.code == 2
    assert shown.err == f"cells.tif: lost: {words}.\n"
    assert run("project", "recover", folder).code == 0


def test_an_image_of_which_nothing_is_left(run: Run, folder: Path) -> None:
    for kind in ("labels", "journal"):
        for path in (folder / kind).iterdir():
            path.unlink()
    assert "No save of it can be read" in run("project", "verify", folder).out
    out = folder.parent / "out"
    shown = run("project", "export", folder, "--out", out)
    shown.refused("cells.tif: not exported")
    assert not out.exists()
    found = told(run("project", "recover", folder, "--json"), 2)
    assert [image["state"] for image in found["images"]] == ["not recovered"]
    assert run("project", "recover", folder).code == 0


def test_labels_without_a_name_are_those_of_an_image_nearby(
    run: Run, files: dict[str, bytes], tmp_path: Path
) -> None:
    maps = {k: v for k, v in files.items() if "/labels/" in k or "/provenance/" in k}
    folder = lay_out(maps, tmp_path)
    run("project", "export", folder, "--out", tmp_path / "out").refused("recover the")
    run("project", "recover", folder).refused("put the image beside the project")
    assert contents(tmp_path) == maps
    (tmp_path / "cells.tif").write_bytes(files["cells.tif"])
    shown = run("project", "recover", folder)
    assert shown.code == 0
    assert "cells.tif: recovered from save 4" in shown.out
    assert run("project", "verify", folder).code == 0


@pytest.mark.parametrize(
    "name", ["project.json", "project.previous.json", "labels", "journal", "models"]
)
def test_what_is_in_the_way_is_set_aside(run: Run, folder: Path, name: str) -> None:
    place = folder / name
    if place.is_dir():
        place.rename(folder.parent / "lost")
        place.write_text("something else")
    else:
        place.unlink()
        place.mkdir()
        (place / "notes.txt").write_text("something else")
    words = "where a fo" if name in ("labels", "journal", "models") else "where a file"
    assert words in run("project", "info", folder).err
    assert words in run("project", "verify", folder).out
    run("project", "recover", folder, "--out", folder.parent / "new.unet")
    assert run("project", "verify", folder.parent / "new.unet").code == 0
    shown = run("project", "recover", folder)
    assert "and was set aside." in shown.out
    assert run("project", "verify", folder).code == 0
    kept = contents(next(folder.glob("damaged-*")))
    assert b"something else" in kept.values()


def test_links_that_lead_to_themselves(run: Run, folder: Path) -> None:
    for path in (newest(folder), newest(folder, "provenance")):
        path.unlink()
        path.symlink_to(path.name)
    assert run("project", "info", folder).code == 2
    shown = run("project", "verify", folder)
    assert shown.code == 2
    assert shown.out.count("It is a link, which is never followed") == 2
    assert run(*arguments("export", folder)).code == 0
    assert run("project", "recover", folder).code == 0
    assert run("project", "verify", folder).code == 0


def test_an_image_that_is_away(run: Run, folder: Path) -> None:
    (folder.parent / "cells.tif").unlink()
    shown = run("project", "info", folder)
    assert shown.code == 0
    assert "(missing)" in shown.out
    shown = run("project", "verify", folder)
    assert shown.code == 2
    assert "What is in the project itself is sound." in shown.err
    assert not told(run("project", "recover", folder, "--json"))["changed"]


def test_a_project_that_is_open(run: Run, folder: Path, lock: ProjectLock) -> None:
    newest(folder).write_bytes(b"nonsense")
    before = listing(folder)
    found = told(run("project", "info", folder, "--json"), 2)
    assert " on " in found["open_elsewhere"]
    assert "open by     nobody" not in run("project", "info", folder).out
    assert "- lock.json " in run("project", "verify", folder).out
    run("project", "recover", folder).refused("is open elsewhere")
    out = folder.parent / "new.unet"
    assert run("project", "recover", folder, "--out", out).code == 0
    assert run(*arguments("export", folder)).code == 0
    assert listing(folder) == before
    assert lock.still_ours()


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_project(run: Run, command: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    before = listing(tmp_path)
    for name, words in (
        ("empty", "is not a project"),
        ("file", "is a file"),
        ("no.unet", "There is no folder"),
    ):
        shown = run(*arguments(command, tmp_path / name))
        shown.refused(words)
        assert shown.err.count("\n") == 1
    assert listing(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_newer_format(run: Run, command: str, folder: Path) -> None:
    text = json.loads((folder / "project.json").read_text())
    (folder / "project.json").write_text(json.dumps({**text, "format_version": 99}))
    before = listing(folder.parent)
    shown = run(*arguments(command, folder), "--json")
    shown.refused("update napari-unet")
    assert shown.err.count("\n") == 1
    assert listing(folder.parent) == before


def test_export(run: Run, folder: Path) -> None:
    before = listing(folder)
    out = folder.parent / "out"
    shown = run("project", "export", folder, "--out", out)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == (
        "cells.tif: 88.3 % verified, in cells.tif\n"
        f"Labels, masks and project.csv are in {out}.\n"
    )
    labels = tifffile.imread(out / "labels" / "cells.tif")
    verified = tifffile.imread(out / "verified" / "cells.tif")
    assert (labels.dtype, verified.dtype) == (np.int32, np.uint8)
    assert labels.shape == verified.shape == SHAPE
    assert set(np.unique(verified)) == {0, 255}
    assert len(np.unique(labels)) == 7
    with (out / "project.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["image"] == "cells.tif"
    assert row["objects"] == row["verified_objects"] == "6"
    assert row["path"] == str(folder.parent / "cells.tif")
    run("project", "export", folder, "--out", out).refused("--overwrite")
    again = run("project", "export", folder, "--out", out, "--overwrite", "--json")
    found = told(again)
    assert found["failed"] == found["lost"] == []
    assert found["written"][0]["name"] == "cells"
    assert listing(folder) == before


def test_export_keeps_the_size_of_pixels(run: Run, folder: Path) -> None:
    image = folder.parent / "cells.tif"
    fine = {"resolution": (4, 4), "metadata": {"unit": "um"}}
    tifffile.imwrite(image, tifffile.imread(image), imagej=True, **fine)
    out = folder.parent / "out"
    told(run("project", "export", folder, "--out", out, "--json"))
    size = {"Y": 0.25, "X": 0.25}
    assert read_header(out / "labels" / "cells.tif").pixel_size == size
    assert read_header(out / "verified" / "cells.tif").pixel_size == size

    def say(manifest: Manifest) -> Manifest:
        said = {manifest.images[0].content_hash: ImageReading(pixel_size=0.5)}
        settings = manifest.settings.model_copy(update={"readings": said})
        return manifest.model_copy(update={"settings": settings})

    ProjectStore(folder).update(say)
    run("project", "export", folder, "--out", out, "--overwrite")
    size = {"Y": 0.5, "X": 0.5}
    assert read_header(out / "labels" / "cells.tif").pixel_size == size


def test_export_somewhere_else(run: Run, folder: Path) -> None:
    before = listing(folder.parent)
    for out, words in (
        (folder / "out", "lies in the project"),
        (folder.parent / "cells.tif", "it is a file"),
    ):
        run("project", "export", folder, "--out", out).refused(words)
    export = ("project", "export", folder, "--out", folder.parent / "out", "--task")
    run(*export, "cells").refused("instances, classes, regression")
    run(*export, "classes").refused("no work of the task 'classes'")
    assert listing(folder.parent) == before


def test_export_of_images_with_one_name(run: Run, tmp_path: Path) -> None:
    project, syncer = open_project(tmp_path / "cells.unet")
    for seed, (place, schema) in enumerate(
        (("one", INSTANCES), ("two", CLASSES), ("three", VALUES))
    ):
        (tmp_path / place).mkdir()
        work = begin(project, tmp_path / place, schema=schema, seed=seed)
        label = 1 if seed < 2 else work.annotation.mark_for(0, 0.5)  # type: ignore[attr-defined]
        work.paint(1, 1, label)
        work.save()
    project.close()
    syncer.close()
    out = tmp_path / "out"
    found = told(run("project", "export", project.folder, "--out", out, "--json"))
    assert [row["name"] for row in found["written"]] == ["cells", "cells-2", "cells-3"]
    kinds = [
        tifffile.imread(out / "labels" / f"{row['name']}.tif")
        for row in found["written"]
    ]
    assert [kind.dtype.name for kind in kinds] == ["int32", "uint8", "float32"]
    assert kinds[2].shape == (2, *SHAPE)
    only = run(
        "project", "export", project.folder, "--out", tmp_path / "classes",
        "--task", "classes",
    )  # fmt: skip
    assert only.out.startswith("cells.tif: 5.0 % verified, in cells.tif\n")
    assert len(list((tmp_path / "classes" / "labels").iterdir())) == 1


def test_all_results_of_a_project(run: Run, tmp_path: Path) -> None:
    project, syncer = open_project(tmp_path / "cells.unet")
    for seed, (place, schema) in enumerate(
        (("one", INSTANCES), ("two", CLASSES), ("three", VALUES))
    ):
        (tmp_path / place).mkdir()
        work = begin(project, tmp_path / place, schema=schema, seed=seed)
        label = 1 if seed < 2 else work.annotation.mark_for(0, 0.5)  # type: ignore[attr-defined]
        work.paint(1, 1, label)
        work.save()
    project.close()
    syncer.close()
    before, out = listing(project.folder), tmp_path / "out"
    export = ("export", project.folder, "--out", out)
    found = told(run(*export, "--json"))
    left_out = "(CSV): it is of objects, and here are {}. So it was left out of 'cells"
    notes = found.pop("notes")
    for note, kind in zip(notes, ("classes", "values"), strict=True):
        assert left_out.format(kind) in note
    counts = {"written": str(out), "files": 4, "images": 3}
    assert found == {**counts, "problems": []}
    names = ["cells labels.tif", "cells (2) labels.tif", "cells (3) labels.tif"]
    kinds = [tifffile.imread(out / name).dtype for name in names]
    assert kinds == [np.uint16, np.uint8, np.float32]
    assert (out / "cells objects.csv").exists()
    only = run(*export, "--format", "geojson")
    assert only.code == 2
    assert "no numbers with fractions" in only.err
    assert "Exported 2 files of 2 images" in only.out
    (out / names[0]).write_text("corrected")
    again = run(*export)
    assert again.code == 2
    assert "left alone" in again.err
    assert (out / names[0]).read_text() == "corrected"
    assert listing(project.folder) == before
    run(*export, "--image", "a.tif").refused("leave --image")
    run(*export, "--task", "classes").refused("leave --task")
    run(*export, "--overwrite").refused("leave --overwrite")
    inside = ("export", project.folder, "--out", project.folder / "out")
    run(*inside).refused("lies in the project")
    run(*export, "--format", "word").refused("choose one of")


def test_what_an_export_lacks_is_told(run: Run, folder: Path, tmp_path: Path) -> None:
    image, out = folder.parent / "cells.tif", tmp_path / "out"
    export = ("export", folder, "--format", "fiji,csv", "--out", out)
    assert told(run(*export, "--json"))["notes"] == []
    image.unlink()
    (note,) = told(run(*export, "--json"))["notes"]
    assert note.startswith("'cells.tif': the file of the image was not found")
    assert f"Exported 2 files of 1 image. {note}" in run(*export).out


def test_an_export_of_nothing_prints_no_result(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cells labels.tif").write_text("precious")
    export = ("export", folder, "--format", "fiji", "--out", tmp_path / "out")
    run(*export).refused("left alone")
    run("export", tmp_path / "nothere.unet", "--out", tmp_path / "res").refused(
        "There is no project"
    )


def test_what_is_exported_can_be_trained_on(run: Run, folder: Path) -> None:
    out, model = folder.parent / "out", folder.parent / "model"
    assert run("project", "export", folder, "--out", out).code == 0
    shown = run(
        "train", "--images", images(folder), "--labels", out / "labels",
        "--verified", out / "verified", "--steps", 1, "--out", model,
        "--device", "cpu", *TINY, "--json",
    )  # fmt: skip
    assert shown.code == 0, shown
    assert json.loads(shown.out)["steps"] == 1
    assert (model / "model.json").is_file()


@pytest.mark.parametrize("command", ["info", "verify"])
def test_torch_is_not_needed(command: str, folder: Path) -> None:
    code = (
        "import sys\nfrom napari_unet.cli.app import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as done: assert not done.code\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "project", command, str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = set(done.stdout.split("\n")[-2].split())
    assert "napari_unet.project.rescue.survey" in loaded
    assert not loaded & {"torch", "napari", "qtpy"}


def test_names_steer_no_terminal(run: Run, folder: Path) -> None:
    (folder / "labels" / "red\x1b[31m.txt").touch()
    shown = run("project", "verify", folder)
    assert shown.code == 0
    assert "- labels/red\\x1b[31m.txt " in shown.out
