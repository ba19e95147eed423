"""Models of the library implicit, as its authors wrote them.

Source: github.com/benfred/implicit (MIT).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import fill_empty, history_matrix, like_counts, log_matrix
from core.baselines.peers import ExpectsPeople, contained, find_liked, import_peer
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]


class ImplicitKnn:
    """Item-kNN: `BM25Recommender` or `CosineRecommender`.

    A new person folds in exactly as in its own `recommend`: the neighbours of the liked items, summed up.
    """

    ranks_cold = False

    def __init__(self, name: str, model: str, settings: Mapping[str, float]) -> None:
        """Name the model.

        Args:
            name: As in tables.
            model: Class of `implicit.nearest_neighbours`.
            settings: Its own arguments, by its own names.
        """
        self.name, self.settings = name, dict(settings)
        self._model = model

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Find each item's neighbours.

        Raises:
            EvaluationError: implicit is not installed, or fewer than two items are liked.
        """
        build = getattr(import_peer("implicit.nearest_neighbours"), self._model)
        likes = _read_likes(log)
        self._popularity = like_counts(log)
        model = build(num_threads=1, **self.settings)
        with contained():
            model.fit(likes, show_progress=False)
        self._similarity = model.similarity

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Summed likenesses, (B, N); popularity without a liked item."""
        history = history_matrix(histories, len(self._popularity))
        return fill_empty((history @ self._similarity).toarray(), history, self._popularity)


class ImplicitAls:
    """`AlternatingLeastSquares`; a new person's factors are its `recalculate_user`, the items held fixed."""

    name = "implicit-als"
    ranks_cold = False

    def __init__(self, settings: Mapping[str, float], *, seed: int = 0) -> None:
        """Set its own arguments, by its own names."""
        self.settings, self.seed = dict(settings), seed

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Learn factors of people and items.

        Raises:
            EvaluationError: implicit is not installed, or fewer than two items are liked.
        """
        build = import_peer("implicit.cpu.als").AlternatingLeastSquares
        likes = _read_likes(log)
        self._popularity = like_counts(log)
        with contained(), _one_blas_thread():
            self._model = build(random_state=self.seed, num_threads=1, **self.settings)
            self._model.fit(likes, show_progress=False)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Person . item, (B, N); popularity without a liked item."""
        from scipy.sparse import csr_matrix

        history = history_matrix(histories, len(self._popularity))
        if not len(histories):
            return np.empty(history.shape, np.float32)
        people = self._model.recalculate_user(np.arange(len(histories)), csr_matrix(history))
        return fill_empty(people @ self._model.item_factors.T, history, self._popularity)


class ImplicitBpr(ExpectsPeople):
    """`BayesianPersonalizedRanking`, which has no way to fold in a new person."""

    name = "implicit-bpr"
    ranks_cold = False

    def __init__(self, settings: Mapping[str, float], *, seed: int = 0) -> None:
        """Set its own arguments, by its own names."""
        super().__init__()
        self.settings, self.seed = dict(settings), seed

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Learn factors of people and items.

        Raises:
            EvaluationError: implicit is not installed, or fewer than two items are liked.
        """
        from scipy.sparse import csr_matrix

        build = import_peer("implicit.cpu.bpr").BayesianPersonalizedRanking
        likes = self._join_people(log)
        find_liked(likes)
        model = build(random_state=self.seed, num_threads=1, **self.settings)
        with contained():
            model.fit(csr_matrix(likes), show_progress=False)
        self._people, self._items = model.user_factors, model.item_factors

    def _score_person(self, row: int) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self._items @ self._people[row]
        return scores


def _read_likes(log: InteractionLog) -> Any:
    """Who liked what, (U, N), in the form that implicit asks for."""
    from scipy.sparse import csr_matrix

    likes: csr_array = log_matrix(log)
    find_liked(likes)
    return csr_matrix(likes)


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """implicit has threads of its own, and those of the algebra beside them stand in their way."""
    limits = import_peer("threadpoolctl").threadpool_limits
    with limits(limits=1, user_api="blas"):
        yield
