"""Every data set is read as what it is, and nothing that judges trains."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from skimage import io

from tests.tiny import make_disks
from training.known import (
    single_pieces,
    unlike_objects,
    well_walled,
    without_specks,
)
from training.pictures import read_pictures
from training.splits import CHOICES, FOLDS, Choice, Split, make_split, read_split


@pytest.fixture
def folder(tmp_path):
    """Two files of two channels each, with one label image."""
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for stem in ("a", "b"):
        sample = make_disks(size=64, pitch=32, radius=8)
        grey = sample.image.astype(np.uint16)
        tifffile.imwrite(
            tmp_path / "images" / f"{stem}.tif", np.stack([grey, 9 - grey])
        )
        tifffile.imwrite(
            tmp_path / "labels" / f"{stem}.tif", sample.labels.astype(np.uint16)
        )
    return tmp_path


def test_channels_are_pictures_of_their_own(folder):
    assert [p.stem for p in read_pictures(folder)] == ["a@0", "a@1", "b@0", "b@1"]
    (second,) = read_pictures(folder, ["b@1", "elsewhere"])
    assert second.stem == "b@1"
    assert second.image.shape == (1, 64, 64)
    assert second.raw.shape == second.values.shape == (64, 64)


def test_transparency_is_no_colour(tmp_path):
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    colours = np.random.default_rng(0).integers(0, 255, (32, 32, 4), np.uint8)
    io.imsave(tmp_path / "images" / "a.png", colours, check_contrast=False)
    tifffile.imwrite(tmp_path / "labels" / "a.tif", np.eye(32, dtype=np.uint16))
    (picture,) = read_pictures(tmp_path)
    assert picture.image.shape == (3, 32, 32)
    (grey,) = read_pictures(tmp_path, grey=True)
    np.testing.assert_allclose(grey.raw, colours[..., :3].mean(axis=-1), atol=1e-3)


def test_objects_made_of_specks_are_none():
    labels = np.zeros((20, 20), np.int32)
    labels[2:8, 2:8] = 1
    labels[9, 9] = 1
    labels[10:20:3, ::3] = 2
    kept = without_specks(labels)
    assert set(np.unique(kept)) == {0, 1}
    assert (kept[labels == 1] == 1).all()


def test_what_looks_like_objects_and_has_no_label_is_unknown():
    sample = make_disks(size=96, pitch=32, radius=10)
    labels = np.where(sample.labels == 5, 0, sample.labels)
    known = unlike_objects(sample.image[None].astype(np.float32), labels)
    assert known[labels > 0].all()
    assert known[sample.labels == 5].mean() < 0.2
    assert known[sample.labels == 0].mean() > 0.9
    assert unlike_objects(sample.image[None], np.zeros_like(labels)).all()


def test_cells_without_dark_insides_are_unknown():
    labels = np.kron([[1, 2], [3, 4]], np.ones((16, 16), np.int32)).astype(np.int32)
    image = np.zeros((1, 32, 32), np.float32)
    image[:, 14:18], image[:, :, 14:18] = 1, 1
    image[:, :16, :16] = 1
    known = well_walled(image, labels)
    assert not known[labels == 1].any()
    assert known[labels > 1].all()


def test_objects_with_dents_may_be_several():
    rows, columns = np.indices((40, 60))
    pair = [(rows - 20) ** 2 + (columns - x) ** 2 < 105 for x in (12, 32)]
    labels = np.where(pair[0] | pair[1], 1, 0).astype(np.int32)
    labels[5:35, 45:55] = 2
    known = single_pieces(np.zeros((1, 40, 60), np.float32), labels)
    assert not known[labels == 1].any()
    assert known[labels != 1].all()


def test_a_film_is_never_parted(folder):
    split = make_split(folder, Choice(groups=3, least=1, together="^[ab]"))
    assert sorted(split.films) == [("a@0", "a@1"), ("b@0", "b@1")]
    assert split.test in split.films
    judged = make_split(folder, Choice(groups=1, judges="^b"))
    assert judged.test == ("b@0", "b@1")
    assert make_split(folder, Choice(groups=1, least=0)).test == ()


def test_familiar_pictures_come_with_their_film():
    stems = [f"{film}{frame}" for film in "abcdefgh" for frame in range(5)]
    films = tuple(tuple(stems[i : i + 5]) for i in range(0, 40, 5))
    split = Split(test=(), groups=(tuple(stems),), films=films)
    train, familiar, strangers = split.parts(1)
    assert (len(train), len(familiar), len(strangers)) == (35, 5, 0)
    assert len({stem[0] for stem in familiar}) == 1


@pytest.mark.parametrize("name", CHOICES)
def test_no_part_of_a_split_has_half_a_film(name):
    split = read_split([name])
    assert bool(split.test) == (CHOICES[name].least > 0)
    for fold in (None, *range(FOLDS)):
        parts = [set(part) for part in split.parts(fold)]
        for film in split.films:
            assert sum(bool(part & {*film}) for part in parts) <= 1
            assert len({split.group_of(stem) for stem in film}) == 1


@pytest.mark.parametrize("name", CHOICES)
def test_real_pictures_are_those_of_the_split(name, shared_data):
    split = read_split([name])
    stems = [stem for group in split.groups for stem in group][:2]
    pictures = read_pictures(shared_data / name, stems, grey=True, objects=True)
    assert [p.stem for p in pictures] == sorted(stems)
    for picture in pictures:
        assert picture.image.shape == (1, *picture.values.shape)
        if picture.verified is not None:
            assert picture.verified.shape == picture.values.shape
            assert picture.verified.mean() > 0.3


def test_no_real_picture_of_one_plate_is_in_both_sets(shared_data):
    def read(name):
        paths = sorted((shared_data / name / "images").iterdir())
        grey = [np.log1p(io.imread(path).astype(np.float32)) for path in paths]
        flat = np.array([g[::2, ::2].ravel() for g in grey if g.shape == (520, 696)])
        flat -= flat.mean(axis=1, keepdims=True)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    alike = read("nuclei_fluorescence") @ read("nuclei_u2os").T
    assert alike.shape == (90, 53)
    assert alike.max() < 0.6
