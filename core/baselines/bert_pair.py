"""BERT pair classifier: reads a person's titles and an item's text and says whether they fit."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import like_counts
from core.baselines.pair_network import PairNetwork, TextStates, pad_states
from core.baselines.recommender import ItemTable
from core.baselines.text_pairs import PairSample, draw_pairs, person_text
from core.baselines.validation import mean_ndcg
from core.interactions.log import History, InteractionLog
from core.train.data import Validation, split_people

#: Model and tokenizer; the model must have two labels.
BaseLoader = Callable[[], tuple[Any, Any]]
#: How far below the items read all others lie: more than log-odds can make up for.
_BEHIND = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BertPairConfig:
    """Defaults are sized for four minutes on two cores.

    Attributes:
        recent: Titles of liked items in a person's text, at least 1.
        tokens: Longest text of a person and of an item, at least 8.
        joint: Last blocks of the model that read both texts and are trained, at least 1.
        pairs: Most training pairs, half of them liked, at least 2.
        epochs: Passes over them, at least 1.
        batch_size: Pairs a step, at least 1.
        rate: Peak learning rate of AdamW for the joint blocks, above 0.
        head_rate: The same for the head, which is new, above 0.
        decay: Weight decay, at least 0.
        rerank: How many of the most popular items are read for a person, at least 1.
        rerank_new: How many items without any event are read, those nearest to the person's likes, at least 0.
        weights: Of the log-odds beside the log-popularity, to choose from, at least 0, at least one.
    """

    recent: int = 4
    tokens: int = 40
    joint: int = 2
    pairs: int = 8000
    epochs: int = 1
    batch_size: int = 32
    rate: float = 1e-4
    head_rate: float = 1e-3
    decay: float = 0.01
    rerank: int = 50
    rerank_new: int = 25
    weights: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0)

    def __post_init__(self) -> None:
        counts = (self.recent, self.joint, self.epochs, self.batch_size, self.rerank)
        if min(counts) < 1 or self.tokens < 8 or self.pairs < 2 or self.rerank_new < 0:
            raise ValueError("counts must be at least 1, tokens at least 8, pairs at least 2 and rerank_new at least 0")
        if min(self.rate, self.head_rate) <= 0 or self.decay < 0 or min(self.weights, default=-1) < 0:
            raise ValueError("rates > 0, decay >= 0 and at least one weight, each >= 0")


class BertPair:
    """Classifier of (titles of the latest liked items, item text), trained on liked against drawn items.

    Reading every pair is out of reach without a GPU (300 people x 10,000 items are three million passes), so it
    re-ranks: the most popular items that the person has not met, by the log of their popularity and the classifier's
    log-odds together, and the items that nobody met whose texts are nearest to what the person liked, by the log-odds.
    All others stay behind. With no more than `rerank` items all are read.

    Attributes:
        accuracy: On pairs of validation people, half of whose other items are drawn by popularity, [0, 1]; NaN without.
        f1: Of the label "liked" on the same pairs, [0, 1]; NaN without such pairs.
        weight: Of the log-odds, chosen on the same people; the largest without them.

    Source: Nogueira and Cho 2019, "Passage re-ranking with BERT", with a person's history in the place of the query.
    """

    name = "bert-pair"
    ranks_cold = True

    def __init__(
        self, config: BertPairConfig | None = None, *, seed: int = 0, load_base: BaseLoader | None = None
    ) -> None:
        self.config = config or BertPairConfig()
        self.seed = seed
        self.accuracy = float("nan")
        self.f1 = float("nan")
        self.weight = max(self.config.weights)
        self._load_base = load_base or load_minilm

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Train the classifier, measure it and choose its weight on validation people.

        Raises:
            BackboneError: The base weights are not installed.
        """
        import torch

        self._items = items
        self._known: dict[int, Any] = {}
        self._popularity = np.log(like_counts(log) + np.float32(0.5))
        self._new = np.bincount(log.items, minlength=len(items)) == 0
        rest, validation = split_people(log, seed=self.seed)
        rng = np.random.default_rng(self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._network = PairNetwork(*self._load_base(), joint=self.config.joint)
            self._train(tuple(draw_pairs(rest, items, recent=self.config.recent, pairs=self.config.pairs, rng=rng)))
        others = log.take(~np.isin(log.users, rest.users))
        count = max(2, self.config.pairs // 10)
        self._measure(tuple(draw_pairs(others, items, recent=self.config.recent, pairs=count, rng=rng)))
        if len(validation):
            self._choose_weight(validation)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Log-popularity and weighed log-odds of the items read, the others far behind by popularity, (B, N)."""
        return self._combine([self._read_candidates(history) for history in histories], self.weight)

    def _combine(self, read: "Sequence[Candidates]", weight: float) -> NDArray[np.float32]:
        scores = np.tile(self._popularity - np.float32(_BEHIND), (len(read), 1)).astype(np.float32)
        for row, one in enumerate(read):
            # Popularity says nothing about new items, so there the log-odds count in any case.
            weights = np.where(self._new[one.items], 1.0, weight)
            scores[row, one.items] = self._popularity[one.items] + weights * one.odds
        return scores

    def _choose_weight(self, validation: Validation) -> None:
        """The weight that ranks best what the validation people liked later; of equals the smallest."""
        read = [self._read_candidates(history) for history in validation.histories]
        gains = {weight: mean_ndcg(self._combine(read, weight), validation) for weight in sorted(self.config.weights)}
        self.weight = max(gains, key=lambda weight: gains[weight])

    def _read_candidates(self, history: History) -> "Candidates":
        liked = history.items[history.liked]
        items = self._choose_items(history) if len(liked) else np.empty(0, np.int64)
        person = person_text(liked, self._items, recent=self.config.recent)
        pairs = [PairSample(person=person, item=item, liked=False) for item in items.tolist()]
        return Candidates(items=items, odds=self._odds(pairs))

    def _choose_items(self, history: History) -> NDArray[np.int64]:
        """Items to read: all of a small catalogue, else popular ones and new ones that are not in the history."""
        order = np.argsort(-self._popularity, kind="stable")
        if len(order) <= self.config.rerank:
            return order
        order = order[~np.isin(order, history.items)]
        vectors = self._items.text_embeddings
        new = order[self._new[order]]
        near = vectors[new] @ vectors[history.items[history.liked]].mean(axis=0)
        nearest = new[np.argsort(-near, kind="stable")[: self.config.rerank_new]]
        return np.concatenate([order[~self._new[order]][: self.config.rerank], nearest])

    def _train(self, pairs: Sequence[PairSample]) -> None:
        """AdamW with a linear warm-up over a tenth of the steps and a linear fall to zero."""
        import torch

        network, config = self._network, self.config
        steps = max(1, config.epochs * -(-len(pairs) // config.batch_size))
        groups: list[dict[str, Any]] = [{"params": network.body()}, {"params": network.head(), "lr": config.head_rate}]
        optimizer = torch.optim.AdamW(groups, lr=config.rate, weight_decay=config.decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / max(1, steps // 10), (steps - step) / steps)
        )
        rng = np.random.default_rng(self.seed)
        network.set_training(True)
        for _ in range(config.epochs):
            order = rng.permutation(len(pairs))
            for start in range(0, len(order), config.batch_size):
                self._step([pairs[row] for row in order[start : start + config.batch_size]], optimizer)
                schedule.step()
        network.set_training(False)

    def _step(self, batch: Sequence[PairSample], optimizer: Any) -> None:
        import torch

        truth = torch.tensor([int(pair.liked) for pair in batch])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(self._read(batch), truth).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*self._network.body(), *self._network.head()], 1.0)
        optimizer.step()

    def _measure(self, pairs: Sequence[PairSample]) -> None:
        if not pairs:
            self.accuracy = self.f1 = float("nan")
            return
        said = self._odds(pairs) > 0
        true = np.array([pair.liked for pair in pairs])
        self.accuracy = float((said == true).mean())
        self.f1 = 2 * int((said & true).sum()) / max(1, int(said.sum()) + int(true.sum()))

    def _odds(self, pairs: Sequence[PairSample]) -> NDArray[np.float32]:
        """Log-odds of "liked" of each pair, (M,)."""
        import torch

        found = np.empty(len(pairs), np.float32)
        with torch.inference_mode():
            for start in range(0, len(pairs), self.config.batch_size):
                logits = self._read(pairs[start : start + self.config.batch_size])
                found[start : start + self.config.batch_size] = (logits[:, 1] - logits[:, 0]).numpy()
        return found

    def _read(self, pairs: Sequence[PairSample]) -> Any:
        """Logits, (M, 2); texts that occur several times are read alone once."""
        texts = list(dict.fromkeys(pair.person for pair in pairs))
        people = self._network.read_apart(texts, tokens=self.config.tokens)
        rows = [texts.index(pair.person) for pair in pairs]
        people = TextStates(states=people.states[rows], present=people.present[rows])
        return self._network.read_together(people, self._item_states([pair.item for pair in pairs]))

    def _item_states(self, items: Sequence[int]) -> TextStates:
        """States of items after the lower blocks, which never change and are kept in half precision."""
        missing = [item for item in dict.fromkeys(items) if item not in self._known]
        if missing:
            read = self._network.read_apart([self._items.texts[item] for item in missing], tokens=self.config.tokens)
            for item, states, present in zip(missing, read.states, read.present, strict=True):
                self._known[item] = states[present].half().clone()
        return pad_states([self._known[item] for item in items])


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Items that were read for a person and their log-odds, (C,) each."""

    items: NDArray[np.int64]
    odds: NDArray[np.float32]


def load_minilm() -> tuple[Any, Any]:
    """The text model inside the built-in backbone with a fresh two-label head, and its tokenizer.

    Raises:
        BackboneError: Its package is not installed.
    """
    from transformers import AutoTokenizer, BertForSequenceClassification
    from transformers.utils import logging as transformers_logging

    from core.encode.embedded_weights import text_folder

    folder = text_folder()
    verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)  # it warns that the head is new, which is the point
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = BertForSequenceClassification.from_pretrained(folder, num_labels=2, local_files_only=True)
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
