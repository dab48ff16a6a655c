"""`napari-unet models`: which models there are, and what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from napari_unet.cli.console import JsonOption, print_json

if TYPE_CHECKING:
    from napari_unet.nets.spec import ModelSpec

models = typer.Typer(
    help="List and show models.", no_args_is_help=True, rich_markup_mode=None
)


@models.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the built-in models."""
    from napari_unet.engine.weights import list_models

    rows = [_row(spec.name, spec) for spec in list_models()]
    if as_json:
        print_json(rows)
        return
    table = Table("name", "task", "data", "license", "score", "MB")
    for row in rows:
        table.add_row(
            row["name"],
            row["task"],
            row["data"],
            row["license"],
            _in_words(row["score"]),
            f"{row['megabytes']:.1f}",
        )
    Console().print(table)


@models.command()
def show(
    model: Annotated[
        str, typer.Argument(metavar="M", help="A built-in model or a model folder.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Show what a model is: data, licence, scores, network."""
    from napari_unet.engine.weights import load_model

    # Loading proves that the weights are there and fit.
    spec = load_model(model).spec
    if as_json:
        print_json({**_row(model, spec), "spec": spec.model_dump(mode="json")})
        return
    for name, text in _facts(model, spec).items():
        if text:
            typer.echo(f"{name:<13} {text}")


def _row(model: str, spec: ModelSpec) -> dict[str, Any]:
    from napari_unet.engine.weights import model_size

    return {
        "name": spec.name,
        "task": spec.task,
        "data": spec.card.data,
        "license": spec.card.license,
        "score": spec.card.score,
        "megabytes": round(model_size(model), 2),
    }


def _facts(model: str, spec: ModelSpec) -> dict[str, str]:
    row = _row(model, spec)
    network = spec.architecture.model_dump()
    return {
        "name": spec.name,
        "description": spec.description,
        "task": spec.task,
        "predicts": ", ".join(spec.names),
        "channels": str(spec.in_channels),
        "network": ", ".join(f"{key} {value}" for key, value in network.items()),
        "pixel size": f"{spec.pixel_size:g} µm" if spec.pixel_size else "",
        "data": spec.card.data,
        "license": spec.card.license,
        "score": _in_words(spec.card.score),
        "notes": spec.card.notes,
        "megabytes": f"{row['megabytes']:.1f}",
    }


def _in_words(score: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in score.items())
