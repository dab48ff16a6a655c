"""Public objects are documented in numpy's style, parameter by parameter."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import napari_unet

PUBLIC = [name for name in napari_unet.__all__ if not name.endswith("Error")]


def section(docstring: str, title: str) -> str:
    """Return the text of one section, empty where there is none."""
    pattern = rf"^{title}\n-+\n(.*?)(?=^[A-Z][\w ]+\n-+$|\Z)"
    found = re.search(pattern, docstring, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def documented(text: str) -> set[str]:
    """Return the names that a section explains: unindented, `a, b : type`."""
    names: set[str] = set()
    for line in text.splitlines():
        if line and not line[0].isspace():
            names.update(re.findall(r"\w+", line.partition(" :")[0]))
    return names


def parameters(thing: Any) -> set[str]:
    return {
        name
        for name in inspect.signature(thing).parameters
        if name != "self" and not name.startswith("_")
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_is_explained(name: str) -> None:
    thing = getattr(napari_unet, name)
    docstring = inspect.getdoc(thing) or ""
    assert docstring, "no docstring"
    explained = documented(
        section(docstring, "Parameters") + section(docstring, "Attributes")
    )
    assert parameters(thing) - explained == set()


@pytest.mark.parametrize("name", PUBLIC)
def test_functions_say_what_they_return(name: str) -> None:
    thing = getattr(napari_unet, name)
    if inspect.isclass(thing):
        return
    returned = section(inspect.getdoc(thing) or "", "Returns")
    assert returned or inspect.signature(thing).return_annotation == "None"
