"""Packages of others become models, or are refused in a sentence."""

from __future__ import annotations

import copy
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import napari_unet as nu
from napari_unet.errors import InputError, ModelError
from napari_unet.exchange import import_package
from napari_unet.learning.start import TaskRequest, adapt
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import load_model, save_model
from tests.exchange.conftest import TASKS, make
from tests.exchange.packages import (
    Files,
    array,
    described,
    described_in_04,
    files_of,
    old_format,
    saved,
    scripted,
    sha256,
    traced,
    write_zip,
)


class Stranger(nn.Module):
    """A network with a field of 3 x 3 pixels that gives one map, or several."""

    def __init__(self, channels: int = 1, maps: int = 1) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.conv = nn.Conv2d(channels, maps, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


@pytest.fixture(scope="module")
def program() -> bytes:
    return traced(Stranger())


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).gamma(2, 300, (70, 45)).astype(np.float32)


def predicted(image: np.ndarray, model: nu.Model, **options: Any) -> np.ndarray:
    return nu.predict(image, model, device="cpu", full_precision=True, **options)


def normal(image: np.ndarray) -> torch.Tensor:
    """Return an image as the description wants it."""
    return torch.from_numpy((image - image.mean()) / image.std())[None, None]


@pytest.mark.parametrize("description", [described, described_in_04])
def test_foreground_becomes_two_classes(
    description: Any, program: bytes, image: np.ndarray
) -> None:
    imported = import_package(files_of(description(), program), "a.zip", "mine")
    spec = imported.model.spec
    assert (spec.name, spec.names) == ("mine", ("background", "foreground"))
    maps = predicted(image, imported.model, probabilities=True)
    with torch.no_grad():
        expected = Stranger()(normal(image)).sigmoid()[0, 0].numpy()
    # At the border it sees what was filled in, as every program fills something in.
    inner = np.s_[1:-6, 1:-3]
    assert np.abs(maps[1][inner] - expected[inner]).max() < 1e-4
    classes = predicted(image, imported.model)
    assert classes.dtype == np.uint8
    assert np.mean((classes == 1)[inner] == (expected > 0.5)[inner]) > 0.999


def test_it_is_saved_copied_and_sent_as_any_model(
    program: bytes, image: np.ndarray, tmp_path: Path
) -> None:
    model = import_package(files_of(described(), program), "a.zip", "mine").model
    expected = predicted(image, model)
    save_model(model, tmp_path / "mine")
    ways = (load_model(tmp_path / "mine"), copy.deepcopy(model))
    for other in (*ways, pickle.loads(pickle.dumps(model))):
        assert other.spec == model.spec
        assert np.array_equal(predicted(image, other), expected)
    written = json.loads((tmp_path / "mine" / "model.json").read_text())
    assert written["card"]["license"] == "CC-BY-4.0"
    assert "Stranger et al. 2020" in written["card"]["notes"]


def test_python_brings_in_what_the_command_line_does(
    program: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_zip(tmp_path / "a.zip", files_of(described(), program))
    model = nu.import_model(path)
    assert model.name == "a"
    assert "no sample that could be compared" in caplog.text
    nu.save_model(model, tmp_path / "a")
    with pytest.raises(InputError, match="is a folder"):
        nu.import_model(tmp_path / "a")
    with pytest.raises(InputError, match="There is no file"):
        nu.import_model(tmp_path / "b.zip")


@pytest.mark.parametrize("task", TASKS)
def test_our_own_network_among_strangers(task: str, tmp_path: Path) -> None:
    """What we export, without what only we read, gives the very maps."""
    model = make(task)
    path = nu.export_model(model, tmp_path / "a.zip")
    from tests.exchange.test_package import members

    own = {"model.json", "record.json", "weights.safetensors"}
    files = {name: found for name, found in members(path).items() if name not in own}
    imported = import_package(files, "a.zip", "mine")
    assert imported.notes[-1] == "Its sample image gives what the package promises."
    image = np.load(io.BytesIO(files["input.npy"]))[0, 0]
    maps = np.load(io.BytesIO(files["output.npy"]))[0]
    found = predicted(image, imported.model, probabilities=True)
    assert np.abs(found - maps).max() < 1e-4


def test_several_classes_by_their_names(image: np.ndarray) -> None:
    words = described()
    words["outputs"][0]["axes"][1]["channel_names"] = ["ground", "cell", "rim"]
    words["outputs"][0]["postprocessing"] = [{"id": "softmax", "kwargs": {}}]
    files = files_of(words, traced(Stranger(maps=3)))
    model = import_package(files, "a.zip", "mine").model
    assert model.spec.names == ("ground", "cell", "rim")
    maps = predicted(image, model, probabilities=True)
    with torch.no_grad():
        expected = Stranger(maps=3)(normal(image)).softmax(1)[0].numpy()
    assert np.abs(maps - expected)[:, 1:-6, 1:-3].max() < 1e-4


STEPS = [
    ([], lambda x: x),
    ([("scale_linear", {"gain": 0.5, "offset": 2.0})], lambda x: x * 0.5 + 2),
    ([("clip", {"min": 100, "max": 500})], lambda x: x.clip(100, 500)),
    ([("binarize", {"threshold": 300})], lambda x: (x > 300) * 1.0),
    (
        [("fixed_zero_mean_unit_variance", {"mean": 300.0, "std": [50.0]})],
        lambda x: (x - 300) / 50,
    ),
    (
        [
            ("ensure_dtype", {"dtype": "float32"}),
            ("scale_range", {"axes": ["y", "x"], "min_percentile": 5.0}),
            ("clip", {"max": 0.5}),
        ],
        lambda x: (
            (x - np.percentile(x, 5)) / (x.max() - np.percentile(x, 5) + 1e-6)
        ).clip(None, 0.5),
    ),
]


@pytest.mark.parametrize(("steps", "expected"), STEPS)
def test_steps_before_and_after(steps: Any, expected: Any, image: np.ndarray) -> None:
    listed = [{"id": name, "kwargs": options} for name, options in steps]
    words = described()
    words["inputs"][0]["preprocessing"] = listed
    words["outputs"][0]["postprocessing"] = [
        {"id": "scale_linear", "kwargs": {"gain": 3.0, "offset": 1.0}}
    ]
    files = files_of(words, traced(lambda x: x * 1.0))
    found = predicted(image, import_package(files, "a.zip", "mine").model)
    assert np.allclose(found[0], expected(image) * 3 + 1, rtol=1e-4, atol=1e-4)


def test_an_unpadded_network_sees_mirrored_borders(image: np.ndarray) -> None:
    words = described()
    for axis in words["outputs"][0]["axes"][2:]:
        axis["size"] |= {"offset": -8}
    words["outputs"][0] |= {"postprocessing": []}
    net = nn.AvgPool2d(9, stride=1)
    files = files_of(words, traced(net))
    image = image[:64, :32]  # what is no multiple of the step is filled in first
    found = predicted(image, import_package(files, "a.zip", "mine").model)
    mirrored = np.pad(normal(image)[0, 0].numpy(), 4, mode="reflect")
    expected = net(torch.from_numpy(mirrored)[None])[0].numpy()
    assert found[0].shape == image.shape
    assert np.abs(found[0] - expected).max() < 1e-4


def test_it_does_not_learn_and_says_so(program: bytes, image: np.ndarray) -> None:
    model = import_package(files_of(described(), program), "a.zip", "mine").model
    labels = np.zeros(image.shape, np.uint8)
    labels[:20] = 1
    samples = [Sample(image, labels)]
    with pytest.raises(InputError, match="cannot learn"):
        nu.fit(model, samples, nu.FitConfig(steps=1))
    with pytest.raises(InputError, match="cannot learn"):
        adapt(model, TaskRequest("instances"), samples)


def test_a_sample_that_comes_out_otherwise_is_told(program: bytes) -> None:
    words = described()
    words["inputs"][0]["test_tensor"] = {"source": "in.npy"}
    words["outputs"][0]["test_tensor"] = {"source": "out.npy"}
    raw = np.random.default_rng(0).random((1, 1, 32, 32)).astype(np.float32)
    files = files_of(words, program, in_npy=array(raw), out_npy=array(raw * 0))
    notes = import_package(files, "a.zip", "mine").notes
    assert "something else than the package promises" in notes[-1]


def test_weights_alone_for_a_network_that_is_named() -> None:
    model = make("classes")
    file = io.BytesIO()
    torch.save(model.net.state_dict(), file)
    state_dict = {"source": "state.pt", "sha256": sha256(file.getvalue())}
    words = described(weights={"pytorch_state_dict": state_dict})
    files = files_of(words, state_pt=file.getvalue())
    with pytest.raises(ModelError, match="Python, which is never run here"):
        import_package(files, "a.zip", "mine")
    imported = import_package(files, "a.zip", "mine", like=model.spec)
    for key, value in model.net.state_dict().items():
        assert torch.equal(imported.model.net.state_dict()[key], value)
    assert "steps before and after the network were left out" in imported.notes[0]


class Branches(nn.Module):
    """A network with what scripts have and traces have not: choices and loops."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.drop = nn.Dropout2d(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = x.shape[2:]
        for _ in range(2):
            x = functional.relu(self.drop(self.conv(x)))
        small = functional.max_pool2d(x, 2)
        if small.shape[2] < 4:
            raise ValueError("too small")
        large = functional.interpolate(small, size=[shape[0], shape[1]], mode="nearest")
        return torch.cat([x, large], 1).mean(1, keepdim=True)


def test_a_script_with_choices_and_loops_is_arithmetic(image: np.ndarray) -> None:
    torch.manual_seed(0)
    net = Branches().eval()
    with old_format():
        program = saved(torch.jit.script(net))
    words = described()
    words["outputs"][0]["postprocessing"] = []
    model = import_package(files_of(words, program), "a.zip", "mine").model
    image = image[:64, :32]
    with torch.no_grad():
        expected = net(normal(image))[0].numpy()
    assert np.abs(predicted(image, model) - expected).max() < 1e-4


class Opens:
    """A pickle that would open a file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return open, (self._path, "w")


def _pickled(canary: Path) -> Files:
    file = io.BytesIO()
    torch.save({"a": Opens(str(canary))}, file)
    words = described(weights={"pytorch_state_dict": {"source": "net.pt"}})
    return files_of(words, file.getvalue())


def test_a_pickle_for_weights_is_not_loaded(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with pytest.raises(ModelError, match=r"net\.pt in a\.zip holds something else"):
        import_package(_pickled(canary), "a.zip", "x", like=make("classes").spec)
    assert not canary.exists()


def test_a_program_that_writes_a_file_is_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    source = f"""
def forward(self, x):
    y = torch.from_file({str(canary)!r}, True, 16)
    return x + y.sum()
"""
    with pytest.raises(ModelError, match="asks for 'aten::from_file'"):
        import_package(files_of(described(), scripted(source)), "a.zip", "x")
    assert not canary.exists()


class Awakes(nn.Module):
    """Does something when it is loaded."""

    @torch.jit.export
    def __getstate__(self) -> int:
        return 3

    @torch.jit.export
    def __setstate__(self, state: int) -> None:
        self.training = bool(torch.from_file("canary", True, state).sum() > 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_a_program_that_acts_when_it_is_loaded_is_not_loaded(monkeypatch) -> None:
    with old_format():
        program = saved(torch.jit.script(Awakes()))
    monkeypatch.setattr(torch.jit, "load", lambda *_: pytest.fail("was loaded"))
    with pytest.raises(ModelError, match="do something when it is loaded"):
        import_package(files_of(described(), program), "a.zip", "x")


def _changed(*place: Any, to: Any) -> dict[str, Any]:
    words = described()
    found: Any = words
    for step in place[:-1]:
        found = found[step]
    found[place[-1]] = to
    return words


FIXED = [{"type": "batch"}, {"type": "channel", "channel_names": ["a"]}] + [
    {"type": "space", "id": axis, "size": 64} for axis in "yx"
]
IN, STEP = ("inputs", 0), "preprocessing"
SCALE = {"tensor_id": "raw", "axis_id": "y"}

REFUSED: dict[str, tuple[Any, str]] = {
    "newer": (_changed("format_version", to="0.6.0"), "a newer format of BioImage"),
    "much newer": (_changed("format_version", to="1.0"), "a newer format of BioImage"),
    "old": (_changed("format_version", to="0.3.0"), "names no format"),
    "no version": (_changed("format_version", to=None), "names no format"),
    "data set": (_changed("type", to="dataset"), "none of a BioImage.IO model: type"),
    "no inputs": (_changed("inputs", to=[]), "none of a BioImage.IO model: inputs"),
    "hash": (
        _changed("weights", "torchscript", "sha256", to="0" * 64),
        "the hash differs",
    ),
    "missing": (
        _changed("weights", "torchscript", "source", to="x.pt"),
        "has no 'x.pt'",
    ),
    "elsewhere": (
        _changed("weights", "torchscript", "source", to="https://a.org/x.pt"),
        "nothing is fetched here",
    ),
    "keras": (_changed("weights", to={"keras_hdf5": {}}), "of the kind keras_hdf5"),
    "one size": (_changed(*IN, "axes", to=FIXED), "one size alone"),
    "fine": (_changed("outputs", 0, "axes", 2, "scale", to=0.5), "another size of pix"),
    "order": (_changed(*IN, "axes", 1, "type", to="index"), "how many channels"),
    "odd": (
        _changed("outputs", 0, "axes", 2, "size", to=SCALE | {"offset": -1}),
        "how large its maps are",
    ),
    "data set mean": (
        _changed(*IN, STEP, 0, "kwargs", to={"axes": ["batch", "channel", "y", "x"]}),
        "measures all images",
    ),
    "unknown step": (_changed(*IN, STEP, 0, "id", to="stardist"), "none that can be"),
    "late statistics": (
        _changed(*IN, STEP, to=2 * [{"id": "zero_mean_unit_variance"}]),
        "not in this place",
    ),
    "no number": (
        _changed(*IN, STEP, 0, to={"id": "scale_linear", "kwargs": {"gain": "much"}}),
        "no number",
    ),
    "division": (
        _changed(
            *IN,
            STEP,
            0,
            to={
                "id": "zero_mean_unit_variance",
                "kwargs": {"mode": "fixed", "mean": 0, "std": 0},
            },
        ),
        "no number",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, program: bytes) -> None:
    words, phrase = REFUSED[name]
    with pytest.raises(ModelError, match=phrase):
        import_package(files_of(words, program), "a.zip", "x")


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        (b"a: &a [1]\nb: [" + 30 * b"*a, " + b"]", "parts of it stand for others"),
        (b"!!python/object/apply:os.system ['true']", "cannot be read"),
        (b"- 1", "it is no table"),
        (b"a: [", "cannot be read"),
        (b"[" * 5000, "cannot be read"),
        (b"a: " + b"x" * 2**21, "longer than"),
    ],
)
def test_descriptions_that_are_none(text: bytes, phrase: str, program: bytes) -> None:
    with pytest.raises(ModelError, match=phrase):
        import_package({"rdf.yaml": text, "net.pt": program}, "a.zip", "x")


@pytest.mark.parametrize(
    ("net", "phrase"),
    [
        (lambda x: x[:, :, ::2], "gives maps of"),
        (lambda x: x.mean(), "gives no maps of pixels"),
        (lambda x: x @ torch.ones(48, 48), "does not take an image of"),
        (lambda x: torch.cat([x, x], 1), "where its description promises"),
    ],
)
def test_networks_that_are_not_as_described(net: Any, phrase: str) -> None:
    words = described()
    words["outputs"][0]["postprocessing"] = []
    with pytest.raises(ModelError, match=phrase):
        import_package(files_of(words, traced(net)), "a.zip", "x")


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x02.", b"junk" * 100])
def test_damaged_programs(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"is damaged|is none that"):
        import_package(files_of(described(), content), "a.zip", "x")
