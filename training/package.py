"""Turn a finished training run into a built-in model.

    python -m training.package --run runs/nuclei --out napari_unet/models/nuclei

Writes the averaged weights in float16 and their description, without scores; then
`python -m training.score --data DIR --write` measures them on the held-out pictures and
completes the card.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_unet.core.atomic import write_atomically
from napari_unet.models.card import CARD_FILE
from napari_unet.models.folder import SPEC_FILE, read_spec
from napari_unet.models.record import RECORD_FILE
from napari_unet.weights.folder import save_model
from napari_unet.weights.model import Model
from training.cards import CARDS
from training.recipe import Recipe
from training.start import averaged_weights


def recipe_of(run: Path) -> Recipe:
    """Return the recipe of a run."""
    return Recipe.model_validate_json((run / "recipe.json").read_text())


def averaged_model(run: Path) -> Model:
    """Return the averaged network of a run, rounded to float16."""
    recipe = recipe_of(run)
    net = recipe.network().eval()
    net.load_state_dict(averaged_weights(run))
    # In float32 again, as a model folder is loaded.
    return Model(recipe.spec(), net.half().float())


def package(run: Path, out: Path) -> None:
    """Write a run as a model folder; what else lies there stays."""
    head = recipe_of(run).head
    if head != "usual":
        raise ValueError(f"The program does not know the head {head!r}.")
    model = averaged_model(run)
    words = CARDS[model.name]
    spec = model.spec.model_copy(
        update={"description": words.description, "card": words.card}
    )
    fresh = out.with_name(f".{out.name}.new")
    save_model(Model(spec, model.net.half()), fresh, overwrite=True)
    # Of how a person trained it; what the program brings has a README of its own.
    for name in (RECORD_FILE, CARD_FILE):
        (fresh / name).unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    for path in fresh.iterdir():
        path.replace(out / path.name)
    fresh.rmdir()


def write_scores(folder: Path, scores: dict[str, float]) -> None:
    """Put scores into the card in a model folder, instead of those that are there."""
    spec = read_spec(folder)
    card = spec.card.model_copy(update={"score": scores})
    text = spec.model_copy(update={"card": card}).model_dump_json(indent=2)
    content = f"{text}\n".encode()
    write_atomically(folder / SPEC_FILE, lambda file: file.write(content))


def main() -> None:
    """Parse the command line and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    package(args.run, args.out)


if __name__ == "__main__":
    main()
