"""House rules on size: what no linter of ours checks."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

import pytest

PACKAGE = Path(__file__).parents[2] / "napari_unet"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
LONGEST_CLASS = 250
MEDIAN_FUNCTION = 8
BANNED = {"utils", "helpers", "misc", "common"}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function that are neither signature nor docstring."""
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    return 0 if not body else (function.end_lineno or 0) - body[0].lineno + 1


def functions(path: Path) -> dict[str, int]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}": body_lines(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def classes(path: Path) -> dict[str, int]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}": (
            (node.end_lineno or 0) - node.lineno + 1
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_file_and_functions_fit_the_screen(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{lines} lines; split it"
    long = {k: n for k, n in functions(path).items() if n > LONGEST_FUNCTION}
    assert not long, "functions that are too long to take in"


def test_no_class_is_all_there_is_to_a_room() -> None:
    lengths = {name: n for path in FILES for name, n in classes(path).items()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_CLASS} == {}


def test_functions_are_short_as_a_rule() -> None:
    lengths = [n for path in FILES for n in functions(path).values() if n]
    assert median(lengths) <= MEDIAN_FUNCTION


def test_no_file_is_named_after_nothing() -> None:
    assert [path for path in FILES if path.stem in BANNED] == []
