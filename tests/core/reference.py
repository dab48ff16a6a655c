"""The rules of an annotation, and scores: whole arrays, plain loops, no cleverness."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import grey_dilation
from scipy.optimize import linear_sum_assignment

PREDICTED, ACCEPTED, CORRECTED = 1, 2, 3


def reference_merge(
    labels: np.ndarray, provenance: np.ndarray, predicted: np.ndarray, next_id: int
) -> tuple[np.ndarray, np.ndarray, int]:
    kept = kept_pixels(labels, provenance)
    merged = np.where(kept, labels, 0)
    for new in set(predicted.ravel().tolist()) - {0}:
        whole = predicted == new
        body = whole & ~kept
        if 2 * body.sum() <= whole.sum():
            continue
        successor = 0
        for old in set(labels[body].tolist()) - {0}:
            other = labels == old
            if 2 * (body & other).sum() > (body | other).sum():
                successor = old
        merged[body] = successor or next_id
        next_id += not successor
    return merged, np.where(kept, provenance, PREDICTED), next_id


def kept_pixels(labels: np.ndarray, provenance: np.ndarray) -> np.ndarray:
    verified = provenance >= ACCEPTED
    return verified | (np.isin(labels, labels[verified]) & (labels != 0))


@dataclass(eq=False)
class Stroke:
    """Masks and values are of the whole image."""

    mask: np.ndarray
    before: np.ndarray
    after: np.ndarray
    provenance: np.ndarray
    open_before: set[int]
    open_after: set[int] = field(default_factory=set)
    settled: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(
        default_factory=list
    )


class Reference:
    """What an annotation should be after a person's and a model's doings."""

    def __init__(self, labels: np.ndarray, provenance: np.ndarray) -> None:
        self.labels = labels.copy()
        self.provenance = provenance.copy()
        self.foreground = np.zeros(labels.shape, bool)
        self.open: set[int] = set()
        self.done: list[Stroke] = []
        self.undone: list[Stroke] = []

    def notice(self, live: np.ndarray, kind: str | None) -> str | None:
        mask = live != self.labels
        if not mask.any():
            return None
        if kind in ("undo", None):
            for stroke in reversed(self.done):
                if self._is_undo(stroke, mask, live):
                    self._undo(stroke)
                    return "undo"
        if kind in ("redo", None):
            for stroke in reversed(self.undone):
                exact = (live == stroke.after)[stroke.mask].all()
                if exact and not (mask & ~stroke.mask).any():
                    self._redo(stroke)
                    return "redo"
        self._edit(mask, live, kind)
        return "edit"

    def settle(self, ids: set[int]) -> None:
        for object_id in sorted(self.open & ids):
            body = self.labels == object_id
            size = (*(1,) * (body.ndim - 2), 5, 5)
            ring = grey_dilation(body, size=size) & (self.labels == 0)
            ring &= ~self.foreground
            mask = (body | ring) & (self.provenance < ACCEPTED)
            record = (mask, self.labels.copy(), self.provenance.copy())
            self.provenance[mask] = ACCEPTED
            if self.done:
                self.done[-1].settled.append(record)
        self.open -= ids

    def accept(self, inside: np.ndarray) -> None:
        scope = inside & (self.labels == 0)
        for object_id in self.ids():
            body = self.labels == object_id
            if 2 * (body & inside).sum() > body.sum():
                scope |= body
        self.provenance[scope & (self.provenance < ACCEPTED)] = ACCEPTED
        for stroke in self.done:
            for mask, _, _ in stroke.settled:
                mask &= ~scope

    def ids(self) -> set[int]:
        return set(self.labels.ravel().tolist()) - {0}

    def _is_undo(self, stroke: Stroke, mask: np.ndarray, live: np.ndarray) -> bool:
        return bool(
            (live == stroke.before)[stroke.mask].all()
            and (self.labels == stroke.after)[stroke.mask].all()
            and not (mask & ~stroke.mask).any()
        )

    def _undo(self, stroke: Stroke) -> None:
        self.done.remove(stroke)
        for mask, _, provenance in reversed(stroke.settled):
            still = mask & (self.provenance == ACCEPTED)
            self.provenance[still] = provenance[still]
        self.labels[stroke.mask] = stroke.before[stroke.mask]
        self.provenance[stroke.mask] = stroke.provenance[stroke.mask]
        stroke.open_after, self.open = self.open, stroke.open_before & self.ids()
        self.undone.append(stroke)

    def _redo(self, stroke: Stroke) -> None:
        self.undone.remove(stroke)
        accepted = stroke.mask & (self.labels == stroke.before)
        stroke.provenance[accepted] = self.provenance[accepted]
        self.labels[stroke.mask] = stroke.after[stroke.mask]
        self.provenance[stroke.mask] = CORRECTED
        reopened: set[int] = set()
        again = []
        for mask, labels, _ in stroke.settled:
            same = mask & (self.labels == labels)
            reopened |= set(labels[mask & ~same].tolist()) - {0}
            mask = same & (self.provenance < ACCEPTED)
            again.append((mask, labels, self.provenance.copy()))
            self.provenance[mask] = ACCEPTED
        stroke.settled = again
        self.open = (self.open - stroke.open_before) | stroke.open_after | reopened
        self.open &= self.ids()
        self.done.append(stroke)

    def _edit(self, mask: np.ndarray, live: np.ndarray, kind: str | None) -> None:
        touched = set(self.labels[mask].tolist()) | set(live[mask].tolist())
        self.settle(self.open - touched)
        before, provenance = self.labels.copy(), self.provenance.copy()
        self.labels[mask] = live[mask]
        self.provenance[mask] = CORRECTED
        if kind == "edit":
            self.undone.clear()
        self.done.append(Stroke(mask, before, live.copy(), provenance, set(self.open)))
        self.open = (self.open | touched) & self.ids()


def reference_scores(
    truth: np.ndarray, labels: np.ndarray, thresholds: tuple[float, ...]
) -> tuple[tuple[int, ...], int, int]:
    """Return matches by threshold, and objects on both sides, from a table of all."""
    sides = [sorted(set(array[array > 0].tolist())) for array in (truth, labels)]
    iou = np.zeros(tuple(map(len, sides)))
    for i, a in enumerate(sides[0]):
        for j, b in enumerate(sides[1]):
            one, other = truth == a, labels == b
            iou[i, j] = (one & other).sum() / (one | other).sum()
    matches = []
    for threshold in thresholds:
        allowed = iou >= threshold
        pairs = linear_sum_assignment(-(allowed + 1e-6 * iou))
        matches.append(int(np.count_nonzero(allowed[pairs])))
    return tuple(matches), iou.shape[0], iou.shape[1]
