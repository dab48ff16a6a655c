"""Turn a finished training run into a built-in model.

    python -m training.package --run runs/nuclei --out napari_unet/models/nuclei

Writes the averaged weights (of several runs that continue each other: their mean,
Wortsman et al. 2022) in float16 and their description, without scores; then
`training.score` measures them on the held-out images and completes the card.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from napari_unet.core.instances import Decoding
from napari_unet.engine.model import Model
from napari_unet.engine.weights import save_model
from napari_unet.nets.architectures import UNetConfig
from napari_unet.nets.spec import ModelCard, ModelSpec
from training.nuclei import averaged_weights

DATA = (
    "BBBC038v1 (Caicedo et al., Nature Methods 2019), fluorescence images of the "
    "2018 Data Science Bowl, stage 1 train, with community corrections"
)
NOTES = (
    "For nuclei in fluorescence, bright on dark, about 8 to 80 px across. Not for "
    "stained tissue in transmitted light, nor for whole cells: fine-tune it for those."
)


def nuclei_spec(base_channels: int) -> ModelSpec:
    """Return the description of the model `nuclei`."""
    return ModelSpec(
        name="nuclei",
        description="Fluorescence nuclei, 2-D, one grey channel",
        architecture=UNetConfig(base_channels=base_channels),
        # Chosen on thirty training images and on zoomed samples: 25 px scores 0.008
        # more on those images, and misses nuclei of 8 px.
        decoding=Decoding(prominence=0.1, min_size=16),
        diameters=(8.0, 80.0),
        card=ModelCard(
            data=DATA, license="CC0-1.0 (data), BSD-3-Clause (weights)", notes=NOTES
        ),
    )


def averaged_model(runs: Sequence[Path], base_channels: int) -> Model:
    """Return the mean of the averaged networks of runs, rounded to float16."""
    spec = nuclei_spec(base_channels)
    net = spec.build().eval()
    states = [averaged_weights(run) for run in runs]
    net.load_state_dict(
        {
            key: sum(state[key] for state in states) / len(states)
            if value.is_floating_point()
            else value
            for key, value in states[0].items()
        }
    )
    return Model(spec, net.half())


def main() -> None:
    """Parse the command line and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, nargs="+")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--base", type=int, default=16)
    args = parser.parse_args()
    save_model(averaged_model(args.run, args.base), args.out, overwrite=True)


if __name__ == "__main__":
    main()
