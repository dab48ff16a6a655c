"""Whether everything is there after a kill, but perhaps for what was under way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import recover
from napari_unet.session.images.opening import _annotation
from tests.torture.reports import Report


@dataclass
class Verdict:
    """What was judged, and what was lost.

    Parameters
    ----------
    strokes : int
        Strokes that were finished in this life.
    lost : list of str
        What is not as it must be.
    """

    strokes: int
    lost: list[str]


def read_back(folder: Path, image: ImageIdentity) -> Annotation:
    """Return the annotation as the program would open it."""
    stored = ProjectStore(folder).load_work(image)
    annotation = _annotation(image, stored, large=False)
    if stored is not None:
        found = recover(annotation, stored)
        assert not found.missing, found.describe()
    return annotation


def judge(reports: list[Report], found: dict[str, Annotation]) -> Verdict:
    """Compare what a program told with what is on the disk after its death.

    Parameters
    ----------
    reports : list of Report
        What it told, in order.
    found : dict of str to Annotation
        What is there, by the image's name.
    """
    lost = []
    last = {report.facts["image"]: report for report in reports}
    for name, report in last.items():
        annotation = found[name]
        under_way = report.facts["what"] not in ("done", "open")
        lost += [f"{name}: {each}" for each in _missing(report, annotation, under_way)]
    strokes = sum(report.facts["what"] == "stroke" for report in reports[:-1])
    return Verdict(strokes, lost)


def _missing(report: Report, found: Annotation, under_way: bool) -> list[str]:
    labels, provenance = report.arrays["labels"], report.arrays["provenance"]
    after = report.arrays.get("after", labels)
    touched = (after != labels) & under_way
    if label := report.facts.get("label"):
        # A mouse that paints a new object: where exactly is napari's business.
        touched, after = found.labels == label, found.labels
    verified = is_verified(provenance) & ~touched
    problems = []
    if (found.labels[verified] != labels[verified]).any():
        problems.append("labels of verified pixels differ")
    # An undo takes back what was accepted because of the stroke.
    undone = under_way and report.facts["what"] == "stroke"
    if not undone and (found.provenance[verified] != provenance[verified]).any():
        problems.append("the provenance of verified pixels differs")
    now = found.labels[touched]
    if not any(np.array_equal(now, each[touched]) for each in (labels, after)):
        problems.append("a stroke under way is there in part")
    if not under_way and _changed_by_nobody(labels, provenance, found).any():
        problems.append("pixels changed that nobody has predicted")
    return problems


def _changed_by_nobody(
    labels: np.ndarray, provenance: np.ndarray, found: Annotation
) -> np.ndarray:
    """Return where something differs that no refreshed prediction can have written."""
    differs = (found.labels != labels) | (found.provenance != provenance)
    return differs & (found.provenance != Provenance.PREDICTED)
