"""What is to be done before and after a network, in words for people."""

from __future__ import annotations

from napari_unet import tasks
from napari_unet.models.spec import ModelSpec


def before_words(spec: ModelSpec) -> str:
    """Say how an image becomes what the network takes."""
    return spec.normalization.in_words


def after_words(spec: ModelSpec) -> str:
    """Say what the maps are, and how they become what a person wants."""
    names = ", ".join(spec.map_names)
    return f"The maps are: {names}. {tasks.task_of(spec).outputs.decoded(spec)}"
