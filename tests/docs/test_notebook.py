"""The notebook runs from its top to its end, and is kept without its outputs."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorials" / "notebook.ipynb"


@pytest.fixture
def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_has_no_outputs(notebook: Any) -> None:
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert not any(cell.outputs or cell.execution_count for cell in cells)


def test_it_runs(
    notebook: Any,
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(repository))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, resources=resources, timeout=240).execute()
    printed = {cell.source: _text(cell) for cell in notebook.cells}
    (scores,) = (text for source, text in printed.items() if "iou" in source)
    precision = ast.literal_eval(scores)
    before, after = precision["0.85"]
    assert after > before + 0.2
    before, after = precision["0.50"]
    assert after > before - 0.1
    assert (tmp_path / "my-cells" / "model.json").is_file()
    assert (tmp_path / "found.png").is_file()


def _text(cell: Any) -> str:
    outputs = cell.get("outputs", [])
    return "".join(output.get("data", {}).get("text/plain", "") for output in outputs)
