"""Outside of tasks nobody asks which task something is: a task answers for itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import napari_unet

PACKAGE = Path(napari_unet.__file__).parent
NAMES = {"instances", "classes", "regression"}


def test_no_task_is_told_by_its_name() -> None:
    found = []
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE)
        if place.parts[0] != "tasks":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [f"{place}:{line}" for line in _told_apart(tree)]
    assert not found, f"ask the task instead: {', '.join(found)}"


def _told_apart(tree: ast.AST) -> Iterator[int]:
    """Yield lines in which a task is compared, matched or looked up by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            compared = [node.left, *node.comparators]
            if any(_names(each) for each in compared):
                yield node.lineno
        elif isinstance(node, ast.MatchValue) and _names(node.value):
            yield node.value.lineno
        elif isinstance(node, ast.Dict):
            if any(key and _names(key) for key in node.keys) and not _fields(node):
                yield node.lineno
        elif isinstance(node, ast.Call) and _asks_for_values(node):
            yield node.lineno


def _names(node: ast.expr) -> bool:
    """Whether an expression is the name of a task, or a collection with one in it."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(_names(each) for each in node.elts)
    return isinstance(node, ast.Constant) and node.value in NAMES


def _fields(node: ast.Dict) -> bool:
    """Whether the keys of a dictionary are fields of a model's description."""
    keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
    return "variables" in keys


def _asks_for_values(node: ast.Call) -> bool:
    """Whether a task is guessed from the class of an annotation."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "isinstance"):
        return False
    classes = ast.walk(node.args[1])
    return any(isinstance(n, ast.Name) and n.id == "ValueAnnotation" for n in classes)
