"""Which work is the work on an image: by pixels, place and name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.resolve import Candidate, Place, resolve_entry, same_name
from napari_unet.project.store import ProjectStore

BLANK = np.zeros((6, 8), np.uint16)
HERE, ELSEWHERE, GONE, NO_FILE = Place


def identity(name: str, path: Path | None = None) -> ImageIdentity:
    return replace(ImageIdentity.of(name, BLANK, "YX"), path=path)


def work(key: str, place: Place, path: str = "") -> Candidate:
    where = Path("/plates", path or f"{key}.tif")
    name = key if place is NO_FILE else where.name
    return Candidate(key, name, place, None if place is NO_FILE else where)


@pytest.mark.parametrize(
    ("path", "known", "expected"),
    [
        ("a.tif", [], None),
        ("a.tif", [work("x", HERE)], "x"),
        ("a.tif", [work("x", ELSEWHERE)], None),
        ("a.tif", [work("x", GONE)], "x"),
        ("a.tif", [work("a", NO_FILE)], "a"),
        ("a.tif", [work("x", NO_FILE)], None),
        ("a.tif", [work("x", GONE), work("a", HERE)], "a"),
        ("a.tif", [work("a", GONE), work("x", GONE)], "a"),
        ("a.tif", [work("y", ELSEWHERE), work("x", GONE)], "x"),
        ("2/a.tif", [work("x", GONE, "2/a.tif"), work("y", GONE, "1/a.tif")], "x"),
        ("2/a.tif", [work("y", GONE, "1/a.tif"), work("x", GONE, "2/a.tif")], "x"),
        ("A.TIF", [work("x", GONE, "b.tif"), work("y", GONE, "a.tif")], "y"),
        ("", [work("image", NO_FILE), work("x", NO_FILE)], "image"),
        ("", [work("x", NO_FILE)], None),
        ("", [work("image", GONE)], "image"),
        ("", [work("image", ELSEWHERE)], "image"),
        ("", [work("x", GONE)], None),
    ],
)
def test_the_work_on_an_image(path, known, expected):
    name = Path(path).name or "image"
    found = resolve_entry(identity(name, Path("/now", path) if path else None), known)
    assert (found.key if found else None) == expected


CANDIDATES = st.lists(
    st.builds(
        work,
        st.sampled_from("abcd"),
        st.sampled_from(Place),
        st.sampled_from(["a.tif", "b.tif", "1/a.tif", "2/a.tif"]),
    ),
    max_size=6,
)


@given(CANDIDATES, st.sampled_from(["a.tif", "b.tif", "2/a.tif", ""]), st.randoms())
def test_work_on_a_copy_that_is_there_is_never_taken_and_lost_work_always_found(
    known, path, random
):
    image = identity(Path(path).name or "a", Path("/now", path) if path else None)
    found = resolve_entry(image, known)
    places = {each.place for each in known}
    if found is not None and path:
        assert found.place is not ELSEWHERE
        assert (found.place is HERE) == (HERE in places)
    if found is None and path:
        assert not places & {HERE, GONE}
    if found is not None and not path:
        assert same_name(found.name, image.name)
    shuffled = random.sample(known, len(known))
    again = resolve_entry(image, shuffled)
    assert (again is None) == (found is None)
    assert again is None or again.place is found.place


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a.tif", "a.tif", True),
        ("a", "a.tif", True),
        ("cells.ome.tif", "cells.ome", True),
        ("A.tif", "a.tif", True),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}.tif", "cafe\u0301.tif", True),
        ("a.tif", "a.png", False),
        ("a.tif", "b.tif", False),
    ],
)
def test_names(one, other, same):
    assert same_name(one, other) is same
    assert same_name(other, one) is same


class Plate:
    """A project of image files that all have the same pixels."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self.root = root
        self.folder = root / "plate.unet"
        self.files = dict.fromkeys(names)
        for number, name in enumerate(names, 1):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, BLANK)
            self.files[name] = number
            labels = np.full(BLANK.shape, number, np.int32)
            nothing = np.zeros(BLANK.shape, np.uint8)
            snapshot = AnnotationSnapshot(labels, nothing, number + 1, revision=0)
            ProjectStore(self.folder).save(self.image(name), snapshot)

    def image(self, name: str) -> ImageIdentity:
        path = self.root / name
        return identity(path.name, path)

    def move(self, name: str, target: str) -> None:
        path = self.root / target
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).rename(path)
        self.files[target] = self.files.pop(name)

    def value(self, name: str) -> int | None:
        stored = ProjectStore(self.folder).load_work(self.image(name))
        return None if stored is None else int(stored.labels[0, 0])


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    moved=st.sets(st.sampled_from(["w1/a.tif", "w2/a.tif", "b.tif", "c.tif"])),
    renamed=st.booleans(),
)
def test_every_copy_has_its_own_work_after_moves(tmp_path_factory, moved, renamed):
    names = ["w1/a.tif", "w2/a.tif", "b.tif", "c.tif"]
    plate = Plate(tmp_path_factory.mktemp("plate"), names)
    for name in moved:
        plate.move(name, f"new/{name}")
        # Another image in its place.
        tifffile.imwrite(plate.root / name, np.zeros((9, 9), np.uint16))
    if renamed and not moved:
        plate.move("b.tif", "w1/other.tif")
    assert {name: plate.value(name) for name in plate.files} == plate.files


def test_a_moved_folder_of_copies_is_told_apart_by_names(tmp_path):
    plate = Plate(tmp_path, ["day/a.tif", "day/b.tif", "day/c.tif"])
    (tmp_path / "day").rename(tmp_path / "night")
    for name, value in dict(plate.files).items():
        assert plate.value(name.replace("day", "night")) == value


def test_a_new_copy_has_no_work_and_says_whose_there_is(tmp_path):
    plate = Plate(tmp_path, ["a.tif"])
    tifffile.imwrite(tmp_path / "copy.tif", BLANK)
    store = ProjectStore(plate.folder)
    found = store.look_up(plate.image("copy.tif"))
    assert found.twins == ("a.tif",)
    assert not found.known
    assert found.key not in {entry.key for entry in store.read()[0].images}


def test_a_file_that_took_the_old_name_is_read_when_it_could_be_another(tmp_path):
    plate = Plate(tmp_path, ["a.tif"])
    plate.move("a.tif", "first.tif")
    tifffile.imwrite(tmp_path / "a.tif", BLANK + 1)
    store = ProjectStore(plate.folder)
    asked = []

    def is_the_same(path, image):
        asked.append(path)
        return False

    found = store.look_up(plate.image("first.tif"), same_content=is_the_same)
    assert asked == [tmp_path.resolve() / "a.tif"]
    assert found.known


def test_links_lead_to_the_same_work(tmp_path):
    plate = Plate(tmp_path, ["a.tif", "b.tif"])
    (tmp_path / "link.tif").symlink_to(tmp_path / "b.tif")
    assert plate.value("link.tif") == 2


def test_what_somebody_works_on_is_not_given_to_another_image(tmp_path):
    plate = Plate(tmp_path, ["a.tif"])
    store, image = ProjectStore(plate.folder), plate.image("a.tif")
    mine = store.look_up(image)
    other = store.look_up(image, taken={mine.key})
    assert not other.known
    assert other.key != mine.key
