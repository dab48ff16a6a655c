"""What the package's own code never says: nothing in it can run what it reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "napari_unet"
FILES = {str(f.relative_to(PACKAGE)): f for f in sorted(PACKAGE.rglob("*.py"))}
UNPICKLERS = {
    "pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "joblib",
    "cloudpickle", "jsonpickle", "yaml",
}  # fmt: skip
RUNNERS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "runpy.run_path",
}  # fmt: skip
UNPACKERS = {"extract", "extractall", "unpack_archive", "make_archive"}

# A pipe to a process that the program has started: no file and no network reach it.
PIPES, PIPE_MODULE = "core/frames.py", "napari_unet.core.frames"
# The weights in an installed package are as trusted as the package's code.
TORCH_LOADERS = {"weights/foreign.py", "nets/backbones.py"}
# What they load was packed anew, or made by themselves a line above.
SCRIPT_LOADERS = {"nets/program.py", "exchange/torchscript.py"}
# Plain text, numbers, lists and tables alone.
YAML_READER = "exchange/rdf.py"
# Their arguments are names that the package itself spells.
IMPORTERS = {
    "__init__.py", "exchange/onnx_file.py", "gui/workbench.py", "io/microscope.py",
    "models/architectures/__init__.py",
    "nets/backbones.py", "nets/build.py", "tasks/registry.py", "tasks/task.py",
}  # fmt: skip


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def keywords(call: ast.Call) -> dict[str | None, str]:
    return {word.arg: ast.unparse(word.value) for word in call.keywords}


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_unpickles_is_imported(name: str) -> None:
    tops = {module.partition(".")[0] for module in imports(FILES[name])}
    allowed = {PIPES: {"pickle"}, YAML_READER: {"yaml"}}
    assert tops & UNPICKLERS == allowed.get(name, set())


def test_yaml_is_read_without_objects() -> None:
    found = [call for call in calls(FILES[YAML_READER]) if call[0].startswith("yaml.")]
    assert {function for function, _ in found} == {"yaml.parse", "yaml.load"}
    loaders = {ast.unparse(argument) for _, call in found for argument in call.args[1:]}
    assert loaders == {"yaml.SafeLoader"}


def test_what_unpickles_knows_no_files() -> None:
    found = set(imports(FILES[PIPES]))
    assert found == {"__future__", "dataclasses", "pickle", "struct", "typing"}
    assert not {"open", "Path"} & {function for function, _ in calls(FILES[PIPES])}
    users = {name for name, path in FILES.items() if PIPE_MODULE in set(imports(path))}
    assert users == {"core/apart.py", "core/worker.py"}


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_run_that_was_read(name: str) -> None:
    for function, call in calls(FILES[name]):
        assert function not in RUNNERS
        assert function.rpartition(".")[2] not in UNPACKERS
        assert keywords(call).get("allow_pickle", "False") == "False"
        assert keywords(call).get("trust_remote_code", "False") == "False"
        assert keywords(call).get("shell", "False") == "False"
        if function in {"np.load", "numpy.load"}:
            assert keywords(call).get("allow_pickle") == "False"


@pytest.mark.parametrize("name", FILES)
def test_torch_loads_weights_only(name: str) -> None:
    loads = [(f, call) for f, call in calls(FILES[name]) if f.startswith("torch.")]
    for function, call in loads:
        assert function not in {"torch.export.load", "torch.package"}
        assert function != "torch.jit.load" or name in SCRIPT_LOADERS
        if function in {"torch.load", "torch.hub.load"}:
            assert function == "torch.load"
            assert name in TORCH_LOADERS
            assert keywords(call).get("weights_only") == "True"


@pytest.mark.parametrize("name", FILES)
def test_modules_are_imported_by_names_of_our_own(name: str) -> None:
    functions = {function for function, _ in calls(FILES[name])}
    if "importlib.import_module" in functions or "import_module" in functions:
        assert name in IMPORTERS


def test_the_rules_can_be_broken(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("import pickle\nimport torch\ntorch.load('a', weights_only=False)")
    assert "pickle" in set(imports(path))
    [(function, call)] = calls(path)
    assert function == "torch.load"
    assert keywords(call) == {"weights_only": "False"}
