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
    bodies = {}
    for new in sorted(set(predicted.ravel().tolist()) - {0}):
        body = np.zeros(labels.shape, bool)
        for plane in planes(labels.shape):
            whole = predicted[plane] == new
            free = whole & ~kept[plane]
            if 2 * free.sum() > whole.sum():
                body[plane] = free
        if body.any():
            bodies[new] = body
    finished = reference_heirs(np.where(kept, labels, 0), predicted, bodies)
    for new, body in bodies.items():
        successor = finished.get(new, 0)
        for old in set(labels[body].tolist()) - {0, *finished.values()}:
            other = (labels == old) & ~kept
            alike = 2 * (body & other).sum() > (body | other).sum()
            if alike and new not in finished:
                successor = old
        for plane in planes(labels.shape):
            if successor in labels[plane][kept[plane]]:
                body[plane] &= successor == 0
        merged[body] = successor or next_id
        next_id += not successor
    return merged, np.where(kept, provenance, PREDICTED), next_id


def reference_heirs(
    kept: np.ndarray, predicted: np.ndarray, bodies: dict[int, np.ndarray]
) -> dict[int, int]:
    """Return what is finished in planes in which new objects give way to it."""
    alike = []
    for new, body in bodies.items():
        for old in set(kept.ravel().tolist()) - {0}:
            common = one = other = 0
            for plane in planes(kept.shape):
                a, b = kept[plane] == old, predicted[plane] == new
                if (a & b).any() and not body[plane].any():
                    common += (a & b).sum()
                    one += a.sum()
                    other += b.sum()
            if 2 * common > min(one, other):
                alike.append((-common / (one + other - common), new, old))
    found: dict[int, int] = {}
    for _, new, old in sorted(alike):
        if new not in found and old not in found.values():
            found[new] = old
    return found


def outsized(labels: np.ndarray, verified: np.ndarray, after: np.ndarray) -> set[int]:
    """Return what painting takes from that is too large to be one object."""
    different = after != labels
    usual = 0
    for each in set(after[different].tolist()) - {0}:
        drawn = different & (after == each)
        usual = max(usual, (drawn | (labels == each)).sum())
    for each in set(labels[verified].tolist()) - {0}:
        if verified[labels == each].all():
            usual = max(usual, (labels == each).sum())
    most = 10 * usual or labels.size // 4
    lost = set(labels[different].tolist()) - set(after[different].tolist()) - {0}
    return {each for each in lost if (labels == each).sum() > most}


def kept_pixels(labels: np.ndarray, provenance: np.ndarray) -> np.ndarray:
    kept = provenance >= ACCEPTED
    for plane in planes(labels.shape):
        ids = labels[plane][kept[plane]]
        kept[plane] |= np.isin(labels[plane], ids) & (labels[plane] != 0)
    return kept


def planes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return list(np.ndindex(shape[:-2]))


@dataclass(eq=False)
class Step:
    """Masks and values are of the whole image."""

    kind: str
    mask: np.ndarray
    before: tuple[np.ndarray, np.ndarray]
    after: tuple[np.ndarray, np.ndarray]
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
        self.done: list[Step] = []
        self.undone: list[Step] = []

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self.labels.copy(), self.provenance.copy()

    def ids(self) -> set[int]:
        return set(self.labels.ravel().tolist()) - {0}

    def paint(self, live: np.ndarray, right: np.ndarray | None = None) -> bool:
        """Paint what differs; where a label was `right`, the person has said so."""
        mask = live != self.labels
        right = np.zeros(mask.shape, bool) if right is None else right
        if not mask.any():
            before = self.state()
            self.provenance[right] = ACCEPTED
            self._did("accept", right, before, set(self.open))
            return bool(right.any())
        touched = set(self.labels[mask].tolist()) | set(live[mask].tolist())
        touched -= outsized(self.labels, self.provenance >= ACCEPTED, live)
        self.settle(self.open - touched)
        before, were_open = self.state(), set(self.open)
        self.labels[mask] = live[mask]
        self.provenance[mask] = CORRECTED
        self.provenance[right] = ACCEPTED
        self.open = (self.open | touched) & self.ids()
        self._did("edit", mask | right, before, were_open)
        return True

    def settle(self, ids: set[int]) -> None:
        for object_id in sorted(self.open & ids):
            mask = self._finished(object_id) & (self.provenance < ACCEPTED)
            mask &= self._touched(object_id)
            record = (mask, self.labels.copy(), self.provenance.copy())
            self.provenance[mask] = ACCEPTED
            if self.done:
                self.done[-1].settled.append(record)
        self.open -= ids

    def accept(self, inside: np.ndarray) -> None:
        before = self.state()
        mask = self._in_view(inside) & (self.provenance < ACCEPTED)
        self.provenance[mask] = ACCEPTED
        self._did("accept", mask, before, set(self.open))

    def unverify(self, inside: np.ndarray) -> None:
        self._unverify(self._in_view(inside))

    def unverify_object(self, object_id: int) -> None:
        if object_id in self.ids():
            self._unverify(self._finished(object_id))

    def replace(self, labels: np.ndarray, provenance: np.ndarray) -> None:
        before, were_open = self.state(), set(self.open)
        self.labels[...], self.provenance[...] = labels, provenance
        self.open = set()
        self._did("replace", np.ones(labels.shape, bool), before, were_open)

    def undo(self) -> None:
        if not self.done:
            return
        step = self.done.pop()
        for mask, _, provenance in reversed(step.settled):
            still = mask & (self.provenance == ACCEPTED)
            self.provenance[still] = provenance[still]
        step.after = self.state()
        for now, then in zip((self.labels, self.provenance), step.before, strict=True):
            now[step.mask] = then[step.mask]
        step.open_after, self.open = self.open, step.open_before & self.ids()
        self.undone.append(step)

    def redo(self) -> None:
        if not self.undone:
            return
        step = self.undone.pop()
        step.before = self.state()
        if step.kind == "accept":
            seen = self.labels == step.after[0]
            step.mask = step.mask & seen & (self.provenance < ACCEPTED)
        for now, then in zip((self.labels, self.provenance), step.after, strict=True):
            now[step.mask] = then[step.mask]
        if step.mask.any():
            self.done.append(step)
        settled, step.settled = step.settled, []
        reopened: set[int] = set()
        for mask, labels, _ in settled:
            same = mask & (self.labels == labels)
            reopened |= set(labels[mask & ~same].tolist()) - {0}
            mask = same & (self.provenance < ACCEPTED)
            record = (mask, labels, self.provenance.copy())
            self.provenance[mask] = ACCEPTED
            if self.done:
                self.done[-1].settled.append(record)
        self.open = (self.open - step.open_before) | step.open_after | reopened
        self.open &= self.ids()

    def _did(
        self,
        kind: str,
        mask: np.ndarray,
        before: tuple[np.ndarray, np.ndarray],
        were_open: set[int],
    ) -> None:
        if mask.any():
            self.undone.clear()
            self.done.append(Step(kind, mask, before, self.state(), were_open))

    def _touched(self, object_id: int) -> np.ndarray:
        """Return the planes in which strokes touched an open object."""
        touched = np.zeros(self.labels.shape, bool)
        for step in reversed(self.done):
            about = step.mask & (step.kind == "edit")
            about &= (step.before[0] == object_id) | (step.after[0] == object_id)
            for plane in planes(self.labels.shape):
                touched[plane] |= about[plane].any()
            if object_id not in step.open_before:
                break
        return touched

    def _finished(self, object_id: int) -> np.ndarray:
        body = self.labels == object_id
        size = (*(1,) * (body.ndim - 2), 5, 5)
        ring = grey_dilation(body, size=size) & (self.labels == 0)
        return body | ring & ~self.foreground

    def _in_view(self, inside: np.ndarray) -> np.ndarray:
        """Return what is accepted; `inside` is a part of a plane."""
        scope = inside & (self.labels == 0)
        for object_id in self.ids():
            body = self.labels == object_id
            for plane in planes(self.labels.shape):
                body[plane] &= inside[plane].any()
            if 2 * (body & inside).sum() > body.sum():
                scope |= body
        return scope

    def _unverify(self, scope: np.ndarray) -> None:
        before, were_open = self.state(), set(self.open)
        mask = scope & (self.provenance >= ACCEPTED)
        self.provenance[mask] = PREDICTED
        if mask.any():
            self.open -= set(self.labels[scope].tolist())
        self._did("unverify", mask, before, were_open)


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
