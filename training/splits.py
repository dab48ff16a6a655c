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
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from training.groups import GROUPS, group_pictures
from training.pictures import GENERATED, read_pictures

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
    films : tuple of tuple of str
        Pictures of one film, field or object, which no part has without the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    test: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    sets: tuple[str, ...] = Field(default=(), exclude=True)
    films: tuple[tuple[str, ...], ...] = ()

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
        familiar = _drawn(self._by_film(known), len(known) // 10)
        return sorted({*known} - {*familiar}), sorted(familiar), sorted(strangers)

    def _by_film(self, stems: list[str]) -> list[list[str]]:
        """Return pictures, those of one film together."""
        film_of = {stem: film[0] for film in self.films for stem in film}
        films: dict[str, list[str]] = {}
        for stem in stems:
            films.setdefault(film_of.get(stem, stem), []).append(stem)
        return list(films.values())


def _drawn(films: Sequence[Sequence[str]], count: int) -> list[str]:
    """Return so many pictures, or a few more, of randomly chosen films."""
    chosen: list[str] = []
    for i in np.random.default_rng(SEED).permutation(len(films)):
        if len(chosen) < count:
            chosen += films[i]
    return chosen


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
        films=tuple(film for split in splits for film in split.films),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """How a data set is split.

    Parameters
    ----------
    groups : int
        Number of groups of alike pictures.
    least : int
        So many pictures judge at least; 0 for none at all.
    together : str
        Pictures in whose names this pattern finds the same are not parted.
    judges : str, optional
        Pictures in whose names this pattern is found judge, instead of random ones.
    """

    groups: int = GROUPS
    least: int = 1
    together: str = ".*"
    judges: str | None = None


CHOICES = {
    # Wells of a plate.
    "nuclei_u2os": Choice(4, 5, r"^IXMtest_[A-P]\d\d"),
    "nuclei_brightfield": Choice(3, 2),
    # Both channels of a field.
    "bacteria_two_channel": Choice(2, 4, r"^ds1_\d+"),
    "nanoparticles_em": Choice(4, 3),
    # Tiles of one sample touch.
    "particles_sem": Choice(2, 1, r"Sc\d"),
    "precipitates_sem": Choice(2, 2),
    # The others are mosaics of each other.
    "nanoshapes_tem": Choice(2, 4, r"^train|.*", judges="^test"),
    # Sections of one block: a quarter of the field through all of them.
    "chloroplasts_em": Choice(2, 4, r"_\d\d$"),
    "neurons_brightfield": Choice(2, 4),
    # One film of one field: it trains, and judges nothing.
    "myoblasts_phase": Choice(1, 0, "^t"),
    # Slides, of which there are several photographs.
    "embryos_brightfield": Choice(2, 3, r"\dd\d\d"),
    # Photographs that were taken one after the other.
    "mushrooms_photo": Choice(2, 1, r"IMG_\d\d"),
    GENERATED: Choice(4, 4),
    # The only picture.
    "plant_membranes": Choice(1, 0),
}
"""How data sets are split of which there are films, fields and wells, or few."""


def make_split(folder: Path, choice: Choice) -> Split:
    """Draw a random tenth by picture, or so many at least, and group all of them."""
    pictures = read_pictures(folder)
    groups = group_pictures(pictures, choice.groups)
    films: dict[str, list[str]] = defaultdict(list)
    for stem in sorted(groups):
        found = re.search(choice.together, stem)
        films[found[0] if found else stem].append(stem)
    by_group: dict[int, list[str]] = defaultdict(list)
    for film in films.values():
        most = Counter(groups[stem] for stem in film).most_common(1)[0][0]
        by_group[most] += film
    if choice.judges is not None:
        test = [stem for stem in groups if re.search(choice.judges, stem)]
    else:
        count = max(choice.least, len(groups) // 10) if choice.least else 0
        test = _drawn([films[name] for name in sorted(films)], count)
    return Split(
        test=tuple(sorted(test)),
        groups=tuple(tuple(sorted(by_group[n])) for n in sorted(by_group)),
        films=tuple(tuple(film) for film in films.values() if len(film) > 1),
    )


def main() -> None:
    """Parse the command line and write the split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--set", default="nuclei_fluorescence")
    parser.add_argument("--groups", type=int, default=GROUPS)
    parser.add_argument("--least", type=int, default=1)
    parser.add_argument("--together", default=".*", metavar="PATTERN")
    parser.add_argument("--judges", metavar="PATTERN")
    args = parser.parse_args()
    said = Choice(args.groups, args.least, args.together, args.judges)
    split = make_split(args.data / args.set, CHOICES.get(args.set, said))
    text = json.dumps(split.model_dump(exclude_defaults=True), indent=1)
    (_HERE / f"{args.set}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
