"""Networks as TorchScript: what Fiji (deepImageJ), ilastik and QuPath run."""

from __future__ import annotations

import io
import warnings

import torch

from napari_unet.exchange.graph import ExportedNetwork, example, refuse_difference
from napari_unet.nets.program import for_any_size
from napari_unet.weights.model import Model


def to_torchscript(model: Model) -> bytes:
    """Return a model's network as a file of TorchScript, which is compared with ours.

    Raises a ModelError if it computes something else.
    """
    net = ExportedNetwork(model)
    file = io.BytesIO()
    # torch would rather have another format, which none of these programs reads yet;
    # and it tells of comparisons of sizes, which is why several sizes are compared.
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(net, (example(model, 1, 0),), check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, file)
        file.seek(0)
        loaded = torch.jit.load(file)  # type: ignore[no-untyped-call]
    with torch.inference_mode(), for_any_size():
        refuse_difference(model, net, loaded, "TorchScript")
    return file.getvalue()
