"""Exact game theory over a handful of players.

A coalition is a number whose bit i says whether player i takes part, so a game of n players is an array of 2^n values.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

#: 2^n coalitions are all valued; more than this would no longer be cheap.
MOST_PLAYERS = 8


def value_game(players: Sequence[str], value: Callable[[Sequence[frozenset[str]]], NDArray[np.float64]]) -> NDArray:  # type: ignore[type-arg]
    """Value all coalitions of players in one call.

    Args:
        players: Names, n of them.
        value: Coalitions to their values, (2^n,).

    Returns:
        Values, (2^n,), the coalition of number c at c.

    Raises:
        ValueError: There are more than `MOST_PLAYERS`.
    """
    if len(players) > MOST_PLAYERS:
        raise ValueError(f"at most {MOST_PLAYERS} players can be valued exactly, not {len(players)}")
    return np.asarray(value([members(players, number) for number in range(2 ** len(players))]), np.float64)


def members(players: Sequence[str], number: int) -> frozenset[str]:
    """The players of a coalition.

    Examples:
        >>> sorted(members(("picture", "title", "category"), 0b101))
        ['category', 'picture']
    """
    return frozenset(name for place, name in enumerate(players) if number >> place & 1)


def shapley_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each player adds on average over all orders in which they could come in, (n,).

    The values sum to value(all) - value(nobody).

    Args:
        values: Of all coalitions, (2^n,).

    Source: Shapley 1953, "A value for n-person games".

    Examples:
        >>> nobody, first, second, both = 0.0, 1.0, 2.0, 5.0
        >>> shapley_values(np.array([nobody, first, second, both]))
        array([2., 3.])
    """
    count = _count_players(values)
    found = np.zeros(count)
    for number in range(len(values)):
        size = number.bit_count()
        for player in range(count):
            if not number >> player & 1:
                weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
                found[player] += weight * (values[number | 1 << player] - values[number])
    return found


def shapley_interactions(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much more two players add together than each alone, on average over the others, symmetric, (n, n).

    Args:
        values: Of all coalitions, (2^n,).

    Source: Grabisch & Roubens 1999, "An axiomatic approach to the concept of interaction", equation 5, for pairs.

    Examples:
        >>> shapley_interactions(np.array([0.0, 1.0, 2.0, 5.0]))
        array([[0., 2.],
               [2., 0.]])
    """
    count = _count_players(values)
    found = np.zeros((count, count))
    for number in range(len(values)):
        size = number.bit_count()
        weight = math.factorial(size) * math.factorial(max(count - size - 2, 0)) / math.factorial(max(count - 1, 1))
        outside = [player for player in range(count) if not number >> player & 1]
        for place, one in enumerate(outside):
            for other in outside[place + 1 :]:
                first, second = 1 << one, 1 << other
                both = values[number | first | second] - values[number | first] - values[number | second]
                found[one, other] += weight * (both + values[number])
    return found + found.T


def list_interactions(players: Sequence[str], values: NDArray[np.float64]) -> tuple[tuple[str, str, float], ...]:
    """Pairs of players with how much more they add together than each alone, strongest first.

    Args:
        players: Names, n of them.
        values: Of all coalitions, (2^n,).
    """
    found = shapley_interactions(values)
    pairs = [
        (players[one], players[other], float(found[one, other]))
        for one in range(len(players))
        for other in range(one + 1, len(players))
    ]
    return tuple(sorted(pairs, key=lambda pair: -abs(pair[2])))


def _count_players(values: NDArray[np.float64]) -> int:
    count = max(len(values), 1).bit_length() - 1
    if len(values) != 2**count:
        raise ValueError("a game needs a value for each of its 2^n coalitions")
    return count
