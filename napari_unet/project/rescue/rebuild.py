"""From what was read of an image to the annotation itself."""

from __future__ import annotations

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.provenance import ProvenanceMap
from napari_unet.annotation.schema import LabelSchema
from napari_unet.errors import InputError, StorageError
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.project.fields import ImageFields
from napari_unet.project.recovery import Recovered, recover, saved_annotation
from napari_unet.project.store import StoredAnnotation
from napari_unet.tasks import task_of


def empty_maps(image: ImageFields) -> tuple[LabelMap | ValueMap, ProvenanceMap]:
    """Return labels and provenance of an image on which nobody worked yet.

    Raises
    ------
    StorageError
        If they do not fit into memory.
    """
    try:
        provenance = np.zeros(image.labels_shape, np.uint8)
        labels = task_of(image).labels.nothing(image.names, image.labels_shape)
        return labels, provenance
    except MemoryError as error:
        raise StorageError(
            f"The labels of {image.name} do not fit into memory; close other programs."
        ) from error


def rebuild(
    schema: LabelSchema, stored: StoredAnnotation
) -> tuple[Annotation, Recovered]:
    """Return the annotation as it was after the last change, and what came back.

    Parameters
    ----------
    schema : LabelSchema
        What the labels say.
    stored : StoredAnnotation
        A save and the journal.

    Raises
    ------
    StorageError
        If there can be no such annotation, or it does not fit into memory.
    """
    try:
        annotation = saved_annotation(schema, stored)
        return annotation, recover(annotation, stored)
    except (InputError, ValueError, IndexError) as error:
        raise StorageError(f"The saved labels make no sense: {error}") from error
    except MemoryError as error:
        raise StorageError(
            f"The labels of {stored.key} do not fit into memory; close other programs."
        ) from error
