"""Who does the work: this process, or the workers of `dask.distributed`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import napari_unet
from napari_unet.core.jobs import mapped, within
from napari_unet.errors import InputError, NapariUnetError, how_to_install
from napari_unet.images.source import ImageSource
from napari_unet.large.run import Run
from napari_unet.large.work import BlocksFailed, iter_predict_share, predict_share

TRIES = 3
"""How often a share is tried whose blocks fail."""

_IN_FLIGHT = 3
"""Shares that are sent for each worker: one is computed, and others wait there."""

_PATIENCE_S = 15

_MEMORY_IS_KEPT = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}
"""The library lets workers give memory back at once. Blocks take and free some hundred
megabytes many times, and getting it anew each time doubled the time of a block."""


@dataclass(frozen=True, slots=True)
class Done:
    """Blocks that are finished, and why others of their share are not."""

    numbers: tuple[int, ...]
    failed: dict[int, str]


@dataclass(frozen=True, slots=True)
class Engine:
    """Where shares are predicted.

    Parameters
    ----------
    workers : int, optional
        Processes on this machine, with a thread each.
    scheduler : str, optional
        The address of a scheduler of dask, which has workers.
    device : str
        Where networks compute.
    """

    workers: int | None = None
    scheduler: str | None = None
    device: str = "auto"

    def iter_work(
        self, run: Run, shares: Sequence[tuple[int, ...]], source: ImageSource | None
    ) -> Generator[Done, None, None]:
        """Predict shares, in any order; tells of blocks as they are finished."""
        if self.workers is None and self.scheduler is None:
            yield from _iter_here(run, shares)
            return
        # The library sets its loggers up when it is imported.
        _distributed()
        with _quiet(), _client(self) as client:
            _refuse_other_versions(client)
            threads = None if self.workers is None else 1
            work = partial(predict_share, device=self.device, source=source)
            steps = _iter_there(client, run, shares, partial(work, threads=threads))
            yield from within(partial(_telling_lost, client), steps)


def _iter_here(
    run: Run, shares: Sequence[tuple[int, ...]]
) -> Generator[Done, None, None]:
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


def _iter_there(
    client: Any,
    run: Run,
    shares: Sequence[tuple[int, ...]],
    work: Callable[[str, tuple[int, ...]], tuple[int, ...]],
) -> Generator[Done, None, None]:
    """Send shares to workers, never more than these are about to need."""
    waiting = list(reversed(shares))
    folder = str(run.folder.folder.resolve())
    flying: dict[Any, tuple[int, ...]] = {}
    completed = _distributed().as_completed(raise_errors=False)

    def send() -> None:
        share = waiting.pop()
        future = client.submit(work, folder, share, retries=TRIES - 1, pure=False)
        flying[future] = share
        completed.add(future)

    for _ in range(min(len(waiting), _IN_FLIGHT * max(1, _count_workers(client)))):
        send()
    for future in completed:
        share = flying.pop(future)
        yield _outcome(run, future, share)
        if waiting:
            send()


@contextmanager
def _telling_lost(client: Any) -> Iterator[None]:
    """Say that the scheduler has gone, whatever the library says of it then."""
    try:
        yield
    except NapariUnetError:
        raise
    # What is raised depends on what was asked of it last.
    except Exception as error:
        if client.status == "running":
            raise
        raise _gone() from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from writing of what is told in a sentence."""
    loggers = [
        logging.getLogger(name) for name in ("distributed", "distributed.client")
    ]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _gone() -> InputError:
    return InputError(
        "The scheduler is not there any more; start it again. What is finished stays: "
        "the same command goes on."
    )


def _outcome(run: Run, future: Any, share: tuple[int, ...]) -> Done:
    """Return what came of a share; raise what ends the run."""
    if future.status == "finished":
        return Done(share, {})
    if future.status in ("cancelled", "lost"):
        raise _gone()
    error = future.exception()
    if isinstance(error, BlocksFailed):
        return Done(tuple(n for n in share if n not in error.why), error.why)
    if isinstance(error, NapariUnetError):
        raise error
    # A worker that died, each time.
    there = run.folder.done()
    words = f"the worker died, or lost the share ({type(error).__name__})"
    missing = {n: words for n in share if n not in there}
    return Done(tuple(n for n in share if n in there), missing)


def _count_workers(client: Any) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


@contextmanager
def _client(engine: Engine) -> Iterator[Any]:
    """Connect to a scheduler, or start one with workers here."""
    distributed = _distributed()
    if engine.scheduler is None:
        # It comes with the library.
        import dask

        with (
            dask.config.set(_MEMORY_IS_KEPT),
            distributed.LocalCluster(
                n_workers=engine.workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=":0",
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(engine.scheduler, timeout=_PATIENCE_S)
    except (OSError, ValueError) as error:
        raise InputError(
            f"No scheduler answers at {engine.scheduler!r}; check the address, or "
            "start one: dask scheduler. What is finished stays."
        ) from error
    with client:
        yield client


def _distributed() -> Any:
    """Return the library."""
    try:
        # Few need it, and it is not there without an extra.
        import distributed
    except ImportError as error:
        raise InputError(
            "--workers and --scheduler need the package dask.distributed; "
            f"{how_to_install('scale')}"
        ) from error
    return distributed


def _refuse_other_versions(client: Any) -> None:
    """Refuse workers that would find other labels, or none at all."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except TimeoutError as error:
        raise InputError(
            f"The scheduler {client.scheduler.address!r} has no workers; start some: "
            f"dask worker {client.scheduler.address}"
        ) from error
    # Where the program is missing, the question cannot even be read there.
    found = client.run(version_here, on_error="return")
    others = {where: v for where, v in found.items() if v != napari_unet.__version__}
    if others:
        where, version = next(iter(others.items()))
        has = f"has napari-unet {version}"
        if not isinstance(version, str):
            has = "has no napari-unet"
        raise InputError(
            f"The worker {where} {has}, and this is {napari_unet.__version__}; install "
            "the same version everywhere."
        )


def version_here() -> str:
    """Return the version of the program in the process that is asked."""
    return napari_unet.__version__
