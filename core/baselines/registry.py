"""Every recommender that a trained model is compared with, by name."""

from collections.abc import Callable, Mapping

from core.baselines.bert_pair import BertPair
from core.baselines.bm25 import Bm25
from core.baselines.bpr import BprMf
from core.baselines.ease import Ease
from core.baselines.embedding_knn import EmbeddingKnn
from core.baselines.item_knn import ItemKnn
from core.baselines.lightgcn import LightGcn
from core.baselines.linear_probe import LinearProbe
from core.baselines.popularity import Popularity, RecentPopularity
from core.baselines.random_order import RandomOrder
from core.baselines.recommender import Recommender
from core.baselines.sasrec import SasRec
from core.baselines.tfidf import Tfidf
from core.baselines.vbpr import Vbpr
from core.baselines.zero_shot import ZeroShot

#: Name to a constructor that takes a seed; closed forms have no use for it.
BASELINES: Mapping[str, Callable[[int], Recommender]] = {
    "random": lambda seed: RandomOrder(seed=seed),
    "popularity": lambda _seed: Popularity(),
    "recent-popularity": lambda _seed: RecentPopularity(),
    "bm25": lambda _seed: Bm25(),
    "tfidf": lambda _seed: Tfidf(),
    "item-knn": lambda _seed: ItemKnn(),
    "item-knn-embeddings": lambda _seed: EmbeddingKnn(),
    "zero-shot": lambda _seed: ZeroShot(),
    "linear-probe": lambda seed: LinearProbe(seed=seed),
    "ease": lambda _seed: Ease(),
    "bpr-mf": lambda seed: BprMf(seed=seed),
    "lightgcn": lambda seed: LightGcn(seed=seed),
    "vbpr": lambda seed: Vbpr(seed=seed),
    "sasrec": lambda seed: SasRec(seed=seed),
    "bert-pair": lambda seed: BertPair(seed=seed),
}


def build_baseline(name: str, seed: int = 0) -> Recommender:
    """Make a baseline that is not fitted yet.

    Args:
        name: One of `BASELINES`.
        seed: Of all its draws.

    Raises:
        ValueError: There is no baseline of that name.
    """
    if name not in BASELINES:
        raise ValueError(f"There is no baseline {name!r}. Use one of: {', '.join(BASELINES)}.")
    return BASELINES[name](seed)
