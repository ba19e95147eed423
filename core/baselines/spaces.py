"""What the list of baselines says of each."""

from collections.abc import Callable
from dataclasses import dataclass

from core.baselines.recommender import Recommender
from core.baselines.tuning import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """How a recommender is made.

    Attributes:
        build: Makes it from a seed, which closed forms have no use for, and settings by their names.
        space: The settings that each fit chooses; empty for one that is taken as it is.
        needs: Package of `requirements-peers.txt` that it is in; "" for our own.
        quick: Whether a fit takes seconds rather than minutes on some hundred people and thousands of items.
    """

    build: Callable[..., Recommender]
    space: tuple[Setting, ...] = ()
    needs: str = ""
    quick: bool = True
