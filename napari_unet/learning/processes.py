"""Processes that train one model together, each with a device.

Every process draws the same crops and computes some of them; gradients are added up
before each step, so all take the same one. A loss is divided by how much is known in a
micro-batch, and batch normalisation by how many pixels there are, so a mean of means
would be another loss: where a micro-batch is shared, its sums are added up over all
processes, forwards and backwards. Losses and weights are those of one process, but for
the last digits. Only the leader measures, keeps and writes; the others wait.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from napari_unet.core.torchrun import count_processes, place_on_machine
from napari_unet.errors import DeviceError, InputError
from napari_unet.learning.team import Team
from napari_unet.nets.device import resolve_device

_PATIENCE = timedelta(hours=2)
"""For the leader, which measures a model while the others wait."""


class Processes(Team):
    """One of several processes that torchrun started.

    Parameters
    ----------
    store : Store
        What all of them see, also when one has ended.
    """

    def __init__(self, rank: int, size: int, store: Store) -> None:
        self.rank, self.size = rank, size
        self._store = store
        self._shared = False

    def connect(self, device: str) -> None:
        """Take the device of this process, and reach the others; see `met_team`."""
        backend = _take_device(device)
        with _meeting(self.size):
            dist.init_process_group(
                backend,
                store=PrefixStore("training", self._store),
                rank=self.rank,
                world_size=self.size,
                timeout=_PATIENCE,
            )

    def deal(self, total: int, micro: int) -> list[slice]:
        """Return this process's crops of a step; see `deal_out`."""
        parts, self._shared = deal_out(total, micro, self.rank, self.size)
        return parts

    def learner(self, net: nn.Module) -> nn.Module:
        """Return the network with gradients that are means over all processes."""
        _share_norms(net, self)
        return DistributedDataParallel(net)

    def more_to_come(self, learner: nn.Module) -> AbstractContextManager[object]:
        """Return torch's `no_sync`."""
        assert isinstance(learner, DistributedDataParallel)
        return learner.no_sync()

    def add(self, sums: Tensor) -> Tensor:
        """Add up over all processes, where they share what is computed at once."""
        # torch has left it untyped.
        return _Sum.apply(sums) if self._shared else sums  # type: ignore[no-untyped-call]

    def total(self, number: float) -> float:
        """Add up a number over all processes."""
        found = torch.tensor(number, dtype=torch.float64)
        dist.all_reduce(found)
        return float(found)

    def agree(self, number: float) -> float:
        """Return the leader's number; all wait until it comes."""
        found = torch.tensor(number, dtype=torch.float64)
        dist.broadcast(found, src=0)
        return float(found)

    def is_first_to_tell(self) -> bool:
        """Return whether no other process has told; also where nobody can know."""
        try:
            return int(self._store.add("told", 1)) == 1
        except RuntimeError:  # the process that keeps it has ended
            return True


def deal_out(total: int, micro: int, rank: int, size: int) -> tuple[list[slice], bool]:
    """Return a process's crops of a step, and whether all processes share each part.

    They share every micro-batch that is large enough. Smaller ones are dealt out whole;
    where there are too few of them, all crops are one micro-batch, of which a process
    has no more than it would have had alone.

    Raises
    ------
    InputError
        If not all processes would have as many crops.
    """
    if total % size:
        raise InputError(
            f"{size} processes cannot share the {total} crops of a step evenly; give "
            f"each as many, such as with --batch {-(-total // size) * size}, or start "
            "another number of processes."
        )
    if micro < size <= -(-total // micro):
        firsts = range(0, total, micro)[rank::size]
        return [slice(first, min(total, first + micro)) for first in firsts], False
    micro = min(total, micro - micro % size or total)
    parts = []
    for first in range(0, total, micro):
        count = min(micro, total - first) // size
        parts.append(slice(first + rank * count, first + (rank + 1) * count))
    return parts, True


class _Sum(torch.autograd.Function):
    """The sum over all processes: each one's part has the gradients of all of them."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:  # noqa: ARG004
        """Add up."""
        whole = part.contiguous().clone()
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        """Add up, too."""
        whole = gradients[0].contiguous().clone()
        dist.all_reduce(whole)
        return whole


class SharedNorm(nn.BatchNorm2d):
    """Batch normalisation by what all processes compute at once, on any device.

    For planes and volumes. torch's own `SyncBatchNorm` runs on graphics cards alone.
    """

    def __init__(self, norm: nn.BatchNorm2d | nn.BatchNorm3d, team: Team) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self._team = team
        self.weight, self.bias = norm.weight, norm.bias
        for name, value in norm.named_buffers():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, *extent), and remember the statistics."""
        dims = (0, *range(2, x.ndim))
        shape = (-1, *[1] * (x.ndim - 2))
        values = x.float()
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = self._team.add(torch.cat([values.sum(dims), count]))
        pixels = sums[-1].detach()
        mean = sums[:-1] / pixels
        centred = values - mean.view(shape)
        variance = self._team.add(centred.square().sum(dims)) / pixels
        self._remember(mean, variance * pixels / (pixels - 1).clamp_min(1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(shape) + self.bias.view(shape)).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        share = self.momentum or 0.0
        for kept, now in ((self.running_mean, mean), (self.running_var, variance)):
            assert kept is not None
            kept.lerp_(now, share)
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1


def _share_norms(net: nn.Module, team: Team) -> None:
    """Let batch normalisations that learn statistics do so from all processes."""
    for name, module in net.named_children():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d) and module.training:
            setattr(net, name, SharedNorm(module, team))
        else:
            _share_norms(module, team)


@contextmanager
def met_team() -> Iterator[Team]:
    """Meet the processes that torchrun started with this one.

    After that each is to `connect`.

    Raises
    ------
    DeviceError
        If they do not find each other, or there are more of them than graphics cards.
    InputError
        If the device cannot be shared in this way.
    """
    size = count_processes()
    if size == 1:
        yield Team()
        return
    with _meeting(size):
        store, rank, _ = next(rendezvous("env://", timeout=_PATIENCE))
    # Who ends by an error holds the network until the error is told.
    atexit.register(gc.collect)
    try:
        yield Processes(rank, size, PrefixStore("napari-unet", store))
    finally:
        _part()


def _part() -> None:
    """Leave the others, and wait for the threads that reached them.

    Such a thread frees what it has sent, for which it needs Python, and where that has
    ended before, the system ends the process as if it had failed. Threads end with the
    group, and that with the last network that is shared, which holds itself.
    """
    if dist.is_initialized():
        gc.collect()
        with suppress(RuntimeError):  # the others may have ended
            dist.destroy_process_group()


@contextmanager
def _meeting(size: int) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(
            f"The {size} processes did not find each other ({reason}); check that all "
            "were started by torchrun, with the same address and port."
        ) from error


def _take_device(name: str) -> str:
    """Take the device of this process; return by what they reach each other."""
    device = resolve_device(name)
    if device.type == "mps":
        raise InputError(
            "Several processes cannot share the graphics of a Mac; add --device cpu, "
            "or start one process without torchrun."
        )
    if device.type == "cpu":
        return "gloo"
    place, there = place_on_machine(), torch.cuda.device_count()
    if place >= there:
        raise DeviceError(
            f"torchrun has started {place + 1} processes or more on this machine, and "
            f"it has {there} graphics card{'s' if there > 1 else ''}; start one a card "
            f"(--nproc-per-node {there}), or train on the CPU (--device cpu)."
        )
    torch.cuda.set_device(place)
    return "cpu:gloo,cuda:nccl"


def peer_has_ended(error: BaseException) -> bool:
    """Return whether an error means that another process cannot be reached."""
    words: Any = str(error).lower()
    signs = ("gloo", "nccl", "connection closed by peer", "connection reset by peer")
    return isinstance(error, dist.DistError) or any(sign in words for sign in signs)
