"""The layer in which a person corrects, for every task, and its colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.schema import LabelSchema
from napari_unet.gui.placement import ChannelAxis, cover
from napari_unet.gui.recording import RecordingArray
from napari_unet.session.images.image import OpenImage
from napari_unet.tasks import task_of
from napari_unet.tasks.labeling import Brush
from napari_unet.tasks.outputs import PixelClass, Variable

# Okabe and Ito's colours, told apart with every kind of colour blindness, without the
# blue and the orange in which verified pixels are shown.
_DEFAULTS = (
    "#56B4E9",
    "#D55E00",
    "#009E73",
    "#F0E442",
    "#CC79A7",
    "#9E8CF0",
    "#8FD14F",
    "#C49A6C",
)
UNKNOWN = "#808080"
"""Of numbers that stand for no class."""


def colors_of_classes(classes: Sequence[PixelClass]) -> tuple[str, ...]:
    """Return one colour per class from 1 on; class 0, the background, has none."""
    defaults = cycle(_DEFAULTS)
    return tuple(each.color or next(defaults) for each in classes[1:])


def class_colormap(classes: Sequence[PixelClass]) -> DirectLabelColormap:
    """Return how a layer shows class numbers: background lets the image through."""
    colors = dict(enumerate(colors_of_classes(classes), 1))
    return DirectLabelColormap(color_dict={None: UNKNOWN, 0: "transparent", **colors})


_CLASS_OPACITY = 0.5
_LARGEST_BRUSH = 40
_NEW_LABEL = "M"
_USUAL_BRUSH = 10


def make_layer(image: OpenImage, below: Image, classes: Sequence[PixelClass]) -> Labels:
    """Return a layer with the labels of an image, to paint in, over one that shows it.

    There are `classes`, by their numbers, only where the task has them.
    """
    task = task_of(image.schema)
    shown = channel_axis(image, below).spread(image.annotation.shown)
    layer = Labels(RecordingArray.wrap(shown), name=name_over(below, image.schema))
    cover(layer, below)
    if task.labels.brush is Brush.CLASS:
        layer.opacity = _CLASS_OPACITY
        layer.colormap = class_colormap(classes)
    if task.labels.objects:
        _never_reuse_ids(layer, image.annotation)
    return layer


def renew_layer(layer: Labels, image: OpenImage, below: Image) -> None:
    """Let a layer in which the work on another image was show that on this one.

    It keeps its looks; a person who wants outlines wants them in the next image, too.
    """
    shown = channel_axis(image, below).spread(image.annotation.shown)
    layer.data = RecordingArray.wrap(shown)
    cover(layer, below)
    if task_of(image.schema).labels.objects:
        _never_reuse_ids(layer, image.annotation)


def name_over(below: Image, schema: LabelSchema) -> str:
    """Return what a layer with labels of a schema is called, over an image."""
    return f"{below.name} {task_of(schema).words.layer}"


def channel_axis(image: OpenImage, below: Image) -> ChannelAxis:
    """Return which axis a layer over this one has more than the labels."""
    found = ChannelAxis.over(image.axes, image.identity.shape, rgb=below.rgb)
    if not image.large:
        return found
    return replace(found, origin=image.annotation.shown_box.start)


def shows_labels_of(layer: Labels, image: OpenImage, below: Image) -> bool:
    """Return whether the pixels of a layer are the very labels of an image."""
    data = layer.data
    if not isinstance(data, RecordingArray):
        return False
    labels = channel_axis(image, below).spread(image.annotation.shown)
    return data.shape == labels.shape and np.may_share_memory(data, labels)


def nearest_meaning(image: OpenImage, label: int) -> int:
    """Return a label that means something in an image, this one if it does."""
    schema = image.schema
    return task_of(schema).labels.nearest(image.annotation, schema.names, label)


def _never_reuse_ids(layer: Labels, annotation: Annotation) -> None:
    """Let napari's key for a new label take an id that no object ever had.

    Its own choice, one above the highest, may have been that of a deleted object.
    """

    def select_new_id(layer: Labels) -> None:
        layer.selected_label = annotation.new_id()

    layer.bind_key(_NEW_LABEL, select_new_id, overwrite=True)


def first_label(image: OpenImage, variables: Sequence[Variable]) -> int:
    """Return what is painted first: an object, a class, or the mean of a variable."""
    mean = variables[0].mean if variables else 0.0
    return task_of(image.schema).labels.first_label(image.annotation, mean)


def brush_for(image: OpenImage) -> int:
    """Return a brush a third as wide as an object, where there are objects."""
    objects = image.annotation.counts().objects
    if not task_of(image.schema).labels.objects or not objects:
        return _USUAL_BRUSH
    planes = int(np.prod(image.annotation.labels.shape[:-2]))
    area = image.annotation.pixels.objects.labelled / objects
    if planes > 1:
        area = min(area, area ** (2 / 3) * 1.2)
    return int(np.clip(2 * np.sqrt(area / np.pi) / 3, 1, _LARGEST_BRUSH))
