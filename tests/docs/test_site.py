"""The site is built without a warning, whole, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import napari_unet


class _Loads(HTMLParser):
    """Gathers what a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe", "source", "object"}:
            said = dict(attrs)
            self.found += [said.get("src") or "", said.get("href") or ""]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = Path(__file__).parents[2]
    folder = tmp_path_factory.mktemp("site")
    # Not --quiet: what is not told is not counted either.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=repository,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def pages(site: Path) -> Iterator[tuple[str, str]]:
    for path in site.rglob("*.html"):
        yield path.relative_to(site).as_posix(), path.read_text(encoding="utf-8")


def test_nothing_comes_from_elsewhere(site: Path) -> None:
    for name, text in pages(site):
        loads = _Loads()
        loads.feed(text)
        outside = [to for to in loads.found if re.match(r"(https?:)?//", to)]
        assert not outside, name
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"""(@import|url\()\s*["']?(https?:)?//""", text), sheet


def test_front_and_code_are_pages_too(site: Path) -> None:
    front = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="contributing.html"' in front
    assert 'href="cli.html"' in front
    assert 'src="images/dock.png"' in front
    explained = (site / "unet.html").read_text(encoding="utf-8")
    assert 'href="code/napari_unet/nets/original.py.html"' in explained
    code = (site / "code/napari_unet/nets/original.py.html").read_text(encoding="utf-8")
    assert "OriginalUNet" in code
    assert not list(site.rglob("*.py"))


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    reference = (site / "api.html").read_text(encoding="utf-8")
    for name in set(napari_unet.__all__) - {"__version__"}:
        assert f'id="napari_unet.{name}"' in reference, name


def test_the_notebook_is_a_page_and_a_file(site: Path) -> None:
    index = (site / "tutorials/index.html").read_text(encoding="utf-8")
    assert 'href="notebook.html"' in index
    assert "FitConfig" in (site / "tutorials/notebook.html").read_text(encoding="utf-8")
    assert (site / "tutorials/notebook.ipynb").is_file()
