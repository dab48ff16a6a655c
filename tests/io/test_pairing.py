"""Images and label maps find each other by name, or the person is told."""

from pathlib import Path

import pytest

from napari_unet.errors import InputError
from napari_unet.io.pairing import list_images, name_some, pair_by_stem


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
