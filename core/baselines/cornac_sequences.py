"""Models of the library Cornac that read a person's likes in their order, as its authors wrote them.

Source: github.com/PreferredAI/cornac (Apache-2.0).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import like_counts, log_matrix
from core.baselines.peers import contained, find_liked, import_peer, spread_scores
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog


class CornacSequence:
    """SASRec or BERT4Rec: the next item after a history, whoever's it is."""

    ranks_cold = False

    def __init__(self, name: str, model: str, settings: Mapping[str, Any], *, seed: int = 0) -> None:
        """Name the model.

        Args:
            name: As in tables.
            model: Class of `cornac.models`.
            settings: Its own arguments, by its own names.
            seed: Of its draws.
        """
        self.name, self.settings, self.seed = name, dict(settings), seed
        self._class = model

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Learn from each person's likes, oldest first.

        Raises:
            EvaluationError: Cornac is not installed, or fewer than two items are liked.
        """
        build = getattr(import_peer("cornac.models"), self._class)
        self._popularity = like_counts(log)
        self._known = find_liked(log_matrix(log))
        with contained():
            self._model = build(verbose=False, seed=self.seed, device="cpu", **self.settings)
            self._model.fit(self._read(log))

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Scores of all items as the next one, (B, N); popularity where nothing known was liked."""
        import torch

        scores = np.tile(self._popularity, (len(histories), 1))
        for place, history in enumerate(histories):
            liked = history.items[history.liked]
            liked = np.searchsorted(self._known, liked[np.isin(liked, self._known)])
            if len(liked):
                with torch.inference_mode():
                    found = np.asarray(self._model.score(0, liked.tolist()), np.float32)
                known = found.ravel()[None, : len(self._known)]
                scores[place] = spread_scores(known, self._known, len(self._popularity))[0]
        return scores

    def _read(self, log: InteractionLog) -> Any:
        """The likes as one session a person, oldest first.

        Events of one moment are shuffled: in many files they are sorted by item, and it would learn to count.
        """
        liked = log.take(log.liked)
        chance = np.random.default_rng(self.seed).random(len(liked))
        liked = liked.take(np.lexsort((chance, liked.times, liked.users)))
        _, people = np.unique(liked.users, return_inverse=True)
        numbers = {str(number): number for number in range(int(people.max()) + 1)}
        return import_peer("cornac.data").SequentialDataset(
            num_users=len(numbers),
            num_sessions=len(numbers),
            num_items=len(self._known),
            uid_map=numbers,
            sid_map=numbers,
            iid_map={str(number): number for number in range(len(self._known))},
            uir_tuple=(people, np.searchsorted(self._known, liked.items), np.ones(len(people))),
            session_indices=people,
            seed=self.seed,
        )
