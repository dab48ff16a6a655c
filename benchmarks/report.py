"""What a benchmark found: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

Row: TypeAlias = dict[str, str | float | int]


@dataclass(frozen=True, slots=True)
class Report:
    """One table.

    Parameters
    ----------
    title : str
        What was measured, and on what.
    rows : list of dict
        Column name to value; all rows have the same columns.
    notes : tuple of str
        What a reader must know to understand the figures.
    """

    title: str
    rows: list[Row]
    notes: tuple[str, ...] = ()


def show(report: Report, console: Console) -> None:
    """Print a report as a table, its notes below."""
    table = Table(title=report.title, title_justify="left")
    for name, value in (report.rows[0] if report.rows else {}).items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in report.rows:
        table.add_row(*map(_as_text, row.values()))
    console.print(table)
    for note in report.notes:
        console.print(f"  {note}", highlight=False)
    console.print()


def as_json(reports: Sequence[Report]) -> str:
    """Return reports as a JSON list."""
    return json.dumps([asdict(report) for report in reports], indent=2)


def _as_text(value: str | float) -> str:
    if isinstance(value, str | int):
        return str(value)
    if value and abs(value) < 0.01:
        return f"{value:.1e}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.2f}"
