from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks.annotator.kinds import Image
from napari_unet.instances.kinds import all_kinds
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.folder import save_model
from napari_unet.weights.model import new_model
from tests.tiny import make_disks


@pytest.fixture(scope="session", params=all_kinds(), ids=lambda kind: kind.__name__)
def tiny_model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model folder whose network takes milliseconds."""
    network = UNetConfig(depth=2, base_channels=4)
    spec = ModelSpec(name="tiny", architecture=network, decoding=request.param())
    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    save_model(new_model(spec), folder)
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other take minutes where the cores are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def disks() -> Image:
    """An image of sixteen disks."""
    made = make_disks(size=128, pitch=32, radius=10)
    return Image("disks", made.image, made.labels)
