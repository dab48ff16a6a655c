"""What an ablation came to, as a table."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

BASE = "as it is"
COLUMNS = (
    ("known", "pooled", "0.50"),
    ("known", "pooled", "0.75"),
    ("strangers", "pooled", "0.50"),
    ("strangers", "pooled", "0.75"),
    ("strangers", "pooled", "0.90"),
    ("strangers", "worst", "0.50"),
)
_HEAD = (
    "variant",
    "runs",
    "familiar 0.50",
    "0.75",
    "strangers 0.50",
    "0.75",
    "0.90",
    "worst group 0.50",
)


def table(runs: list[dict[str, Any]]) -> str:
    """Return a table in Markdown.

    The first row has mean scores; the others have the mean difference from it and its
    standard error, over runs with equal fold and seed.
    """
    by_variant: dict[str, dict[tuple[int, int], dict[str, Any]]] = defaultdict(dict)
    for run in runs:
        by_variant[run["variant"]][run["fold"], run["seed"]] = run
    base = by_variant.pop(BASE, {})
    rows = [_HEAD, tuple("---" for _ in _HEAD), _first_row(base)]
    rows += [_row(name, found, base) for name, found in by_variant.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _scores(run: dict[str, Any]) -> np.ndarray:
    return np.array([run[part][kind][iou] for part, kind, iou in COLUMNS])


def _first_row(base: dict[tuple[int, int], dict[str, Any]]) -> tuple[str, ...]:
    scores = np.array([_scores(run) for run in base.values()])
    means = [f"{mean:.3f}" for mean in scores.mean(axis=0)]
    return (BASE, str(len(base)), *means)


def _row(
    name: str,
    found: dict[tuple[int, int], dict[str, Any]],
    base: dict[tuple[int, int], dict[str, Any]],
) -> tuple[str, ...]:
    pairs = [(run, base[key]) for key, run in found.items() if key in base]
    if not pairs:
        return (name, "0", *("" for _ in COLUMNS))
    gains = np.array([_scores(run) - _scores(usual) for run, usual in pairs])
    means = gains.mean(axis=0)
    # A single difference says nothing of its spread.
    spread = gains.std(axis=0, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else None
    cells = (
        f"{mean:+.3f}" if spread is None else f"{mean:+.3f} ± {spread[i]:.3f}"
        for i, mean in enumerate(means)
    )
    return (name, str(len(pairs)), *cells)
