"""Models of the library Cornac that learn from who liked what, as its authors wrote them.

They know the items that somebody liked, as in Cornac's own protocol; all others lie below.

Source: github.com/PreferredAI/cornac (Apache-2.0).
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import fill_empty, history_matrix, like_counts, log_matrix
from core.baselines.peers import ExpectsPeople, contained, find_liked, import_peer, spread_scores
from core.baselines.recommender import ItemTable
from core.errors import EvaluationError
from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

#: Fitted model and dense histories over the known items, (B, K), to scores, (B, K).
Reader = Callable[[Any, NDArray[np.float32]], NDArray[np.float32]]


class CornacMatrix:
    """A model that reads a person as a row of likes, so that a new one is scored without being in the fit."""

    ranks_cold = False

    def __init__(
        self,
        name: str,
        model: str,
        read: Reader,
        settings: Mapping[str, Any],
        *,
        sizes: tuple[int, int] = (2, sys.maxsize),
        seed: int = 0,
    ) -> None:
        """Name the model.

        Args:
            name: As in tables.
            model: Class of `cornac.models`.
            read: How it scores rows that were not in its fit.
            settings: Its own arguments, by its own names.
            sizes: Liked items without which it fails, and those that its memory is enough for.
            seed: Of its draws.
        """
        self.name, self.settings, self.seed = name, dict(settings), seed
        self._class, self._read, self._sizes = model, read, sizes

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Learn from the likes.

        Raises:
            EvaluationError: Cornac is not installed, or fewer items are liked than it needs, or more than it can hold.
        """
        build = getattr(import_peer("cornac.models"), self._class)
        likes = log_matrix(log)
        self._known = find_liked(likes, least=self._sizes[0], most=self._sizes[1])
        self._popularity = like_counts(log)
        with contained():
            self._model = build(verbose=False, seed=self.seed, **self.settings)
            self._model.fit(build_dataset(likes[np.diff(likes.indptr) > 0][:, self._known], seed=self.seed))

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Scores of all items, (B, N); popularity where nothing known was liked."""
        history = history_matrix(histories, len(self._popularity))
        rows = history[:, self._known]
        if not len(histories):
            return np.empty(history.shape, np.float32)
        scores = spread_scores(self._read(self._model, rows.toarray()), self._known, history.shape[1])
        return fill_empty(scores, rows, self._popularity)


def read_ease(model: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows times the learned matrix."""
    scores: NDArray[np.float32] = (rows @ model.B).astype(np.float32)
    return scores


def read_vaecf(model: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decoded means of the encoded rows, as in its `score`."""
    import torch

    with torch.inference_mode():
        means, _ = model.vae.encode(torch.from_numpy(rows))
        scores: NDArray[np.float32] = model.vae.decode(means).numpy()
    return scores


def read_recvae(model: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same without the noise that its `score` leaves switched on."""
    import torch

    network = model.recvae_model.eval()
    with torch.inference_mode():
        scores: NDArray[np.float32] = network(torch.from_numpy(rows), calculate_loss=False).numpy()
    return scores


class CornacPairwise(ExpectsPeople):
    """BPR or VBPR: a vector for each person of the fit, and none for anybody else.

    People who like all that is liked are left out of the fit: there is nothing to set against it.
    """

    def __init__(
        self, name: str, model: str, settings: Mapping[str, Any], *, with_features: bool = False, seed: int = 0
    ) -> None:
        """Name the model.

        Args:
            name: As in tables.
            model: Class of `cornac.models`.
            settings: Its own arguments, by its own names.
            with_features: Whether it reads the items' embeddings, and so tells new ones apart.
            seed: Of its draws.
        """
        super().__init__()
        self.name, self.settings, self.seed = name, dict(settings), seed
        self.ranks_cold = self._with_features = with_features
        self._class = model

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Learn vectors of people and items.

        Raises:
            EvaluationError: Cornac is not installed, or nothing liked can be set against anything else.
        """
        build = getattr(import_peer("cornac.models"), self._class)
        likes = self._join_people(log)
        self._known = known = find_liked(likes)
        kept = np.flatnonzero(np.diff(likes.indptr) < len(known))
        if not len(kept):
            raise EvaluationError("It learns from what people like more than other items, and here all like the same.")
        self._places = {row: place for place, row in enumerate(kept.tolist())}
        rest = np.setdiff1d(np.arange(len(items)), known)
        self._order = np.concatenate([known, rest])
        with contained():
            data = build_dataset(likes[kept][:, known], seed=self.seed, items=len(items))
            if self._with_features:
                joint = np.concatenate([items.text_embeddings, items.picture_embeddings], axis=1)
                features = import_peer("cornac.data").ImageModality(features=joint[self._order])
                data.add_modalities(item_image=features)
            self._model = build(verbose=False, seed=self.seed, **self.settings)
            self._model.fit(data)
            if self._with_features:  # rows that nothing was learned for are still at their random start
                self._model.gamma_item[len(known) :] = 0

    def _score_person(self, row: int) -> NDArray[np.float32]:
        place = self._places.get(row)
        if place is None:  # likes all that is liked
            return self._popularity
        scores = np.asarray(self._model.score(place), np.float32)
        if not self._with_features:
            return np.asarray(spread_scores(scores[None, : len(self._known)], self._known, len(self._order))[0])
        found = np.empty(len(self._order), np.float32)
        found[self._order] = scores
        return found


def build_dataset(likes: "csr_array", *, seed: int, items: int | None = None) -> Any:
    """Likes as Cornac reads them; its own builder numbers people and items anew, by the order of the events.

    Args:
        likes: Of the known items, (U, K).
        seed: Of what models draw from it.
        items: N, where a model knows items that nobody liked; None for K.
    """
    cells = likes.tocoo()
    return import_peer("cornac.data").Dataset(
        num_users=likes.shape[0],
        num_items=likes.shape[1],
        uid_map={str(number): number for number in range(likes.shape[0])},
        iid_map={str(number): number for number in range(likes.shape[1] if items is None else items)},
        uir_tuple=(cells.row.astype(np.int64), cells.col.astype(np.int64), cells.data.astype(np.float64)),
        seed=seed,
    )
