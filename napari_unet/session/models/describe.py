"""What a person should know of the versions of a model, in words."""

from __future__ import annotations

from datetime import datetime

from napari_unet.project.project import Project
from napari_unet.session.models.status import VersionState
from napari_unet.session.models.timeline import ModelVersion, Timeline
from napari_unet.session.models.versions import why_not_delete, why_not_rename
from napari_unet.session.words import found_in_words, gain_in_words

_SECONDS = 60
_HOUR = 3600
_LONG = 100


def describe_versions(
    timeline: Timeline, place: Project | None, home: Project | None = None
) -> tuple[VersionState, ...]:
    """Return the list of versions: every model once, oldest first.

    What only another project than the `place` where the person works keeps bears its
    name. `home` is that place, unless it can only be read.
    """

    def rank(version: ModelVersion) -> tuple[bool, bool, bool]:
        active = version is timeline.active
        return active, version.home is place, version.home is None

    newest_first = timeline.versions[::-1]
    # Of several that are the same model, the oldest one of the highest rank.
    shown = {each.uuid: each for each in sorted(newest_first, key=rank)}
    return tuple(
        _describe_version(each, timeline.active, place, home)
        for each in timeline.versions
        if shown[each.uuid] is each
    )


def _describe_version(
    version: ModelVersion,
    active: ModelVersion | None,
    place: Project | None,
    home: Project | None,
) -> VersionState:
    record, gain, text = version.record, "", version.title
    if record.score is not None and record.start_score is not None:
        gain = gain_in_words(record.start_score, record.score)
        text += f": {gain}"
    elsewhere = ""
    if version.home not in (None, place):
        elsewhere = version.home.folder.stem
        text += f" · {elsewhere}"
    if record.found is not None:
        parts = [found_in_words(record.found)]  # there is no room for more
    else:
        parts = [gain, _learned_from(version), _took(version)]
    parts.append(elsewhere)
    return VersionState(
        version.number,
        text,
        version.title,
        " · ".join(filter(None, parts)) or _origin(version),
        _when(version),
        _about(version, gain),
        why_not_rename(version, home),
        why_not_delete(version, active, home),
    )


def _origin(version: ModelVersion) -> str:
    """Say of what was not trained here where it comes from."""
    if version.built_in:
        return "built in"
    return "opened" if version.source else ""


def _learned_from(version: ModelVersion) -> str:
    record = version.record
    if record.objects is not None:
        return f"{record.objects:,} object{'' if record.objects == 1 else 's'}"
    return f"{record.pixels:,} px" if record.pixels is not None else ""


def _took(version: ModelVersion) -> str:
    seconds = version.record.seconds
    if seconds is None:
        return ""
    if seconds < _LONG:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _SECONDS:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _when(version: ModelVersion) -> str:
    """Return the time of today, or the day of what is older."""
    if version.record.run is None:
        return ""
    made = version.record.created.astimezone()
    today = made.date() == datetime.now().astimezone().date()
    return f"{made:%H:%M}" if today else f"{made.day} {made:%b}"


def _about(version: ModelVersion, gain: str) -> str:
    """Say all of it in sentences."""
    record, said = version.record, []
    if record.found is not None:
        held_out = f"Of {record.found.verified:,} objects that were held out"
        said.append(f"{held_out} it {found_in_words(record.found, of=False)}.")
    if gain:
        worse = ": worse than its start" if record.worse else ""
        said.append(f"Agreement with what was held out: {gain}{worse}.")
    if learned := _learned_from(version):
        took = _took(version)
        spent = f" in {took}" if took else ""
        said.append(f"Learned from {learned} that you verified{spent}.")
    if record.run is not None:
        said.append(f"Made on {record.created.astimezone():%d %B %Y, %H:%M}.")
    if version.name and version.note:
        said.append(f"It was {version.note}.")
    return " ".join(said) or "Nothing was learned here yet."
