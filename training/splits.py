"""Which pictures train, which choose, and which judge; written down beside this file.

    python -m training.splits --data DIR

`DIR` is the folder of all data sets. A random tenth of the pictures judges and is never
trained. Of the others, whole groups of alike pictures can be held out, one fold of
groups after the other, to imitate the images of a stranger (`training.groups`).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from training.groups import GROUPS, group_pictures
from training.pictures import read_pictures

SEED = 2018
FOLDS = 4
_HERE = Path(__file__).parent / "held_out"


class Split(BaseModel):
    """The parts of a data set, by the stems of its files.

    Parameters
    ----------
    test : tuple of str
        Never trained.
    groups : tuple of tuple of str
        All pictures, by group.
    sets : tuple of str
        Name of the data set of every group; not written down.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    test: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    sets: tuple[str, ...] = Field(default=(), exclude=True)

    def group_of(self, stem: str) -> int:
        """Return the number of a picture's group."""
        return next(n for n, group in enumerate(self.groups) if stem in group)

    def set_of(self, stem: str) -> str:
        """Return the name of a picture's data set; nothing where it is not known."""
        return self.sets[self.group_of(stem)] if self.sets else ""

    def parts(self, fold: int | None) -> tuple[list[str], list[str], list[str]]:
        """Return who trains, who is familiar and who is a stranger.

        Parameters
        ----------
        fold : int, optional
            Groups of this fold are strangers, and a tenth of what is left is familiar:
            neither is trained. None trains on all but the test.
        """
        usable = [[s for s in group if s not in self.test] for group in self.groups]
        if fold is None:
            return sorted([s for group in usable for s in group]), list(self.test), []
        strangers = [s for group in usable[fold::FOLDS] for s in group]
        known = sorted({s for group in usable for s in group} - set(strangers))
        order = np.random.default_rng(SEED).permutation(len(known))
        familiar = [known[i] for i in order[: len(known) // 10]]
        return sorted({*known} - {*familiar}), sorted(familiar), sorted(strangers)


def read_split(names: Sequence[str]) -> Split:
    """Return the split of one data set, or of several as if they were one."""
    splits = [
        Split.model_validate_json((_HERE / f"{name}.json").read_text())
        for name in names
    ]
    return Split(
        test=tuple(stem for split in splits for stem in split.test),
        groups=tuple(group for split in splits for group in split.groups),
        sets=tuple(
            name
            for name, split in zip(names, splits, strict=True)
            for _ in split.groups
        ),
    )


def make_split(folder: Path, count: int, least: int, together: str) -> Split:
    """Draw a random tenth by picture, or so many at least, and group all of them.

    Pictures whose names begin alike, as the pattern `together` says, are not parted.
    """
    pictures = read_pictures(folder)
    stems = [each.stem for each in pictures]
    groups = group_pictures(pictures, count)
    origins = [re.match(together, stem)[0] for stem in stems]
    every = sorted(set(origins))
    test: list[str] = []
    for i in np.random.default_rng(SEED).permutation(len(every)):
        if len(test) < max(least, len(stems) // 10):
            test += [s for s, o in zip(stems, origins, strict=True) if o == every[i]]
    return Split(
        test=tuple(sorted(test)),
        groups=tuple(
            tuple(sorted(s for s in stems if groups[s] == n))
            for n in range(1 + max(groups.values()))
        ),
    )


def main() -> None:
    """Parse the command line and write the split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--set", default="nuclei_fluorescence")
    parser.add_argument("--groups", type=int, default=GROUPS)
    parser.add_argument("--least", type=int, default=1)
    parser.add_argument("--together", default=".*", metavar="PATTERN")
    args = parser.parse_args()
    split = make_split(args.data / args.set, args.groups, args.least, args.together)
    text = json.dumps(split.model_dump(), indent=1)
    (_HERE / f"{args.set}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
