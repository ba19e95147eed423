"""Did fine-tuning help? One test set, touched once, after everything was chosen without it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.encode.item_tokens import ItemTokens, embed_texts
from core.errors import EvaluationError, TrainError
from core.evaluate.answer import Answer, Row
from core.evaluate.baselines import build_baseline
from core.evaluate.catalog_report import Matching, measure_matching
from core.evaluate.fusion import TrainedRecommender, build_fit_data
from core.evaluate.knock_out import knock_outs
from core.evaluate.measured import Measured, Unmeasured, paired_interval
from core.evaluate.protocol import build_splits, choose_split, measure, sample_people, try_measure
from core.evaluate.recommender import ItemTable
from core.interactions.log import InteractionLog
from core.metrics import bootstrap_interval
from core.train.config import TrainConfig
from core.train.data import TrainData, build_data, in_bucket, number_texts

if TYPE_CHECKING:
    from core.train.run import Trained

EncodeTexts = Callable[[Sequence[str]], NDArray[np.float32]]
#: Quick to fit, hard to beat; the whole list is in `python -m core evaluate`.
SIMPLE = ("zero-shot", "popularity", "item-knn", "ease", "tfidf")
_MAIN = "title to picture"
#: People who are tested at most; more of them would tell little more, and each costs a ranking of all items.
MOST_TESTED = 5_000


class LogHelp:
    """With a log: people who are new to the version, ranked over all items."""

    def __init__(self, items: ItemTable, log: InteractionLog, config: TrainConfig) -> None:
        try:
            self.name = choose_split(log)
            whole = next(iter(build_splits(log, self.name, seed=config.seed)))
        except EvaluationError as exc:
            raise TrainError(str(exc)) from exc
        self._split, self._held_out = sample_people(whole, MOST_TESTED, seed=config.seed), len(whole.users)
        self._items, self._config = items, config
        self.fit = self._split.fit

    def build_data(self, tokens: ItemTokens) -> TrainData:
        """What may be trained on: no test person, no item that is tested as new."""
        return build_fit_data(tokens, self._items, self.fit, seed=self._config.seed)

    def measure(self, trained: "Trained", tokens: ItemTokens, encode: EncodeTexts) -> Answer:
        """Test the version and what is simple, on the same people."""
        mine = measure(lambda: TrainedRecommender(trained), [self._split], self._items)
        simple = ((name, partial(build_baseline, name, self._config.seed)) for name in SIMPLE)
        others = [try_measure(name, build, [self._split], self._items) for name, build in simple]
        answer = answer_people(mine, others, trained.seconds, split=self.name)
        answer = replace(answer, held_out=self._held_out)
        without = [
            replace(try_measure(name, build, [self._split], self._items), name=name)
            for name, build in knock_outs(trained, self._items, seed=self._config.seed)
        ]
        answer = replace(answer, rows=(*answer.rows, *(_row(one.name, one, 0) for one in without)))
        # Serving it moves what needs in words are compared with: on items that training has not seen, does that cost?
        before, after = match_both_ways(self._items, self._split.cold, trained, tokens, encode)
        return add_matching(answer, before, after, trained.seconds)


class CatalogHelp:
    """Without a log: items whose titles the version has never seen."""

    fit: InteractionLog | None = None

    def __init__(self, items: ItemTable, config: TrainConfig) -> None:
        self._items, self._config = items, config
        self.tested = in_bucket(items.titles, "test")

    def build_data(self, tokens: ItemTokens) -> TrainData:
        """What may be trained on: no item with a test title."""
        return build_data(
            tokens, self._items.titles, self._items.categories, excluded=self.tested, seed=self._config.seed
        )

    def measure(self, trained: "Trained", tokens: ItemTokens, encode: EncodeTexts) -> Answer:
        """Test the version against the towers alone."""
        before, after = match_both_ways(self._items, self.tested, trained, tokens, encode)
        return answer_matching(before, after, trained.seconds, int(self.tested.sum()))


def match_both_ways(
    items: ItemTable, tested: NDArray[np.bool_], trained: "Trained", tokens: ItemTokens, encode: EncodeTexts
) -> tuple[tuple[Matching, ...], tuple[Matching, ...]]:
    """How pictures and texts of the tested items (N,) find each other with the gates closed, and as trained."""
    from core.train.run import set_gates

    rows = np.flatnonzero(tested)
    if not len(rows):
        return (), ()
    plain = _read_questions(items, rows, trained, encode)
    towers = trained.tuned.towers if trained.tuned else None
    tuned = _read_questions(items, rows, trained, lambda texts: embed_texts(towers, texts)) if towers else plain
    gates = trained.model.fusion.gate.detach().clone()
    after = measure_matching(trained.model, trained.tokens.take(rows), *tuned)
    set_gates(trained.model, gates * 0)
    before = measure_matching(trained.model, tokens.take(rows), *plain)
    set_gates(trained.model, gates)
    return before, after


def _read_questions(
    items: ItemTable, rows: NDArray[np.int64], trained: "Trained", encode: EncodeTexts
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """What `measure_matching` asks of these items, after the model and the tokens, by one text tower."""
    names = trained.model.config.categories
    number = {name: place for place, name in enumerate(names)}
    return (
        encode([items.titles[row] for row in rows]),
        encode([items.texts[row] for row in rows]),
        number_texts(items.titles)[rows],
        np.array([number.get(items.categories[row], -1) for row in rows], np.int64),
        encode(list(names)) if names else np.empty((0, items.text_embeddings.shape[1]), np.float32),
    )


def add_matching(answer: Answer, before: Sequence[Matching], after: Sequence[Matching], seconds: float) -> Answer:
    """The card with what needs in words find among new items, and a word where they find less than before."""
    rows = matching_rows(before, after, seconds)
    main = find_main(before, after)
    if main is None:
        return replace(answer, rows=(*answer.rows, *rows))
    gain = main[1].values - main[0].values
    _, high = bootstrap_interval(gain, seed=0)
    loss = f" Needs in words find fewer new items with it (recall@10 {gain.mean():+.3f})." if high < 0 else ""
    return replace(answer, rows=(*answer.rows, *rows), recommendation=answer.recommendation + loss)


def answer_people(mine: Measured, others: Sequence[Measured | Unmeasured], seconds: float, *, split: str) -> Answer:
    """The card from what was measured; the first of the others is what was there before."""
    rows = [_row("trained version", mine, seconds), *(_row(one.name, one) for one in others)]
    before, measured = others[0], [one for one in others if isinstance(one, Measured)]
    if isinstance(before, Unmeasured):
        return Answer(
            verdict="unclear",
            recommendation=f"Keep what you have: the untrained model could not be measured beside it. {before.reason}",
            rows=tuple(rows),
            gain=0.0,
            gain_low=0.0,
            gain_high=0.0,
            split=split,
            tested=len(mine.users),
        )
    best = max(measured, key=lambda one: one.mean("ndcg@10") or 0.0)
    gain, low, high = paired_interval(mine, before) or (0.0, 0.0, 0.0)
    lead, lead_low, lead_high = paired_interval(mine, best) or (0.0, 0.0, 0.0)
    verdict = judge(low, high)
    words = {
        "helps": "Use the trained version: for people it has never met it suggests better than the untrained model",
        "unclear": "Keep what you have: on the people held out the difference is within chance",
        "hurts": "Keep what you have: the trained version suggests worse than the untrained model",
    }[verdict]
    beside = {"helps": "clearly better than", "unclear": "about as good as", "hurts": "worse than"}
    return Answer(
        verdict=verdict,
        recommendation=(
            f"{words} (ndcg@10 {gain:+.3f}, between {low:+.3f} and {high:+.3f}). It is "
            f"{beside[judge(lead_low, lead_high)]} the best simple method, {best.name} "
            f"({lead:+.3f}, between {lead_low:+.3f} and {lead_high:+.3f})."
        ),
        rows=tuple(rows),
        gain=gain,
        gain_low=low,
        gain_high=high,
        split=split,
        tested=len(mine.users),
    )


def answer_matching(before: Sequence[Matching], after: Sequence[Matching], seconds: float, tested: int) -> Answer:
    """The card from two measurements of the same questions.

    Raises:
        TrainError: Nothing could be measured.
    """
    rows = matching_rows(before, after, seconds)
    main = find_main(before, after)
    if main is None:
        raise TrainError("No held-out item has both a picture and a title, so nothing can be measured. Import more.")
    gain = main[1].values - main[0].values
    low, high = bootstrap_interval(gain, seed=0)
    verdict = judge(low, high)
    words = {
        "helps": "Use the trained version: it finds pictures by titles that it has never seen better than before",
        "unclear": "Keep what you have: on held-out titles the difference is within chance",
        "hurts": "Keep what you have: the trained version finds fewer pictures than before",
    }[verdict]
    return Answer(
        verdict=verdict,
        recommendation=f"{words} (recall@10 {gain.mean():+.3f}, between {low:+.3f} and {high:+.3f}).",
        rows=tuple(rows),
        gain=float(gain.mean()),
        gain_low=low,
        gain_high=high,
        split="titles",
        tested=tested,
    )


def judge(low: float, high: float) -> str:
    """What an interval of differences says."""
    if low > 0:
        return "helps"
    return "hurts" if high < 0 else "unclear"


def matching_rows(
    before: Sequence[Matching], after: Sequence[Matching], seconds: float, *, where: str = ""
) -> list[Row]:
    """Two rows a task; `where` is added to their names."""
    rows = []
    for old, new in zip(before, after, strict=True):
        if len(old.values):
            rows += [
                _matching_row(f"{new.task}{where}, trained", new, seconds),
                _matching_row(f"{old.task}{where}, before", old, 0),
            ]
    return rows


def find_main(before: Sequence[Matching], after: Sequence[Matching]) -> tuple[Matching, Matching] | None:
    """The task that a verdict is taken from, before and after; None where nothing could be asked."""
    pairs = zip(before, after, strict=True)
    return next(((old, new) for old, new in pairs if old.task == _MAIN and len(old.values)), None)


def _row(name: str, found: Measured | Unmeasured, seconds: float | None = None) -> Row:
    """A line of the card; None takes what fitting cost."""
    if isinstance(found, Unmeasured):
        return Row(name=name, metric="ndcg@10", value=0.0, low=0.0, high=0.0, count=0, note=found.reason)
    low, high = found.interval("ndcg@10") or (0.0, 0.0)
    return Row(
        name=name,
        metric="ndcg@10",
        value=found.mean("ndcg@10") or 0.0,
        low=low,
        high=high,
        count=int((~np.isnan(found.values["ndcg@10"])).sum()),
        seconds=round(found.fit_seconds if seconds is None else seconds, 1),
    )


def _matching_row(name: str, found: Matching, seconds: float) -> Row:
    low, high = found.interval()
    return Row(
        name=name,
        metric=found.metric,
        value=found.mean,
        low=low,
        high=high,
        count=len(found.values),
        seconds=round(seconds, 1),
    )
