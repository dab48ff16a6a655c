"""What a person is told of an image that was just opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.large import LargeAnnotation
from napari_unet.errors import UnreadableRegion
from napari_unet.geometry.axes import ImageHeader
from napari_unet.io.read import is_damaged
from napari_unet.project.store import Found
from napari_unet.project.stored import StoredAnnotation
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.place import KeptAway

_DAMAGED = (
    "The file is incomplete or damaged, and this may be a part of it: copy or export "
    "it again."
)


def told_of_all(
    work: str,
    image: OpenImage,
    note: str | None,
    header: ImageHeader,
    unread: Sequence[UnreadableRegion] = (),
) -> str:
    """Say what is to be known of earlier work, of the file, and of the layer."""
    of_file = _told_of_file(image.identity.path, note, header)
    of_parts = _told_of_parts(image.annotation, unread)
    return " ".join(filter(None, [work, of_file, of_parts, _told_of_scale(image)]))


def _told_of_file(path: Path | None, note: str | None, header: ImageHeader) -> str:
    """Say what is wrong with a file, what its pixels mean, and what else is in it."""
    damaged = path is not None and is_damaged(path)
    parts = [_DAMAGED if damaged else "", note and f"Of this image, {note}."]
    if header.others:
        parts.append(f"{header.others[0].upper()}{header.others[1:]}.")
    return " ".join(filter(None, parts))


def _told_of_parts(annotation: Annotation, unread: Sequence[UnreadableRegion]) -> str:
    """Say what of a large image, and of its labels, cannot be read."""
    labels = annotation.tell_damage() if isinstance(annotation, LargeAnnotation) else ""
    return " ".join(filter(None, [labels, str(unread[0]) if unread else ""]))


def _told_of_scale(image: OpenImage) -> str:
    """Say how far apart sections are taken to be, where the layer alone says it."""
    apart = image.layer_anisotropy
    if apart is None or image.stated_depth:
        return ""
    return (
        f"Sections are taken to be {apart:.2g} times as far apart as pixels are wide, "
        "as the scale of the layer says."
    )


def told_of_work(stored: StoredAnnotation | None, annotation: Annotation) -> str:
    """Say that earlier work is here again, if there is any."""
    if stored is None:
        return ""
    if stored.notice or stored.saved_at is None:
        return stored.notice or ""
    if annotation.untouched:
        return ""
    whose = "Your work" if annotation.counts().verified_pixels else "The prediction"
    return f"{whose} of {stored.saved_at.astimezone():%d %B, %H:%M} is here again."


def told_of_kept(kept: KeptAway | None, crashed: str) -> str:
    """Say where work was kept, if it was, and then what came back after a crash."""
    if kept is None:
        return crashed
    work, home = kept.stored, kept.home.project
    when = f" of {work.saved_at.astimezone():%d %B, %H:%M}" if work.saved_at else ""
    told = (
        f"Your work{when} could not be saved in {home.name} and was kept in "
        f"{kept.project.folder}. "
    )
    if kept.home.may_return:
        told += f"It is here again, and goes back to {home.name}."
    else:
        told += f"{home.name} has other work by now, so it stays there."
    return f"{told} {crashed}".strip()


def told_of_twins(found: Found) -> str:
    """Say that there is work on an image with the same pixels, if there is."""
    if not found.twins:
        return ""
    return (
        f"The project has work on an image with the same pixels, {found.twins[-1]}; "
        "this image has none yet."
    )
