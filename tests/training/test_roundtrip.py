"""Label maps, drawn or read, and what becomes of them in the table."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from skimage import io

from training import roundtrip
from training.label_maps import IN_PIECES, KINDS, label_map
from training.roundtrip import read_sets, torn_objects, try_way


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_always_draws_the_same(kind: str, dims: int) -> None:
    labels = label_map(kind, 3, dims, 32)
    np.testing.assert_array_equal(labels, label_map(kind, 3, dims, 32))
    assert labels.ndim == dims
    assert kind == IN_PIECES or not torn_objects(labels).any()


def test_objects_in_pieces_are_told_from_those_that_hang_together() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[:4], labels[6:9], labels[11:15] = 1, 2, 1
    row = try_way("both", "reach", [labels])
    assert (row.objects, row.in_pieces) == (2, 1)
    assert row.whole == 1
    assert row.scores.pooled.ap["0.90"] == pytest.approx(1 / 4)


def test_classes_are_read_as_objects(tmp_path) -> None:
    classes = np.zeros((30, 30), np.uint8)
    classes[5:15, 5:15], classes[8:12, 8:12] = 1, 2
    for name in ("axons_sem", "others"):
        (tmp_path / name / "labels").mkdir(parents=True)
        io.imsave(tmp_path / name / "labels" / "a.tif", classes, check_contrast=False)
    counts = {name: len(np.unique(maps[0])) - 1 for name, maps in read_sets(tmp_path)}
    assert counts == {
        "axons_sem: myelin": 1,
        "axons_sem: axon": 1,
        "axons_sem: both": 2,
        "others": 2,
    }


@pytest.mark.parametrize("way", ["reach", "distances", "flows"])
def test_every_way_finds_what_is_round(way: str) -> None:
    labels = np.zeros((40, 40), np.int32)
    grid = np.mgrid[:40, :40]
    for number, middle in enumerate((10, 29), 1):
        labels[np.hypot(*(grid - middle)) < 8] = number
    assert try_way("disks", way, [labels]).scores.pooled.ap["0.50"] == 1


def test_a_check_fails_where_objects_are_lost(monkeypatch, capsys) -> None:
    monkeypatch.setattr(roundtrip, "KINDS", {"spirals": KINDS["spirals"]})
    monkeypatch.setattr(sys, "argv", ["roundtrip", "--check", "--generated", "1"])
    monkeypatch.setattr(roundtrip, "PLANE_SIZE", 64)
    with pytest.raises(SystemExit, match="0"):
        roundtrip.main()
    monkeypatch.setitem(roundtrip.WAYS, "reach", lambda labels, _: labels * 0)
    with pytest.raises(SystemExit, match="1"):
        roundtrip.main()
    assert "below 0.99: spirals 2-D" in capsys.readouterr().out
