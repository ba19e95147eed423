"""The fewest things whose removal brings an item across a rank.

Beam search over sets of positions. Every set was really ranked, so what is found is never wrong, but a smaller set may
have been missed.
"""

import math
from collections.abc import Callable, Collection, Mapping

#: The rank that a nearest flip crosses.
FLIP_RANK = 10
#: Sets that are kept at each size, and the largest size.
_BEAM, _MOST_EDITS = 5, 4

#: What is taken away: ascending numbers of things.
Positions = tuple[int, ...]
#: Ranks the item without each set; None where it is not ranked. Sets that cannot be taken away are left out.
RankSets = Callable[[Collection[Positions]], Mapping[Positions, int | None]]


def find_fewest(count: int, rank_sets: RankSets, *, across: int = FLIP_RANK) -> Positions | None:
    """Find the fewest things whose removal brings the item across a rank; none of them could be put back.

    Args:
        count: Number of things.
        rank_sets: Ranks the item without sets of them.
        across: An item within this rank is to fall behind it, any other to come within it.
    """
    inside = _is_inside(rank_sets([()])[()], across)
    pool = list(range(count))
    beam: list[Positions] = [()]
    for edits in range(1, min(_MOST_EDITS, count) + 1):
        tried = rank_sets({tuple(sorted({*kept, new})) for kept in beam for new in pool if new not in kept})
        flipped = [positions for positions, rank in tried.items() if _is_inside(rank, across) != inside]
        if flipped:
            return _prune(min(flipped), rank_sets, across, inside=inside)
        beam = _keep_best(tried, inside=inside)
        if edits == 1:  # larger sets are made of the things that move it most by themselves
            pool = [position for (position,) in beam]
    return None


def _keep_best(tried: Mapping[Positions, int | None], *, inside: bool) -> list[Positions]:
    """Sets after which the item stands nearest to the other side."""
    sign = -1 if inside else 1
    return sorted(tried, key=lambda positions: (sign * (tried[positions] or math.inf), positions))[:_BEAM]


def _prune(positions: Positions, rank_sets: RankSets, across: int, *, inside: bool) -> Positions:
    """Put things back as long as the item stays on the other side."""
    fewer = [tuple(one for one in positions if one != position) for position in positions] if len(positions) > 1 else []
    crossed = [kept for kept, rank in rank_sets(fewer).items() if _is_inside(rank, across) != inside]
    return _prune(crossed[0], rank_sets, across, inside=inside) if crossed else positions


def _is_inside(rank: int | None, across: int) -> bool:
    return rank is not None and rank <= across
