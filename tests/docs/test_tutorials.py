"""Every tutorial runs as it stands, prints what it says and makes its pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.tutorial import (
    PICTURES,
    alike,
    pages,
    pictures_of,
    run,
    same_picture,
    steps_of,
)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_a_tutorial_runs(page: Path, tmp_path: Path) -> None:
    steps = steps_of(page)
    for step, printed in zip(steps, run(steps, tmp_path), strict=True):
        assert alike(step.shown, printed), f"{step.code}\n{printed}"
    names = pictures_of(page)
    assert names, "a tutorial shows what comes of it"
    for name in names:
        assert same_picture(PICTURES / name, tmp_path / name), name


def test_no_picture_is_left_over() -> None:
    shown = {name for page in pages() for name in pictures_of(page)}
    assert {path.name for path in PICTURES.iterdir()} == shown


@pytest.mark.parametrize(
    ("printed", "right"),
    [
        ("labels/a.tif: 58 objects, about 35 px across\n", True),
        ("labels/a.tif:  61 objects, about 34 px across\n", True),
        ("labels/a.tif: 158 objects, about 35 px across\n", False),
        ("labels/b.tif: 58 objects, about 35 px across\n", False),
        ("labels/a.tif: 58 objects\n", False),
        ("", False),
    ],
)
def test_what_is_shown_is_compared_with_what_is_printed(
    printed: str, right: bool
) -> None:
    assert alike("labels/a.tif: 58 objects, about 35 px across\n", printed) == right


def test_seconds_may_be_others() -> None:
    assert alike("m: 20 steps, 8 s", "m: 20 steps, 95 s")
    assert not alike("m: 20 steps, 8 s", "m: 90 steps, 8 s")
