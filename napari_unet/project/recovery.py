"""A save and its journal become the annotation that there was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.schema import LabelSchema
from napari_unet.project.store import StoredAnnotation
from napari_unet.tasks import task_of


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found in a journal beyond the last save.

    Parameters
    ----------
    changes : int
        Changes that happened again.
    torn : bool
        Whether a stroke was under way when the program ended, and is dropped.
    missing : int
        Changes after the save that cannot be read, or are not there.
    until : datetime or None
        When the last of the changes happened.
    """

    changes: int = 0
    torn: bool = False
    missing: int = 0
    until: datetime | None = None

    @property
    def lossless(self) -> bool:
        """Whether nothing but strokes under way was lost."""
        return not self.missing

    def describe(self) -> str:
        """Return it in words; nothing where there is nothing to tell."""
        words = []
        if self.changes and self.until is not None:
            until = self.until.astimezone()
            words.append(
                f"Recovered after a crash: {_count(self.changes, 'change')} after the "
                f"last save, up to {until:%d %B, %H:%M:%S}."
            )
        if self.torn:
            words.append("A stroke was under way when the program ended; it is lost.")
        if self.missing:
            words.append(
                f"{_count(self.missing, 'change')} in the journal cannot be read; look "
                "at the labels, and bring the folder back from a backup if something "
                "is missing."
            )
        return " ".join(words)


NOTHING = Recovered()


def saved_annotation(schema: LabelSchema, stored: StoredAnnotation) -> Annotation:
    """Return the annotation as it was saved; `recover` brings back what came after.

    Raises
    ------
    InputError
        If the maps are none of this schema.
    """
    restored = task_of(schema).labels.restored
    return restored(stored.labels, stored.provenance, stored.next_id)


def recover(annotation: Annotation, stored: StoredAnnotation) -> Recovered:
    """Bring an annotation from its save to where its journal ends.

    Parameters
    ----------
    annotation : Annotation
        Holds what was saved. Afterwards it is what it was when the last change was
        written down; strokes before and after the save can be undone.
    stored : StoredAnnotation
        What was read.
    """
    journal = stored.journal
    after = journal.after(stored.sequence)
    for logged in journal.logged:
        if logged.sequence <= stored.sequence:
            annotation.recall(logged.change)
    for logged in after:
        annotation.repeat(logged.change)
    # What is torn or damaged before the end of the save is in the save.
    end = journal.last + journal.trailing
    torn = journal.torn and end >= stored.sequence
    numbers = [stored.sequence, *(logged.sequence for logged in after)]
    missing = sum(max(0, b - a - 1) for a, b in pairwise(numbers))
    missing += max(0, end - max(journal.last, stored.sequence))
    until = after[-1].time if after else None
    return Recovered(len(after), torn, missing, until)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
