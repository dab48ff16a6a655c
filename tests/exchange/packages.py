"""Packages of others: tiny networks in TorchScript, in formats 0.4 and 0.5."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

Files = dict[str, bytes]


def traced(net: nn.Module | Callable[[Tensor], Tensor], channels: int = 1) -> bytes:
    """Return a network in TorchScript."""
    image = torch.rand(1, channels, 32, 48)
    with old_format():
        return saved(torch.jit.trace(net, (image,), check_trace=False))


@cache
def scripted(source: str) -> bytes:
    """Return a program in TorchScript whose `forward` is given as text."""
    with old_format():
        # torch knows a class by its name, and defines its methods once.
        kind = type(f"Program{sha256(source.encode())}", (torch.jit.ScriptModule,), {})
        module = kind()
        module.define(source)
        return saved(module)


@contextmanager
def old_format() -> Iterator[None]:
    """Let torch write TorchScript, which it would rather not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def saved(module: torch.jit.ScriptModule) -> bytes:
    """Return the file of a program."""
    file = io.BytesIO()
    torch.jit.save(module, file)
    return file.getvalue()


def array(values: np.ndarray) -> bytes:
    """Return a file of an array."""
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def described(**changes: Any) -> dict[str, Any]:
    """Return a description of format 0.5 of a network of one channel and one map."""
    space = [{"type": "space", "id": a, "size": {"min": 32, "step": 16}} for a in "yx"]
    out = [
        {"type": "space", "id": a, "size": {"tensor_id": "raw", "axis_id": a}}
        for a in "yx"
    ]
    return {
        "format_version": "0.5.3",
        "type": "model",
        "name": "stranger's U-Net",
        "description": "Finds things.",
        "license": "CC-BY-4.0",
        "authors": [{"name": "A. Stranger", "orcid": "0000"}],
        "cite": [{"text": "Stranger et al. 2020", "doi": "10.1/x"}],
        "inputs": [
            {
                "id": "raw",
                "axes": [
                    {"type": "batch"},
                    {"type": "channel", "channel_names": ["grey"]},
                    *space,
                ],
                "data": {"type": "float32"},
                "preprocessing": [
                    {
                        "id": "zero_mean_unit_variance",
                        "kwargs": {"axes": ["channel", "y", "x"]},
                    }
                ],
            }
        ],
        "outputs": [
            {
                "id": "maps",
                "axes": [
                    {"type": "batch"},
                    {"type": "channel", "channel_names": ["p"]},
                    *out,
                ],
                "data": {"type": "float32"},
                "postprocessing": [{"id": "sigmoid"}],
            }
        ],
        "weights": {"torchscript": {"source": "net.pt", "pytorch_version": "2.0"}},
    } | changes


def described_in_04(**changes: Any) -> dict[str, Any]:
    """Return the same in the words of format 0.4."""
    return {
        "format_version": "0.4.10",
        "type": "model",
        "name": "stranger",
        "inputs": [
            {
                "name": "raw",
                "axes": "bcyx",
                "data_type": "float32",
                "data_range": [float("-inf"), float("inf")],
                "shape": {"min": [1, 1, 32, 32], "step": [0, 0, 16, 16]},
                "preprocessing": [
                    {
                        "name": "zero_mean_unit_variance",
                        "kwargs": {"mode": "per_sample", "axes": "yx"},
                    }
                ],
            }
        ],
        "outputs": [
            {
                "name": "maps",
                "axes": "bcyx",
                "data_type": "float32",
                "halo": [0, 0, 8, 8],
                "shape": {
                    "reference_tensor": "raw",
                    "scale": [1.0, 0.0, 1.0, 1.0],
                    "offset": [0.0, 0.5, 0.0, 0.0],
                },
                "postprocessing": [{"name": "sigmoid"}],
            }
        ],
        "weights": {"torchscript": {"source": "net.pt"}},
    } | changes


def files_of(
    description: Mapping[str, Any], weights: bytes = b"", **more: bytes
) -> Files:
    """Return the files of a package; names have `_` for the dot."""
    # A round trip through text, so that nothing stands for another part.
    plain = json.loads(json.dumps(description))
    found = {"rdf.yaml": yaml.safe_dump(plain).encode(), "net.pt": weights}
    return found | {name.replace("_", "."): content for name, content in more.items()}


def sha256(content: bytes) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(content).hexdigest()


def write_zip(path: Path, files: Files) -> Path:
    """Write a zip file, and return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
