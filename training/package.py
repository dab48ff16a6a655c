"""Turn a finished training run into a built-in model.

    python -m training.package --run runs/nuclei --out napari_unet/models/nuclei

Writes the averaged weights (of several runs that continue each other: their mean,
Wortsman et al. 2022) in float16 and their description, without scores; then
`training.score` measures them on the held-out images and completes the card.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_unet.engine.model import Model
from napari_unet.engine.weights import save_model
from training.fit import averaged_weights
from training.recipe import Recipe

DATA = (
    "BBBC038v1 (Caicedo et al., Nature Methods 2019), fluorescence images of the "
    "2018 Data Science Bowl, stage 1 train, with community corrections"
)
NOTES = (
    "For nuclei in fluorescence, bright on dark, about 8 to 80 px across. Not for "
    "stained tissue in transmitted light, nor for whole cells: fine-tune it for those."
)


def averaged_model(run: Path) -> Model:
    """Return the averaged network of a run, rounded to float16."""
    spec = Recipe.model_validate_json((run / "recipe.json").read_text()).spec()
    net = spec.build().eval()
    net.load_state_dict(averaged_weights(run))
    # In float32 again, as a model folder is loaded.
    return Model(spec, net.half().float())


def main() -> None:
    """Parse the command line and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    save_model(averaged_model(args.run), args.out, overwrite=True)


if __name__ == "__main__":
    main()
