"""BERT pair classifier: reads a person's titles and an item's text together and says whether they fit."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.baselines.matrices import like_counts
from core.evaluate.baselines.text_pairs import PairSample, draw_pairs, person_text
from core.evaluate.recommender import ItemTable
from core.interactions.log import History, InteractionLog

#: Model and tokenizer; the model must have two labels.
BaseLoader = Callable[[], tuple[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BertPairConfig:
    """Defaults are sized for four minutes on two cores, not tuned.

    A rate of 3e-4 collapses to one label; read `BertPair.accuracy` before trusting the ranking.

    Attributes:
        recent: Titles of liked items in a person's text, at least 1.
        tokens: Longest pair, at least 8.
        pairs: Most training pairs, half of them liked, at least 2.
        epochs: Passes over them, at least 1.
        batch_size: Pairs a step, at least 1.
        rate: Peak learning rate of AdamW, above 0.
        decay: Weight decay, at least 0.
        held_out: Share of the people whose pairs measure accuracy and F1, (0, 1).
        rerank: How many of the most popular items are read for a person, at least 1.
    """

    recent: int = 4
    tokens: int = 48
    pairs: int = 6000
    epochs: int = 1
    batch_size: int = 16
    rate: float = 5e-5
    decay: float = 0.01
    held_out: float = 0.1
    rerank: int = 50

    def __post_init__(self) -> None:
        if min(self.recent, self.epochs, self.batch_size, self.rerank) < 1 or self.tokens < 8 or self.pairs < 2:
            raise ValueError("counts must be at least 1, tokens at least 8 and pairs at least 2")
        if self.rate <= 0 or self.decay < 0 or not 0 < self.held_out < 1:
            raise ValueError("rate > 0, decay >= 0 and held_out in (0, 1)")


class BertPair:
    """Cross-encoder over (titles of the latest liked items, item text), trained on liked against drawn items.

    Reading every pair is out of reach without a GPU (300 people x 10,000 items are three million passes), so it
    re-ranks: the `rerank` most popular items that the person has not met are ordered by the classifier, and all
    others stay behind them by popularity. With no more than `rerank` items all are read, and a cold item is told
    from another by its text; in a larger catalogue cold items stay tied behind the rest.

    Attributes:
        accuracy: On pairs of people held out of the training, [0, 1]; NaN without such pairs.
        f1: Of the label "liked" on the same pairs, [0, 1]; NaN without such pairs.

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
        self._load_base = load_base or load_minilm

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Train the classifier and measure it on held-out people.

        Raises:
            BackboneError: The base weights are not installed.
        """
        import torch

        self._items = items
        self._popularity = like_counts(log)
        sample = draw_pairs(
            log,
            items,
            recent=self.config.recent,
            pairs=self.config.pairs,
            held_out=self.config.held_out,
            rng=np.random.default_rng(self.seed),
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._model, self._tokenizer = self._load_base()
            self._train(sample.training)
        self.accuracy, self.f1 = self._measure(sample.held_out)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Popularity below 0 for all, the classifier's probability above it for those read, (B, N)."""
        behind = self._popularity / (self._popularity.max(initial=0) + 1) - 1  # [-1, 0)
        scores = np.tile(behind.astype(np.float32), (len(histories), 1))
        for row, history in enumerate(histories):
            if history.liked.any():
                read = self._choose(history)
                scores[row, read] = self._probabilities([self._pair(history, item) for item in read.tolist()])
        return scores

    def _choose(self, history: History) -> NDArray[np.int64]:
        """Items to read: all of a small catalogue, else the most popular that are not in the history."""
        order = np.argsort(-self._popularity, kind="stable")
        if len(order) <= self.config.rerank:
            return order
        return order[~np.isin(order, history.items)][: self.config.rerank]

    def _pair(self, history: History, item: int) -> tuple[str, str]:
        liked = history.items[history.liked]
        return person_text(liked, self._items, recent=self.config.recent), self._items.texts[item]

    def _train(self, pairs: Sequence[PairSample]) -> None:
        """AdamW with a linear warm-up over a tenth of the steps and a linear fall to zero."""
        import torch

        steps = max(1, self.config.epochs * -(-len(pairs) // self.config.batch_size))
        optimizer = torch.optim.AdamW(self._model.parameters(), lr=self.config.rate, weight_decay=self.config.decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / max(1, steps // 10), (steps - step) / steps)
        )
        rng = np.random.default_rng(self.seed)
        self._model.train()
        for _ in range(self.config.epochs):
            order = rng.permutation(len(pairs))
            for start in range(0, len(order), self.config.batch_size):
                batch = [pairs[row] for row in order[start : start + self.config.batch_size]]
                logits = self._read([(pair.person, pair.item) for pair in batch])
                loss = torch.nn.functional.cross_entropy(logits, torch.tensor([int(pair.liked) for pair in batch]))
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
        self._model.eval()

    def _measure(self, pairs: Sequence[PairSample]) -> tuple[float, float]:
        if not pairs:
            return float("nan"), float("nan")
        said = self._probabilities([(pair.person, pair.item) for pair in pairs]) > 0.5
        true = np.array([pair.liked for pair in pairs])
        hits = int((said & true).sum())
        return float((said == true).mean()), 2 * hits / max(1, int(said.sum()) + int(true.sum()))

    def _probabilities(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Probability of "liked" of each pair, (M,), read from short to long so that little is padded."""
        import torch

        found = np.empty(len(pairs), np.float32)
        order = np.argsort([len(person) + len(item) for person, item in pairs], kind="stable")
        with torch.inference_mode():
            for start in range(0, len(order), self.config.batch_size):
                rows = order[start : start + self.config.batch_size]
                found[rows] = self._read([pairs[row] for row in rows]).softmax(dim=1)[:, 1].numpy()
        return found

    def _read(self, pairs: Sequence[tuple[str, str]]) -> Any:
        """Logits, (M, 2)."""
        people, items = (list(part) for part in zip(*pairs, strict=True))
        inputs = self._tokenizer(
            people, items, truncation="longest_first", max_length=self.config.tokens, padding=True, return_tensors="pt"
        )
        return self._model(**inputs).logits


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
        model = BertForSequenceClassification.from_pretrained(folder, num_labels=2)
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    return model, AutoTokenizer.from_pretrained(folder)
