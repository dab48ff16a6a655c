"""Files that would run something, fill the memory or write elsewhere, given to all."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_unet.models.architectures.backbone import BackboneConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.folder import load_model, save_model
from napari_unet.weights.model import new_model
from tests.hostile.bad_archives import Payload, saved, zipped
from tests.hostile.forge import write
from tests.hostile.tree import snapshot
from tests.nets.conftest import needs_timm

# Some readers choose by the name, others by the content.
SUFFIXES = (
    "tif", "png", "npy", "pkl", "pt", "pth", "safetensors", "zip", "roi", "json",
)  # fmt: skip
LABELS = ("tif", "png", "zip", "roi")


def _pickle(canary: str) -> bytes:
    return pickle.dumps(Payload(canary))


def _old_pickle(canary: str) -> bytes:
    return pickle.dumps(Payload(canary), protocol=0)


def _npy(canary: str) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Payload(canary)], object), allow_pickle=True)
    return file.getvalue()


def _npz(canary: str) -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.array([Payload(canary)], object))
    return file.getvalue()


def _torch(canary: str) -> bytes:
    return saved({"state_dict": Payload(canary)})


def _old_torch(canary: str) -> bytes:
    return saved(Payload(canary), _use_new_zipfile_serialization=False)


def _slip(canary: str) -> bytes:
    names = (canary, f"../{Path(canary).name}", f"a/../../{Path(canary).name}")
    return zipped(dict.fromkeys(names, b"canary"))


def _ghostscript(canary: str) -> bytes:
    return f"%!PS-Adobe-3.0 EPSF-3.0\n({canary}) (w) file closefile\n".encode()


def _code(canary: str) -> bytes:
    return f"open({canary!r}, 'w')\n".encode()


def _json(canary: str) -> bytes:
    call = {"__reduce__": ["builtins.open", [canary, "w"]], "py/object": "os.system"}
    return json.dumps({"format_version": 1, "name": "x", "architecture": call}).encode()


MAKERS: dict[str, Callable[[str], bytes]] = {
    maker.__name__.removeprefix("_"): maker
    for maker in (
        _pickle, _old_pickle, _npy, _npz, _torch, _old_torch, _slip, _ghostscript,
        _code, _json,
    )
}  # fmt: skip


def _as_model(folder: Path, content: bytes, good: Path) -> list[Path]:
    """Return model folders with the content in the place of each of their files."""
    found = []
    for name in ("model.json", "weights.safetensors"):
        model = Path(shutil.copytree(good, folder / f"with_{name}"))
        found.append(Path(write(model / name, content)).parent)
    return found


@pytest.mark.parametrize("kind", MAKERS)
def test_no_canary_is_made(run, tmp_path: Path, good_model: Path, kind: str) -> None:
    canary = tmp_path / "canary"
    content = MAKERS[kind](str(canary))
    files = tmp_path / "files"
    files.mkdir()
    paths = [write(files / f"a.{suffix}", content) for suffix in SUFFIXES]
    models = _as_model(tmp_path, content, good_model)
    one = tmp_path / "one"
    one.mkdir()
    before = snapshot(tmp_path)
    out = ("--out", tmp_path / "out")
    for path in paths:
        run("predict", path, "--model", good_model, *out)
        run("models", "import", path, *out, "--like", good_model)
        run("models", "import", files / "a.pt", *out, "--like", path)
        run("models", "show", path)
        assert snapshot(tmp_path) == before, path
    for suffix in LABELS:
        inside = write(one / f"a.{suffix}", content)
        run("train", "--images", files, "--labels", one, *out, "--steps", 1)
        run("train", "--images", one, "--labels", one, *out, "--steps", 1)
        run("evaluate", "--truth", one, "--predicted", one)
        inside.unlink()
    run("models", "import", files / "a.zip", *out)
    for model in models:
        run("models", "show", model)
        run("predict", paths[0], "--model", model, *out)
        run("train", "--images", one, "--labels", one, "--from", model, *out)
    assert snapshot(tmp_path) == before
    assert not canary.exists()


@pytest.mark.parametrize("kind", ["pickle", "old_pickle", "npy", "npz"])
def test_the_payloads_are_loaded(tmp_path: Path, kind: str) -> None:
    canary = tmp_path / "canary"
    content = MAKERS[kind](str(canary))
    if "pickle" in kind:
        loaded = pickle.loads(content)
    else:
        found = np.load(io.BytesIO(content), allow_pickle=True)
        loaded = (found["a"] if kind == "npz" else found)[0]
    loaded.close()
    assert canary.exists()


LIES = """
import resource, sys
from pathlib import Path
from napari_unet.weights.folder import load_model
from napari_unet.weights.foreign import import_weights
from napari_unet.weights.folder import unpack_model
from napari_unet.errors import NapariUnetError
from napari_unet.io.archive import read_zip
from napari_unet.io.read import read_image
from napari_unet.io.rois import read_rois

good, folder = load_model(sys.argv[1]), Path(sys.argv[2])
for path in folder.glob("warm*"):
    read_image(path)
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
refused = 0
for path in sorted(folder.iterdir()):
    if path.name.startswith("warm"):
        continue
    readers = {
        "tif": lambda p: read_image(p),
        "roi": lambda p: read_rois(p, (64, 64)),
        "zip": lambda p: unpack_model(
            read_zip(p, members=16, member_bytes=2**31, total_bytes=2**31), "x"
        ),
        "pt": lambda p: import_weights(p, good.spec, "x"),
        "safetensors": lambda p: import_weights(p, good.spec, "x"),
        "": load_model,
    }
    try:
        readers[path.suffix[1:]](path)
    except NapariUnetError:
        refused += 1
    else:
        print("was read:", path)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
print(refused, grown // 1024)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="counts memory as Unix does")
def test_lies_about_sizes_take_no_memory(
    tmp_path: Path, good_model: Path, make_model
) -> None:
    from tests.hostile.bad_archives import BAD_TORCH, BAD_ZIPS
    from tests.hostile.bad_images import BAD_IMAGES
    from tests.hostile.bad_labels import BAD_REGIONS
    from tests.hostile.bad_models import BAD_MODELS

    lies = tmp_path / "lies"
    lies.mkdir()
    files = {path.name: path.read_bytes() for path in good_model.iterdir()}
    state = dict(load_model(good_model).net.state_dict())
    for name, (content, _) in BAD_IMAGES.items():
        write(lies / f"{name}.tif", content)
    for name, (content, _) in BAD_REGIONS.items():
        write(lies / f"{name}.roi", content)
    for name, (make, _) in BAD_ZIPS.items():
        write(lies / f"{name}.zip", make(files))
    for name, (make_torch, _) in BAD_TORCH.items():
        write(lies / f"{name}.pt", make_torch(state, str(tmp_path / "canary")))
    for name, (spoil, _) in BAD_MODELS.items():
        spoil(make_model(f"lies/{name}"))
    for path in lies.glob("elsewhere_*"):
        path.rename(tmp_path / path.name)
    count = len(list(lies.iterdir()))
    warm = next(Path(__file__).parents[2].glob("sample_data/*/images/*.tif"))
    write(lies / "warm.tif", warm.read_bytes())
    command = [sys.executable, "-c", LIES, str(good_model), str(lies)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    refused, megabytes = map(int, done.stdout.splitlines()[-1].split())
    assert done.stdout.splitlines()[:-1] == []
    assert refused == count > 150
    assert megabytes < 150
    assert not (tmp_path / "canary").exists()


def test_nothing_is_downloaded_without_being_asked(
    run, tmp_path: Path, good_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_timm()

    def refuse(*arguments: object) -> None:
        pytest.fail(f"the network was asked for {arguments}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert run("models", "show", good_model).code == 0
    spec = ModelSpec(name="x", architecture=BackboneConfig(encoder="resnet18"))
    save_model(new_model(spec), tmp_path / "resnet")
    assert run("models", "show", tmp_path / "resnet").code == 0
    with pytest.raises(pytest.fail.Exception, match="the network was asked"):
        socket.create_connection(("example.org", 443))


def test_a_zip_in_a_zip_is_not_opened(run, tmp_path: Path, good_model: Path) -> None:
    files = {path.name: path.read_bytes() for path in good_model.iterdir()}
    path = write(tmp_path / "a.zip", zipped({"model.zip": zipped(files)}))
    run("models", "import", path, "--out", tmp_path / "o").refused("Expected one model")
    assert zipfile.is_zipfile(path)
