"""Damage to one file of a project loses nothing that was saved."""

from __future__ import annotations

from pathlib import Path

from tests.torture.damage import run_damage


def test_damage_to_one_file_loses_nothing(tmp_path: Path) -> None:
    done = run_damage(tmp_path, rounds=2, seed=0)
    assert not done.lost
    kinds = {"journal", "labels", "provenance", "models", "project.json"}
    assert kinds <= set(done.files)
