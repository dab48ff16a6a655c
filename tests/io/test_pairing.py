"""Images and label maps find each other by name, or the person is told."""

import unicodedata
from pathlib import Path

import pytest

from napari_unet.errors import InputError
from napari_unet.io.pairing import by_stem, list_images, name_some, pair_by_stem

COMPOSED, TAKEN_APART = (unicodedata.normalize(f, "Zähne") for f in ("NFC", "NFD"))


def _folder(root: Path, *names: str) -> Path:
    root.mkdir()
    for name in names:
        (root / name).write_bytes(b"x")
    return root


def test_only_images_sorted_and_no_hidden_files(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "a", "b.TIF", "a.png", "._a.tif", "notes.txt")
    (folder / "sub.tif").mkdir()
    assert [path.name for path in list_images(folder)] == ["a.png", "b.TIF"]


def test_pairs_have_one_stem(tmp_path: Path) -> None:
    images = _folder(tmp_path / "images", "b.png", "a.tif")
    labels = _folder(tmp_path / "labels", "a.tif", "b.tif")
    assert pair_by_stem(images, labels) == [
        (images / "a.tif", labels / "a.tif"),
        (images / "b.png", labels / "b.tif"),
    ]


@pytest.mark.parametrize(
    ("images", "labels", "phrase"),
    [
        (["a.png", "b.png"], ["a.tif"], "No label map in .* for 'b'"),
        (["a.png"], ["a.tif", "c.tif"], "No image in .* for the label map 'c'"),
        (["a.png", "a.tif"], ["a.tif"], "same name up to the suffix"),
        (["a.png"], [], "holds no image"),
    ],
)
def test_without_partner(
    tmp_path: Path, images: list[str], labels: list[str], phrase: str
) -> None:
    with pytest.raises(InputError, match=phrase):
        pair_by_stem(
            _folder(tmp_path / "images", *images),
            _folder(tmp_path / "labels", *labels),
        )


def test_folder_missing_or_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        list_images(tmp_path / "nowhere")
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(InputError, match="Expected a folder"):
        list_images(tmp_path / "a.png")


def test_at_most_three_names() -> None:
    assert name_some(["a", "b"]) == "'a', 'b'"
    assert name_some(list("abcdef")) == "'a', 'b', 'c' and 3 more"


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("a.ome.tif", "a.tif"),
        ("a.tif", "a.ome.tiff"),
        ("a.OME.TIF", "a.ome.png"),
        ("a.ome.tif", "a.ome.tif"),
        ("a.b.tif", "a.b.png"),
        (f"{COMPOSED}.tif", f"{TAKEN_APART}.tif"),
        (f"{TAKEN_APART}.ome.tif", f"{COMPOSED}.png"),
        ("\u212b.tif", "\u00c5.tif"),  # the sign of an angstrom, and the letter
    ],
)
def test_names_that_are_one_name(tmp_path: Path, image: str, label: str) -> None:
    images = _folder(tmp_path / "images", image)
    labels = _folder(tmp_path / "labels", label)
    assert pair_by_stem(images, labels) == [(images / image, labels / label)]


@pytest.mark.parametrize(
    ("image", "label", "phrase"),
    [
        ("Cell 1.tif", "cell 1.tif", "capital letters"),
        (
            "cell a.tif",
            "cell \u0430.tif",
            r"U\+0061.*U\+0430 .cyrillic small",
        ),
        ("a-1.tif", "a\u20131.tif", "en dash"),
        ("a 1.tif", "a\u00a01.tif", "no-break space"),
        ("a.tif", "a_labels.tif", "There is 'a_labels'. Rename"),
        ("well_A01.tif", "well_A1.tif", "There is 'well_A1'"),
        ("a1.tif", "a\u200b1.tif", r"'a\\u200b1'"),
    ],
)
def test_a_name_that_only_looks_the_same_is_shown(
    tmp_path: Path, image: str, label: str, phrase: str
) -> None:
    images = _folder(tmp_path / "images", image)
    labels = _folder(tmp_path / "labels", label)
    with pytest.raises(InputError, match=phrase):
        pair_by_stem(images, labels)


def test_a_name_like_no_other_is_given_no_advice(tmp_path: Path) -> None:
    images = _folder(tmp_path / "images", "a.tif", "b.tif")
    labels = _folder(tmp_path / "labels", "b.tif", "xyz.tif")
    with pytest.raises(InputError, match=r"away\.$"):
        pair_by_stem(images, labels)


@pytest.mark.parametrize(
    ("names", "phrase"),
    [
        (("a.ome.tif", "a.tif"), "cannot be told apart; rename one.$"),
        ((f"{COMPOSED}.tif", f"{TAKEN_APART}.tif"), "two ways that look the same"),
    ],
)
def test_two_files_of_one_name_are_refused(names: tuple[str, str], phrase: str) -> None:
    with pytest.raises(InputError, match=phrase):
        by_stem(map(Path, names))
