"""A journal and what is written down in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.geometry.box import Box
from napari_unet.project.identity import ImageFields, ImageIdentity
from napari_unet.project.journal import Journal, Syncer
from napari_unet.project.journal_reader import read_journal

SHAPE = (20, 30)
IMAGE = ImageIdentity.of("a", np.zeros(SHAPE, np.uint8), "YX")
FIELDS = ImageFields.of(IMAGE, Path())


class Desk:
    """A folder, an annotation that is written down there, and its journal."""

    def __init__(self, folder, sequence=0, prepare=lambda: None):
        self.folder = folder
        self.syncer = Syncer()
        self.annotation = Annotation(np.zeros(SHAPE, np.int32))
        fields = ImageFields.of(IMAGE, folder.parent)
        self.journal = Journal(
            folder, IMAGE.key, fields, sequence, self.syncer, prepare
        )
        self.annotation.listener = self.journal.append

    def paint(self, number=1):
        for _ in range(number):
            label = self.annotation.new_id()
            self.annotation.labels[label % 19, :5] = label
            self.annotation.notice_change(Box.whole(SHAPE))

    def read(self):
        return read_journal(self.folder, IMAGE.key, FIELDS)

    def numbers(self):
        return [logged.sequence for logged in self.read().logged]
