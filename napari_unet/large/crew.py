"""Those who predict the blocks of an image, and what they tell of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from napari_unet.core.events import Notice
from napari_unet.core.jobs import mapped
from napari_unet.large.run import Run
from napari_unet.large.work import BlocksFailed, iter_predict_share

TRIES = 3
"""How often a share is tried whose blocks fail."""


@dataclass(frozen=True, slots=True)
class Done:
    """Blocks that are finished, and why others of their share are not."""

    numbers: tuple[int, ...]
    failed: dict[int, str]


class Crew(Protocol):
    """Those who do the work of one prediction."""

    def check(self) -> None:
        """Raise an InputError if there is nobody to do any work."""
        ...

    def call(self) -> None:
        """Let them get ready, while somebody still looks at the image."""
        ...

    def iter_work(
        self, run: Run, shares: Sequence[tuple[int, ...]]
    ) -> Generator[Done | Notice, None, None]:
        """Predict shares, in any order; tells of blocks as they are finished."""
        ...


class Here:
    """What is done in this process, which is always ready."""

    def check(self) -> None:
        """Find nothing to say."""

    def call(self) -> None:
        """Do nothing."""

    def iter_work(
        self, run: Run, shares: Sequence[tuple[int, ...]]
    ) -> Generator[Done, None, None]:
        """Predict one share after the other."""
        for share in shares:
            for attempt in range(1, TRIES + 1):
                try:
                    steps = iter_predict_share(run, share)
                    yield from mapped(lambda number: Done((number,), {}), steps)
                except BlocksFailed as error:
                    if attempt == TRIES:
                        yield Done((), error.why)
                else:
                    break
