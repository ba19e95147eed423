"""Every recommender that a trained model is compared with, by name: how it is made, and what of it is tuned."""

from collections.abc import Mapping

from core.baselines.bert_pair import BertPair
from core.baselines.ease import Ease, EaseConfig
from core.baselines.embedding_knn import EmbeddingKnn
from core.baselines.item_knn import ItemKnn, ItemKnnConfig
from core.baselines.linear_probe import LinearProbe, LinearProbeConfig
from core.baselines.peer_models import PEERS
from core.baselines.peers import is_installed
from core.baselines.popularity import Popularity, RecentPopularity
from core.baselines.random_order import RandomOrder
from core.baselines.recommender import Recommender
from core.baselines.spaces import Baseline
from core.baselines.tfidf import Tfidf
from core.baselines.tuning import Budget, Setting, Tuned
from core.baselines.zero_shot import ZeroShot

_OWN: Mapping[str, Baseline] = {
    "random": Baseline(build=lambda seed: RandomOrder(seed=seed)),
    "popularity": Baseline(build=lambda _seed: Popularity()),
    "recent-popularity": Baseline(
        build=lambda _seed, **settings: RecentPopularity(**settings),
        space=(Setting("half_life", 1000.0, (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)),),
    ),
    "tfidf": Baseline(
        build=lambda _seed, **settings: Tfidf(**settings),
        space=(Setting("longest_phrase", 2, (1, 2, 3), (1,)), Setting("fewest_items", 1, (1, 2, 5), (1,))),
    ),
    "item-knn": Baseline(
        build=lambda _seed, **settings: ItemKnn(ItemKnnConfig(**settings)),
        space=(
            Setting("shrinkage", 5.0, (0.0, 1.0, 5.0, 20.0, 100.0, 500.0), (0.0,)),
            Setting("neighbours", 1000, (5, 10, 20, 50, 100, 300, 1000)),
            Setting("other_weight", 0.0, (0.0, 0.25, 0.5, 1.0), (0.0, 1.0)),
        ),
    ),
    "item-knn-embeddings": Baseline(
        build=lambda _seed, **settings: EmbeddingKnn(**settings),
        space=(Setting("picture_weight", 0.1, (0.0, 0.1, 0.25, 0.5, 0.75, 1.0), (0.0, 1.0)),),
    ),
    # What the search does before any training; a setting that is chosen from a log would not be that.
    "zero-shot": Baseline(build=lambda _seed: ZeroShot()),
    "linear-probe": Baseline(
        build=lambda seed, **settings: LinearProbe(LinearProbeConfig(**settings), seed=seed),
        space=(
            Setting("penalty", 10.0, (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)),
            Setting("other_weight", 0.1, (0.01, 0.03, 0.1, 0.3, 1.0)),
        ),
    ),
    "ease": Baseline(
        build=lambda _seed, **settings: Ease(EaseConfig(**settings)),
        space=(
            Setting("penalty", 50.0, (3.0, 10.0, 25.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)),
            Setting("other_weight", 0.0, (0.0, 0.25, 0.5, 1.0), (0.0, 1.0)),
        ),
    ),
    "bert-pair": Baseline(build=lambda seed: BertPair(seed=seed)),
}
BASELINES: Mapping[str, Baseline] = {**_OWN, **PEERS}


def quick_baselines() -> tuple[str, ...]:
    """Our own, and of the others those that are installed and fit within seconds."""
    return tuple(name for name, one in BASELINES.items() if not one.needs or (one.quick and is_installed(one.needs)))


def build_baseline(name: str, seed: int = 0, *, budget: Budget | None = None) -> Recommender:
    """Make a baseline that is not fitted yet, and whose settings each fit chooses.

    Args:
        name: One of `BASELINES`.
        seed: Of all its draws, and of the choice of validation people.
        budget: Of the choice; None for `Budget()`.

    Raises:
        ValueError: There is no baseline of that name.
    """
    if name not in BASELINES:
        raise ValueError(f"There is no baseline {name!r}. Use one of: {', '.join(BASELINES)}.")
    one = BASELINES[name]
    if not one.space:
        return one.build(seed)
    return Tuned(lambda **settings: one.build(seed, **settings), one.space, seed=seed, budget=budget)
