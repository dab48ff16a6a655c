"""What is built is whole, and runs where nothing of the checkout is in sight."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import napari_unet
from napari_unet.models.folder import list_models

pytest.importorskip("hatchling")
pytest.importorskip("twine")

ROOT = Path(__file__).parents[2]
MODELS = {spec.name for spec in list_models()}


@dataclass(frozen=True)
class Built:
    """A source distribution, and the wheel that was built from what is in it."""

    source: Path
    wheel: Path


def run(*command: object, cwd: Path) -> str:
    """Run a command without the checkout in its path; return what it prints."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env={"PATH": "", "HOME": str(cwd), "SYSTEMROOT": "C:\\Windows"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    run(*build, "-t", "sdist", cwd=ROOT)
    (source,) = folder.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    run(*build, "-t", "wheel", cwd=unpacked)
    (wheel,) = folder.glob("*.whl")
    return Built(source, wheel)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a clean environment that has the wheel alone.

    What it needs, gigabytes, is seen through a path file; nobody else's is installed.
    """
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False)
    paths = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    needed = sysconfig.get_path("purelib")
    (site / "needed.pth").write_text(f"{needed}\n", encoding="utf-8")
    programs = Path(sysconfig.get_path("scripts", "venv", vars=paths))
    pip = [sys.executable, "-m", "pip", "--python", folder, "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", "--no-compile", built.wheel, cwd=folder)
    return programs


def test_names_say_the_one_version(built: Built) -> None:
    expected = f"napari_unet_live-{napari_unet.__version__}"
    assert built.source.name == f"{expected}.tar.gz"
    assert built.wheel.name == f"{expected}-py3-none-any.whl"


def test_the_index_would_take_them(built: Built) -> None:
    check = [sys.executable, "-m", "twine", "check", "--strict"]
    assert run(*check, built.source, built.wheel, cwd=ROOT).count("PASSED") == 2


def test_the_wheel_has_what_runs_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top.partition(".")[0] for top in tops} == {
        "napari_unet",
        "napari_unet_live-0",
    }
    packed = {n.rpartition(".")[2] for n in names if "/sample_data/" in n}
    assert packed == {"tif", "json", "md"}
    for model in MODELS:
        assert f"napari_unet/models/{model}/weights.safetensors" in names
    for suffix in ("png", "svg", "ico", "icns"):
        assert f"napari_unet/cli/launchers/icons/napari-unet.{suffix}" in names


def test_it_runs_from_a_clean_environment(installed: Path, tmp_path: Path) -> None:
    program = installed / "napari-unet"
    assert run(program, "--version", cwd=tmp_path).strip() == napari_unet.__version__
    listed = json.loads(run(program, "models", "list", "--json", cwd=tmp_path))
    assert {row["name"] for row in listed} == MODELS
    code = (
        "import napari_unet, importlib.metadata as m;"
        "from napari_unet.io.samples import load_sample, sample_folder;"
        "print(napari_unet.__file__, sample_folder(), bool(load_sample('phase')),"
        "m.version('napari-unet-live'), sep='\\n')"
    )
    told = run(installed / "python", "-c", code, cwd=tmp_path).splitlines()
    package = Path(told[0]).parent
    assert package.is_relative_to(installed.parent)
    assert Path(told[1]) == package / "sample_data"
    assert told[2:] == ["True", napari_unet.__version__]


def test_papers_name_the_one_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == napari_unet.__version__
    assert citation["title"] == "napari-unet"
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\S+),", changes, re.MULTILINE)[0] == (
        napari_unet.__version__
    )


def test_nothing_asks_for_a_name_that_is_nobodys_yet() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    asked = re.compile(r"(install|add|inject)\s+\S*napari-unet-live")
    code = (ROOT / "napari_unet").rglob("*.py")
    assert [p.name for p in (*pages, *code) if asked.search(p.read_text("utf-8"))] == []


CONDA = {"torch": "pytorch-cpu", "pyqt5": "pyqt"}


def test_the_installer_brings_every_dependency(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe is what constructor reads: a template of YAML, for each system."""
    jinja2 = pytest.importorskip("jinja2")
    named = {
        "NAPARI_UNET_VERSION": "1.2.3",
        "NAPARI_UNET_WHEEL": "a.whl",
        "NAPARI_UNET_LICENSE": "LICENSE.txt",
    }
    folder = ROOT / "packaging" / "constructor"
    template = jinja2.Template((folder / "construct.yaml").read_text("utf-8"))
    text = template.render(environ=named)
    for system, script in (("linux", "sh"), ("osx", "sh"), ("win", "bat")):
        recipe = yaml.safe_load("\n".join(_of_system(text, system)))
        assert recipe["version"] == "1.2.3"
        assert recipe["post_install"] == f"post_install.{script}"
        for key in ("post_install", "icon_image"):
            assert (folder / recipe[key]).is_file()
        given = dict(spec.partition(" ")[::2] for spec in recipe["specs"])
        for name, least in _dependencies().items():
            assert least in given[CONDA.get(name, name)], name


def _of_system(text: str, system: str) -> list[str]:
    """Return the lines whose selector, if any, names a system."""
    unix = {"unix"} if system != "win" else set()
    kept = []
    for line in text.splitlines():
        selector = re.search(r"# \[(\w+)\]$", line)
        if selector is None or selector[1] in {system, *unix}:
            kept.append(line)
    return kept


def _dependencies() -> dict[str, str]:
    """Return the least version of all that the program and its windows need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["all"]]
    found = (re.fullmatch(r"([\w.-]+)(\S*)", each) for each in wanted)
    return {each[1].lower(): each[2] for each in found if each}
