"""What an ablation came to, as a table."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

BASE = "as it is"

Runs: TypeAlias = dict[tuple[int, int], npt.NDArray[np.float64]]
"""The figures of runs, by fold and seed."""

COLUMNS = {
    ("known", "pooled", "0.50"): "familiar 0.50",
    ("known", "pooled", "0.75"): "0.75",
    ("known", "pooled", "mSA"): "mSA",
    ("strangers", "pooled", "0.50"): "strangers 0.50",
    ("strangers", "pooled", "0.75"): "0.75",
    ("strangers", "pooled", "0.90"): "0.90",
    ("strangers", "pooled", "mSA"): "mSA",
    ("strangers", "worst", "0.50"): "worst group 0.50",
    ("strangers", "worst", "mSA"): "mSA",
}
"""Which figure is in a column, and its heading; those that some run lacks are not."""


def table(runs: list[dict[str, Any]]) -> str:
    """Return a table in Markdown.

    The first row has mean scores; the others have the mean difference from it and its
    standard error, over runs with equal fold and seed.
    """
    columns = [
        (part, kind, key)
        for part, kind, key in COLUMNS
        if all(key in run[part][kind] for run in runs)
    ]
    head = ("variant", "runs", *(COLUMNS[key] for key in columns))
    by_variant: dict[str, Runs] = defaultdict(dict)
    for run in runs:
        scores = np.array([run[part][kind][key] for part, kind, key in columns])
        by_variant[run["variant"]][run["fold"], run["seed"]] = scores
    base = by_variant.pop(BASE, {})
    rows = [head, tuple("---" for _ in head), _first_row(base)]
    rows += [_row(name, found, base) for name, found in by_variant.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _first_row(base: Runs) -> tuple[str, ...]:
    means = [f"{mean:.3f}" for mean in np.mean(list(base.values()), axis=0)]
    return (BASE, str(len(base)), *means)


def _row(name: str, found: Runs, base: Runs) -> tuple[str, ...]:
    pairs = [(run, base[key]) for key, run in found.items() if key in base]
    if not pairs:
        return (name, "0", *("" for _ in next(iter(found.values()))))
    gains = np.array([run - usual for run, usual in pairs])
    means = gains.mean(axis=0)
    # A single difference says nothing of its spread.
    spread = gains.std(axis=0, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else None
    cells = (
        f"{mean:+.3f}" if spread is None else f"{mean:+.3f} ± {spread[i]:.3f}"
        for i, mean in enumerate(means)
    )
    return (name, str(len(pairs)), *cells)
