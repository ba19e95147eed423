"""Several graphics cards of one machine: one process a card, the same weights in all, gradients averaged.

Started by torchrun, which sets the environment. Batch number b of a step goes to rank b modulo the number of ranks, so
two ranks learn what one learns with `accumulate` = 2. Imports torch, so import this module inside functions only.

On graphics cards (NCCL) this has not been run; two processes on a processor (gloo) are what the tests run.
"""

import atexit
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import distributed


class RankDoneError(Exception):
    """Ends a process that only helped: the first one goes on alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """This process among those that train together.

    Attributes:
        rank: From 0; rank 0 writes, reports and chooses.
        world: How many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace every gradient by its mean over all ranks; parameters without one count as 0."""
        if self.world == 1:
            return
        for one in parameters:
            if one.requires_grad:
                one.grad = torch.zeros_like(one) if one.grad is None else one.grad
                distributed.all_reduce(one.grad)
                one.grad /= self.world

    def share(self, value: Any) -> Any:
        """What the first rank has."""
        if self.world == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def wait(self) -> None:
        """Go on when all ranks are here."""
        if self.world > 1:
            distributed.barrier()

    def part(self) -> None:
        """End working together, all ranks at once; nothing can be shared afterwards.

        A group that is left open while a peer goes has threads that can abort a process.
        """
        self.wait()
        _leave()


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


def join_ranks() -> Ranks:
    """This process's place as torchrun says; alone without it."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Ranks()
    if not distributed.is_initialized():
        on_cards = torch.cuda.is_available()
        if on_cards:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if on_cards else "gloo")
        atexit.register(_leave)  # where an error ended the work
    return Ranks(rank=distributed.get_rank(), world=world)
