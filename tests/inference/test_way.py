"""The way of an image from `nu.predict` to its labels stays short enough to be read."""

from __future__ import annotations

from napari_unet.inference.predict import predict
from napari_unet.weights.folder import load_model
from tests.tiny import make_disks
from tests.tracing import stops_of


def test_an_image_passes_fourteen_files_on_its_way_to_labels() -> None:
    model, image = load_model("nuclei"), make_disks(192).image
    labels = predict(image, model, device="cpu")
    stops = stops_of(lambda: predict(image, model, device="cpu"), depth=0)
    assert labels.max() > 10
    assert stops[0] == "inference/predict.py"
    assert len(stops) <= 14, stops
