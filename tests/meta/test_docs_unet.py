"""`docs/unet.md` keeps its promises: links, names, numbers, commands, examples."""

from __future__ import annotations

import ast
import doctest
import re
import runpy
import shlex
from pathlib import Path

import pytest
import torch
import typer.main
from typer.core import TyperGroup

from napari_unet.cli.app import app
from napari_unet.learning.config import PRESETS
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.models.architectures.backbone import ENCODERS
from napari_unet.nets.original import OriginalUNet

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "unet.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", PAGE)
FILES = sorted({(t, to) for t, to in LINKS if not to.startswith(("#", "http"))})
ANCHORS = sorted({to[1:] for _, to in LINKS if to.startswith("#")})


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for found, text in fenced if found == language]


def defined(path: Path) -> set[str]:
    """Return the names that a module defines: functions, classes, what is assigned."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


@pytest.mark.parametrize(("label", "to"), FILES)
def test_what_is_linked_exists(label: str, to: str) -> None:
    path = DOCS / to
    assert path.is_file()
    if path.suffix == ".py":
        names = set(re.findall(r"`(\w+)`", label))
        assert names, "a link to code names what it is about"
        assert names - defined(path) == set()


@pytest.mark.parametrize("anchor", ANCHORS)
def test_headings_that_are_linked_exist(anchor: str) -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings]
    assert anchor in slugs


def test_years_in_the_text_are_those_of_the_references() -> None:
    text, _, references = PAGE.partition("\n## References\n")
    cited = set(re.findall(r"\[(\d{4})\]\(#references\)", text))
    assert cited - set(re.findall(r"\b\d{4}\b", references)) == set()


def test_the_figure_is_up_to_date() -> None:
    drawn = runpy.run_path(str(DOCS / "draw_unet.py"))["draw"]()
    assert (DOCS / "images" / "unet.svg").read_bytes() == drawn.encode()


def test_the_examples_run() -> None:
    examples = "\n".join(blocks("python"))
    test = doctest.DocTestParser().get_doctest(examples, {}, "unet.md", None, None)
    assert len(test.examples) > 30
    report: list[str] = []
    result = doctest.DocTestRunner().run(test, out=report.append)
    assert result.failed == 0, "".join(report)


def commands() -> list[list[str]]:
    lines = "".join(blocks("")).replace("\\\n", "").splitlines()
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_commands_are_understood(words: list[str]) -> None:
    program, name, *arguments = words
    group = typer.main.get_command(app)
    assert program == "napari-unet"
    assert isinstance(group, TyperGroup)
    given = group.commands[name].make_context(name, arguments).params
    assert given.get("architecture") in {None, *ARCHITECTURES}
    assert given.get("preset") in {None, *PRESETS}


def test_every_architecture_is_named() -> None:
    assert [name for name in ARCHITECTURES if f"`{name}`" not in PAGE] == []
    assert set(ENCODERS) <= set(ARCHITECTURES)


def test_the_table_counts_the_layers_of_the_network() -> None:
    with torch.device("meta"):
        net = OriginalUNet()
    contracting, expansive = net.contracting_path, net.expansive_path
    parts = [*contracting.blocks]
    for pair in zip(expansive.up_convolutions, expansive.blocks, strict=True):
        parts.extend(pair)
    parts.append(net.head)
    counts = [sum(p.numel() for p in part.parameters()) for part in parts]
    table = re.findall(r"^\|.*\| \**(\d+)\** \| \**([\d,]+)\** \|$", PAGE, re.MULTILINE)
    *rows, total = [(int(n), int(p.replace(",", ""))) for n, p in table]
    assert [parameters for _, parameters in rows] == counts
    assert total == (sum(n for n, _ in rows), sum(counts))
