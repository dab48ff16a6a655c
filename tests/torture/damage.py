"""Damages every file of a project, one at a time, and opens what is left."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.provenance import is_verified
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageIdentity
from tests.annotation.painter import Painter
from tests.torture.judge import read_back
from tests.torture.scene import Life, picture
from tests.torture.scripts import a_short_training


@dataclass
class Damage:
    """What was damaged, how often, and what was lost."""

    files: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)


def run_damage(home: Path, rounds: int, seed: int) -> Damage:
    """Damage every file of a project so many times.

    Every file is cut at a random byte, or gets a flipped bit, alone. What a person
    verified must come back whole, from another save or from the journal.
    """
    rng, total = random.Random(seed), Damage()
    expected = _make_project(home)
    folder, copy = home / "plane.unet", home / "copy.unet"
    image = ImageIdentity.of("plane", picture("plane"), "YX")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files * rounds:
        relative = path.relative_to(folder)
        shutil.copytree(folder, copy)
        what = _damage(copy / relative, rng)
        total.files[relative.parts[0]] += 1
        problem = _problem(copy, image, expected)
        if problem:
            total.lost.append(f"{relative}, {what}: {problem}")
        shutil.rmtree(copy)
    return total


def _make_project(home: Path) -> Annotation:
    """Work for a while, over several saves, a training and a restart."""
    for number in range(3):
        life = Life(home, "instances")
        image = life.open("plane")
        if not number:
            life.session.predict()
            life.run()
        for step in range(4):
            painter = Painter(image.annotation)
            where = np.s_[4 * step : 4 * step + 3, 8 * number : 8 * number + 6]
            painter.write(where, image.annotation.new_id())
            image.annotation.notice_change(painter.whole)
            life.session.note_edit(image)
            life.wait(11.0)
        with a_short_training("instances", better=True):
            life.session.finetune(1)
            life.run()
            life.wait(11.0)
        # What is newer than the last save exists once; everything else twice.
        life.close()
    return image.annotation


def _damage(path: Path, rng: random.Random) -> str:
    content = bytearray(path.read_bytes())
    position = rng.randrange(len(content))
    if rng.random() < 0.5:
        path.write_bytes(content[:position])
        return f"cut at byte {position} of {len(content)}"
    bit = rng.randrange(8)
    content[position] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {position} flipped"


def _problem(folder: Path, image: ImageIdentity, expected: Annotation) -> str:
    try:
        found = read_back(folder, image)
    except (StorageError, AssertionError) as error:
        return str(error)
    verified = is_verified(expected.provenance)
    for name in ("labels", "provenance"):
        one, other = getattr(found, name), getattr(expected, name)
        if not np.array_equal(one[verified], other[verified]):
            return f"{name} of verified pixels differ"
    return ""
