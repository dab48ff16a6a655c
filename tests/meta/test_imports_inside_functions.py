"""Imports stand at the top: rooms have doors that load nothing until they are used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import napari_unet

PACKAGE = Path(napari_unet.__file__).parent
MOST = 42


def inside_functions() -> Iterator[tuple[Path, int, str]]:
    """Yield where imports are, and what their line says."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        found = {
            node.lineno
            for function in ast.walk(ast.parse(text))
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        for number in sorted(found):
            yield path.relative_to(PACKAGE), number, lines[number - 1]


def test_few_imports_are_inside_functions() -> None:
    found = [f"{path}:{number}: {line}" for path, number, line in inside_functions()]
    assert len(found) < MOST, "\n".join(found)
