"""Other people's recommenders by name, with the settings that are tried around those that they come with."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from core.baselines.cornac_models import CornacMatrix, CornacPairwise, read_ease, read_recvae, read_vaecf
from core.baselines.cornac_sequences import CornacSequence
from core.baselines.implicit_models import ImplicitAls, ImplicitBpr, ImplicitKnn
from core.baselines.recommender import Recommender
from core.baselines.spaces import Baseline
from core.baselines.tuning import Setting

#: With its own ten factors and batches of a hundred it ranks worse and takes longer, on purchases as on films.
_VBPR = {"k": 32, "k2": 32, "n_epochs": 40, "batch_size": 500, "learning_rate": 0.005}
_NEIGHBOURS = Setting("K", 100, (5, 10, 20, 50, 100, 200, 500, 1000))


def _knn(name: str, model: str, _seed: int, **settings: Any) -> Recommender:
    return ImplicitKnn(name, model, settings)


def _ease(seed: int, **settings: Any) -> Recommender:
    # Its own default drops negative weights, and is not the published model.
    # It holds several tables of items x items, 3 GB each at so many.
    most = (2, 20_000)
    return CornacMatrix("cornac-ease", "EASE", read_ease, {"posB": False, **settings}, sizes=most, seed=seed)


def _vaecf(seed: int, **settings: Any) -> Recommender:
    return CornacMatrix("cornac-vaecf", "VAECF", read_vaecf, {"use_gpu": False, **settings}, seed=seed)


def _recvae(seed: int, **settings: Any) -> Recommender:
    # It measures itself on its first hundred items after each epoch.
    least, fixed = (100, sys.maxsize), {"use_gpu": False, **settings}
    return CornacMatrix("cornac-recvae", "RecVAE", read_recvae, fixed, sizes=least, seed=seed)


def _vbpr(seed: int, **settings: Any) -> Recommender:
    fixed = {"use_gpu": False, **_VBPR, **settings}
    return CornacPairwise("cornac-vbpr", "VBPR", fixed, with_features=True, seed=seed)


#: LightGCN of Cornac is not among them: it needs DGL, which has no release that runs beside the torch of today.
PEERS: Mapping[str, Baseline] = {
    "implicit-als": Baseline(
        build=lambda seed, **settings: ImplicitAls(settings, seed=seed),
        space=(
            Setting("regularization", 1.0, (0.01, 0.1, 1.0, 10.0, 100.0)),
            Setting("alpha", 1.0, (1.0, 3.0, 10.0, 40.0), (1.0,)),
            Setting("factors", 64, (8, 16, 32, 64, 128, 256)),
        ),
        needs="implicit",
    ),
    "implicit-bpr": Baseline(
        build=lambda seed, **settings: ImplicitBpr(settings, seed=seed),
        space=(
            Setting("learning_rate", 0.01, (0.003, 0.01, 0.03, 0.1)),
            Setting("regularization", 0.01, (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)),
            Setting("factors", 64, (16, 32, 64, 128)),
            Setting("iterations", 100, (50, 100, 200, 400)),
        ),
        needs="implicit",
    ),
    "implicit-bm25": Baseline(
        build=partial(_knn, "implicit-bm25", "BM25Recommender"),
        space=(
            Setting("B", 0.75, (0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 1.0)),
            Setting("K1", 1.2, (0.2, 1.2, 5.0, 20.0, 100.0)),
            _NEIGHBOURS,
        ),
        needs="implicit",
    ),
    "implicit-cosine": Baseline(
        build=partial(_knn, "implicit-cosine", "CosineRecommender"), space=(_NEIGHBOURS,), needs="implicit"
    ),
    "cornac-ease": Baseline(
        build=_ease,
        space=(Setting("lamb", 100.0, (3.0, 10.0, 25.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)),),
        needs="cornac",
    ),
    "cornac-bpr": Baseline(
        build=lambda seed, **settings: CornacPairwise("cornac-bpr", "BPR", settings, seed=seed),
        space=(
            Setting("learning_rate", 0.01, (0.001, 0.003, 0.01, 0.03, 0.1)),
            Setting("lambda_reg", 0.01, (0.001, 0.003, 0.01, 0.03, 0.1)),
            Setting("k", 32, (10, 32, 64, 128)),
            Setting("max_iter", 100, (50, 100, 200, 400)),
        ),
        needs="cornac",
    ),
    "cornac-vbpr": Baseline(build=_vbpr, needs="cornac", quick=False),
    "cornac-vaecf": Baseline(
        build=_vaecf,
        space=(
            Setting("n_epochs", 100, (25, 50, 100, 200)),
            Setting("k", 20, (10, 20, 50)),
            Setting("beta", 1.0, (0.01, 0.1, 1.0)),
        ),
        needs="cornac",
        quick=False,
    ),
    "cornac-recvae": Baseline(build=_recvae, needs="cornac", quick=False),
    "cornac-sasrec": Baseline(
        build=lambda seed, **settings: CornacSequence("cornac-sasrec", "SASRec", settings, seed=seed),
        needs="cornac",
        quick=False,
    ),
    "cornac-bert4rec": Baseline(
        build=lambda seed, **settings: CornacSequence("cornac-bert4rec", "BERT4Rec", settings, seed=seed),
        needs="cornac",
        quick=False,
    ),
}
