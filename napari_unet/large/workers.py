"""Workers of `dask.distributed`: processes here, or those of a scheduler."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import napari_unet
from napari_unet.core.events import Notice
from napari_unet.core.jobs import within
from napari_unet.core.memory import KEEPING
from napari_unet.errors import InputError, NapariUnetError, how_to_install
from napari_unet.large import own_worker
from napari_unet.large.attending import count_workers, iter_finished, none_of_others
from napari_unet.large.crew import TRIES, Done
from napari_unet.large.run import Run
from napari_unet.large.work import BlocksFailed, predict_share

_IN_FLIGHT = 3
"""Shares that are sent for each worker: one is computed, and others wait there."""

_PATIENCE_S = 15

_PATIENCE_WITH_OWN_S = 60
"""Workers load torch before they say that they are there."""

_LOOK_S = 0.5

_NONE_OF_OWN = (
    "No worker came. In a script, what starts them has to stand below `if __name__ == "
    '"__main__":`, for each worker reads the script again; else the machine is too '
    "busy, or short of memory. What is finished stays."
)

_OWN_WORKERS = {
    f"distributed.nanny.pre-spawn-environ.{name}": value
    for name, value in KEEPING.items()
} | {"distributed.worker.profile.enabled": False}
"""The library lets workers give memory back at once, and blocks need it again. What it
watches them with takes a tenth of their time."""


class Workers:
    """Who leaves when this is closed.

    Parameters
    ----------
    workers, scheduler, device
        As those of `napari_unet.large.engine.Engine`.
    """

    def __init__(self, workers: int | None, scheduler: str | None, device: str) -> None:
        self._workers, self._scheduler, self._device = workers, scheduler, device
        self._client: Any = None
        self._leave = ExitStack()

    def call(self) -> None:
        """Ask for a scheduler, and for workers; these come while others go on."""
        # The library sets its loggers up when it is imported.
        _distributed()
        self._leave.enter_context(_quiet())
        if self._scheduler is None:
            where: Any = self._leave.enter_context(_cluster(self._workers))
        else:
            where = self._scheduler
        self._client = self._leave.enter_context(_client(where))

    def check(self) -> None:
        """Refuse a scheduler that does not answer, or has nobody to send to."""
        _distributed()
        if self._scheduler is not None:
            self._wait()

    def close(self) -> None:
        """Let them go; who is interrupted while they come does not care how."""
        # The library has errors of its own then, and nothing hangs on it any more.
        with suppress(Exception):
            self._leave.close()

    def iter_work(
        self, run: Run, shares: Sequence[tuple[int, ...]]
    ) -> Generator[Done | Notice, None, None]:
        """Send shares as soon as somebody has come."""
        self._wait()
        work = partial(
            predict_share,
            device=self._device,
            # An image without a file travels with each share.
            source=run.source if run.seen.image is None else None,
            threads=None if self._workers is None else 1,
        )
        in_flight = _IN_FLIGHT * (self._workers or count_workers(self._client))
        steps = _iter_there(self._client, run, shares, work, in_flight)
        yield from within(partial(_telling_lost, self._client), steps)
        if self._scheduler is None:
            # They end while the result is written.
            self._client.cluster.scale(0)

    def _wait(self) -> None:
        """Wait for somebody who finds the labels that this process would find."""
        if self._client is None:
            self.call()
        if self._workers is None:
            _wait_for_others(self._client)
        else:
            _wait_for_own(self._client)
        _refuse_other_versions(self._client)


@contextmanager
def _cluster(workers: int | None) -> Iterator[Any]:
    """Start a scheduler here, and workers, for which nobody waits."""
    # It comes with the library.
    import dask

    with (
        dask.config.set(_OWN_WORKERS),
        _distributed().LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            # What takes longest is loaded before there is anything to do.
            preload=[own_worker.__name__],
        ) as cluster,
    ):
        cluster.scale(workers or 1)
        yield cluster


def _client(where: Any) -> Any:
    """Return a client of a scheduler that answers."""
    try:
        return _distributed().Client(where, timeout=_PATIENCE_S)
    except (OSError, ValueError) as error:
        raise InputError(
            f"No scheduler answers at {where!r}; check the address, or start one: dask "
            "scheduler. What is finished stays."
        ) from error


def _iter_there(
    client: Any,
    run: Run,
    shares: Sequence[tuple[int, ...]],
    work: Callable[[str, tuple[int, ...]], tuple[int, ...]],
    in_flight: int,
) -> Generator[Done | Notice, None, None]:
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

    for _ in range(min(len(waiting), in_flight)):
        send()
    for found in iter_finished(client, completed):
        if isinstance(found, Notice):
            yield found
            continue
        yield _outcome(run, found, flying.pop(found))
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
    # What fails in a task of its own is told by the loop.
    names = "distributed", "distributed.client", "asyncio"
    loggers = [logging.getLogger(name) for name in names]
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
    # What a share returns can be lost with its worker; its blocks lie on the disk.
    if future.status in ("finished", "lost"):
        return Done(share, {})
    if future.status == "cancelled":
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


def _wait_for_others(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except TimeoutError as error:
        raise InputError(none_of_others(client)) from error


def _wait_for_own(client: Any) -> None:
    failed = _distributed().Status.failed
    own = client.cluster.workers
    give_up = time.monotonic() + _PATIENCE_WITH_OWN_S
    while time.monotonic() < give_up:
        if own and all(each.status == failed for each in own.values()):
            break
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=_LOOK_S)
            return
    raise InputError(_NONE_OF_OWN)


def _refuse_other_versions(client: Any) -> None:
    """Refuse workers that would find other labels, or none at all."""
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
