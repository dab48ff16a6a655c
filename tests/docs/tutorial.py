"""Run the tutorials as they stand on their pages, and write what comes of it into them.

    python -m tests.docs.tutorial [NAME ...]

A page is run from its top to its end, in an empty folder: `bash` blocks by bash,
`python` blocks in one namespace. What a block prints stands below it in a `text` block,
and a picture in `docs/images/tutorials/` is a file of that name which the page makes.
The command writes both anew; `test_tutorials.py` runs the same and compares.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markdown_it import MarkdownIt
from PIL import Image

REPOSITORY = Path(__file__).parents[2]
PAGES = REPOSITORY / "docs" / "tutorials"
PICTURES = REPOSITORY / "docs" / "images" / "tutorials"

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SECONDS = re.compile(r"\d+ s\b")
# Space that only lays out a table, and the lines of it.
_LAYOUT = re.compile(r"[\s━─]+")


@dataclass(frozen=True, slots=True)
class Step:
    """A block that is run, and what the page says that it prints."""

    language: str
    code: str
    shown: str
    end: int  # the line of the page after the block
    shown_end: int  # and after what is shown; the same where nothing is


def pages() -> list[Path]:
    """Return the tutorials that have something to run."""
    return [path for path in sorted(PAGES.glob("*.md")) if steps_of(path)]


def steps_of(page: Path) -> list[Step]:
    """Return what is to be run on a page, in its order."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    steps = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type != "fence" or token.info not in {"bash", "python"}:
            continue
        assert token.map is not None
        shown, shown_end = "", token.map[1]
        if following and following.type == "fence" and following.info == "text":
            assert following.map is not None
            shown, shown_end = following.content, following.map[1]
        steps.append(Step(token.info, token.content, shown, token.map[1], shown_end))
    return steps


def run(steps: list[Step], folder: Path) -> Iterator[str]:
    """Run the steps in a folder; yield what each prints."""
    namespace: dict[str, Any] = {}
    for step in steps:
        run_one = _run_bash if step.language == "bash" else _run_python
        with contextlib.chdir(folder):
            yield run_one(step.code, namespace)


def _run_bash(code: str, _: dict[str, Any]) -> str:
    programs = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(programs),
        "PYTHONPATH": str(REPOSITORY),
        "COLUMNS": "80",
    }
    done = subprocess.run(
        ["bash", "-eu", "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}"
    return done.stdout


def _run_python(code: str, namespace: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    return printed.getvalue()


def alike(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed.

    Other machines round otherwise, and a training makes more of it: numbers may differ
    by a tenth, or by three, or 0.05; seconds by anything.
    """
    one, other = (_SECONDS.sub("SECONDS", text) for text in (shown, printed))
    words = [_LAYOUT.sub(" ", _NUMBER.sub("#", text)).strip() for text in (one, other)]
    numbers = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=False)
    return words[0] == words[1] and all(_near(a, b) for a, b in numbers)


def _near(shown: str, printed: str) -> bool:
    least = 0.05 if "." in shown else 3
    a, b = float(shown), float(printed)
    return abs(a - b) <= max(least, 0.1 * max(a, b))


def pictures_of(page: Path) -> list[str]:
    """Return the names of the pictures that a page makes and shows."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"\]\(\.\./images/tutorials/([\w-]+\.png)\)", text)


def same_picture(one: Path, other: Path) -> bool:
    """Whether two pictures differ by no more than some outlines."""
    a, b = (np.asarray(Image.open(path).convert("RGB"), float) for path in (one, other))
    return a.shape == b.shape and bool(np.abs(a - b).mean() < 8)


def write(page: Path) -> None:
    """Run a page, and write into it what was printed, and its pictures."""
    lines = page.read_text(encoding="utf-8").splitlines()
    steps = steps_of(page)
    with tempfile.TemporaryDirectory() as folder:
        printed = list(run(steps, Path(folder)))
        PICTURES.mkdir(exist_ok=True)
        for name in pictures_of(page):
            shutil.copyfile(Path(folder) / name, PICTURES / name)
    for step, text in reversed(list(zip(steps, printed, strict=True))):
        block = ["", "```text", *text.rstrip().splitlines(), "```"] if text else []
        lines[step.end : step.shown_end] = block
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Write the pages that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    names = set(parser.parse_args().names)
    for page in pages():
        if not names or page.stem in names:
            write(page)


if __name__ == "__main__":
    main()
