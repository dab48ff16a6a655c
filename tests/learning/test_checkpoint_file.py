"""A checkpoint that is not what was written is refused, in words and at once."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_unet.errors import ModelError, StorageError
from napari_unet.learning.checkpoint import (
    Checkpoint,
    read_best_model,
    read_checkpoint,
    read_header,
    write_checkpoint,
)
from napari_unet.learning.train import iter_fit
from napari_unet.weights.tensor_file import write_tensors
from tests.learning.test_checkpoint import (
    CONFIG,
    anything,
    everything,
    one_thread,  # noqa: F401 (a fixture)
    run,
    start,
)
from tests.tiny import make_disks, make_model

FUZZ = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "training.safetensors"
    small = CONFIG.model_copy(update={"steps": 2})
    run(start(make_model(depth=1), path, small))
    return path


@pytest.fixture(scope="module")
def content(good: Path) -> bytes:
    return good.read_bytes()


def refused(path: Path) -> str:
    """Assert that a file is refused in one line, with little memory; return it."""
    size = path.stat().st_size
    tracemalloc.start()
    try:
        with pytest.raises((ModelError, StorageError)) as caught:
            read_checkpoint(path, anything)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    words = str(caught.value)
    assert "\n" not in words
    assert words.endswith("anew.")
    assert peak < 2_000_000 + 20 * size
    return words


def test_others_can_read_it(good: Path) -> None:
    with safetensors.safe_open(good, "pt") as file:
        state = json.loads(file.metadata()["text"])
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert state["steps"] == 2
    kept = read_checkpoint(good, anything).tensors
    assert found.keys() == kept.keys()
    for name, tensor in kept.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_equal_states_are_equal_files(good: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    write_checkpoint(read_checkpoint(good, anything), copy)
    assert copy.read_bytes() == good.read_bytes()


@FUZZ
@given(data=st.data())
def test_flipped_bits_are_noticed(content, tmp_path, data) -> None:
    where = st.integers(0, len(content) - 1)
    # Half of them in the header, which is a small part of the file.
    places = data.draw(st.lists(where | st.integers(0, 9000), min_size=1, max_size=4))
    broken = bytearray(content)
    for place in places:
        broken[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "broken.safetensors"
    path.write_bytes(broken)
    if broken == content:
        assert read_checkpoint(path, anything).header.steps == 2
    else:
        refused(path)


@FUZZ
@given(data=st.data())
def test_cut_files_are_noticed(content, tmp_path, data) -> None:
    length = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 20))
    path = tmp_path / "cut.safetensors"
    path.write_bytes(content[:length])
    refused(path)
    path.write_bytes(content + content[: length + 1])
    refused(path)


@FUZZ
@given(junk=st.binary(max_size=400))
def test_junk_is_refused(tmp_path, junk: bytes) -> None:
    path = tmp_path / "junk.safetensors"
    path.write_bytes(junk)
    refused(path)
    path.write_bytes(len(junk).to_bytes(8, "little") + junk)
    refused(path)


@pytest.mark.parametrize("count", [2**63, 2**31, 5_000_000, 2**64 - 1])
def test_a_lying_length_takes_no_memory(content, tmp_path, count: int) -> None:
    path = tmp_path / "long.safetensors"
    path.write_bytes(count.to_bytes(8, "little") + content[8:])
    assert "longer than it can be" in refused(path)


_HUGE = (
    b'{"__metadata__":{"checksum":"0","text":""},"a":{"dtype":"F32",'
    b'"shape":[4000000000,4000000000],"data_offsets":[0,64000000000000000000]}}'
)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        _HUGE,
        b'{"__metadata__": 3}',
        b"null",
        b'{"__metadata__": {"checksum": 1, "text": 2}}',
    ],
)
def test_headers_that_lie(tmp_path, header: bytes) -> None:
    path = tmp_path / "lie.safetensors"
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    refused(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_what_is_no_file_is_refused(tmp_path) -> None:
    folder, pipe = tmp_path / "folder", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)
    for path in (folder, pipe):
        assert "it is not a file" in refused(path)


def _forge(path: Path, good: Path, **changes: Any) -> Path:
    """Write a checkpoint with a right checksum and wrong content."""
    checkpoint = read_checkpoint(good, anything)
    state = json.loads(checkpoint.header.model_dump_json())
    with path.open("w+b") as file:
        write_tensors(file, json.dumps(state | changes), checkpoint.tensors)
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format_version": 2}, "another version of napari-unet"),
        ({"steps": -1}, "steps: "),
        ({"crop": 0}, "crop: "),
        ({"seconds": float("nan")}, "seconds: "),
        ({"more": 1}, "more: "),
        ({"rng": {"state": 2**128, "inc": 1, "has_uint32": 0, "uinteger": 0}}, "rng"),
        ({"fingerprint": {"images": "x" * 32}}, "fingerprint"),
    ],
)
def test_states_that_cannot_be(good, tmp_path, changes, words: str) -> None:
    path = _forge(tmp_path / "forged.safetensors", good, **changes)
    assert words in refused(path)
    with pytest.raises(ModelError):
        read_header(path)


def _drop(name: str) -> Callable[[dict[str, torch.Tensor]], object]:
    return lambda tensors: tensors.pop(name)


def _put(name: str, value: torch.Tensor) -> Callable[[dict[str, torch.Tensor]], object]:
    return lambda tensors: tensors.update({name: value})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_drop("best.head.weight"), "should be float32 .5, 4, 1, 1. and is absent"),
        (_drop("average.head.weight"), "average.head.weight should be"),
        (_drop("rule.0.step"), "all of step, exp_avg, exp_avg_sq"),
        (_put("extra", torch.zeros(3)), "extra should be absent"),
        (_put("net.head.bias", torch.zeros(4)), "and is float32 .4,."),
        (_put("net.head.bias", torch.zeros(3).double()), "and is float64 .3,."),
        (_put("chance.cpu", torch.zeros(9, dtype=torch.uint8)), "chance.cpu should"),
        (_put("chance.cpu", torch.zeros(5056, dtype=torch.uint8)), "random numbers"),
    ],
)
def test_tensors_that_do_not_fit(good, tmp_path, spoil, words: str) -> None:
    checkpoint = read_checkpoint(good, anything)
    spoil(checkpoint.tensors)
    path = tmp_path / "spoilt.safetensors"
    write_checkpoint(Checkpoint(checkpoint.header, checkpoint.tensors), path)
    model = make_model(depth=1)
    with pytest.raises(ModelError, match=words):
        run(start(model, path, resume="always"))
    seen, result = run(start(model, path, resume="if it fits"))
    assert "starts anew" in seen[0].message
    assert result.steps == CONFIG.steps
    assert read_header(path).steps == CONFIG.steps


def test_a_damaged_file_does_not_prevent_a_new_training(good, tmp_path) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(good.read_bytes()[:-1])
    with pytest.raises(StorageError, match="damaged"):
        run(start(make_model(depth=1), path, resume="always"))
    run(start(make_model(depth=1), path))
    anew = everything(path)
    # The same training without a checkpoint: what was damaged has left no trace.
    _, result = run(iter_fit(make_model(depth=1), [make_disks()], CONFIG))
    best = read_best_model(path)
    assert anew["best_score"] == result.score
    for key, value in result.model.net.state_dict().items():
        assert torch.equal(best.net.state_dict()[key], value)
