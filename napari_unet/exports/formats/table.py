"""What is measured of objects as a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unet import measurements
from napari_unet.core.atomic import write_atomically
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.result import Result, iter_measured


def _write_csv(result: Result, path: Path) -> Steps:
    table = (yield from iter_measured(result)).table
    assert table is not None
    measurements.write_csv(path, table.columns, np.arange(len(table)))


def _write_parquet(result: Result, path: Path) -> Steps:
    # An extra: it is larger than all that this program is made of.
    import pyarrow
    from pyarrow import parquet

    table = (yield from iter_measured(result)).table
    assert table is not None
    columns = {each.header: each.values for each in table.columns}
    # What is not known is nothing, not a number that is none.
    made = pyarrow.table(
        {name: pyarrow.array(v, from_pandas=True) for name, v in columns.items()}
    )
    write_atomically(path, lambda file: parquet.write_table(made, file))


CSV = Format(
    "csv",
    "Table of objects (CSV)",
    "A row for each object: sizes, shapes, grey values; for Excel, R and Python.",
    " objects.csv",
    _write_csv,
    of_objects=True,
    measured=True,
    common=True,
)

PARQUET = Format(
    "parquet",
    "Table of objects (Parquet)",
    "The same table with types of numbers; for pandas, Polars, R and DuckDB.",
    " objects.parquet",
    _write_parquet,
    of_objects=True,
    measured=True,
    package="pyarrow",
)
