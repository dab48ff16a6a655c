"""The table of how scores order models."""

from __future__ import annotations

from training.ranks import SCORES, table


def test_scores_are_ranked_within_each_training():
    lines = []
    for seed, shift in enumerate((0.0, 0.5)):
        for step in range(1, 6):
            scores = dict.fromkeys(SCORES, step / 10) | {"maps": -step / 10}
            about = {"kind": "a", "seed": seed, "objects": 10, "step": step}
            lines.append(about | scores | {"mean AP": shift + step / 20})
    rows = table(lines)
    assert "| maps | -1.00 | 0.300 |" in rows
    assert "| likeness | 1.00 | 0.500 |" in rows
    assert "| the images themselves | 1 | 0.500 |" in rows
    assert rows[-1] == "2 trainings"
