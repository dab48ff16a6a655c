"""Zarr at an address is read as in a folder."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec
import numpy as np
import pytest
import zarr
from zarr.storage import FsspecStore

from napari_unet.errors import InputError, UnreadableRegion
from napari_unet.geometry.box import Box
from napari_unet.io import open_source
from napari_unet.io.read import read_image
from tests.io.written import save_pyramid

ARRAY = np.random.default_rng(0).integers(0, 999, (3, 40, 50)).astype(np.uint16)
REGION = Box((1, 5, 6), (3, 33, 40))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Return the address at which a folder is served."""
    handler = partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def memory() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    yield files
    files.rm("/images", recursive=True)


@pytest.mark.parametrize("version", [2, 3])
def test_a_pyramid_on_a_server(tmp_path: Path, server: str, version: int) -> None:
    levels = [ARRAY, ARRAY[:, ::2, ::2]]
    save_pyramid(tmp_path / "a.zarr", levels, "ZYX", version)
    source = open_source(f"{server}/a.zarr")
    assert (source.axes, source.levels) == ("ZYX", tuple(one.shape for one in levels))
    with pickle.loads(pickle.dumps(source)) as there:
        assert there.fingerprint() == source.fingerprint()
        np.testing.assert_array_equal(there.read(REGION), ARRAY[REGION.slices])
        part = Box((0, 0, 0), (1, 9, 9))
        np.testing.assert_array_equal(there.read(part, 1), levels[1][part.slices])
    np.testing.assert_array_equal(read_image(f"{server}/a.zarr").array, ARRAY)


def test_another_kind_of_address(memory: Any) -> None:
    address = "memory://images/a.zarr"
    store = FsspecStore.from_url(address)
    zarr.create_array(store=store, data=ARRAY, chunks=(1, 16, 16), shards=(1, 32, 32))
    source = open_source(address)
    np.testing.assert_array_equal(source.read(REGION), ARRAY[REGION.slices])
    before = source.fingerprint()
    assert before == open_source(address).fingerprint()
    memory.rm("/images/a.zarr/c/1/0/0")
    assert source.fingerprint() != before
    assert source.missing(REGION) == ("the shard 'c/1/0/0'",)
    memory.pipe("/images/a.zarr/c/2/0/0", b"nonsense")
    with pytest.raises(UnreadableRegion, match=r"the shard 'c/2/0/0'"):
        source.read(REGION)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("{}/nothing.zarr", "There is no zarr at"),
        ("http://127.0.0.1:1/a.zarr", "cannot be reached"),
        ("memory://images/a.zarr", "There is no zarr at"),
        ("carrier+pigeon://images/a.zarr", "cannot be reached"),
        ("file:///images/a.zarr", "as a path"),
    ],
)
def test_addresses_that_lead_nowhere(server: str, address: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        open_source(address.format(server))
    assert len(str(caught.value).splitlines()) == 1


def test_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(InputError, match=r"pip install \"\.\[remote\]\""):
        open_source("https://example.org/a.zarr")
