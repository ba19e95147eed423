"""Did fine-tuning help? One test set, touched once, after everything was chosen without it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable
from core.baselines.registry import build_baseline
from core.baselines.tuning import Budget
from core.evaluate.answer import Answer, Row
from core.evaluate.catalog_report import MAIN, Matching, Questions, measure_matching
from core.evaluate.fusion import TrainedRecommender, build_fit_data
from core.evaluate.knock_out import knock_outs
from core.evaluate.measured import Measured, Unmeasured, compare_people
from core.evaluate.protocol import measure, try_measure
from core.evaluate.tested import TestedPeople, hold_titles_out
from core.evaluate.verdict import LEAST_TESTED, Difference, measure_difference
from core.tokens.item_tokens import ItemTokens, embed_texts
from core.train.config import TrainConfig
from core.train.data import TrainData, build_data
from core.train.held_out import find_leaks, group_items, number_pictures, number_texts

if TYPE_CHECKING:
    from core.train.run import Trained

EncodeTexts = Callable[[Sequence[str]], NDArray[np.float32]]
#: Quick to fit, hard to beat; the whole list is in `python -m core evaluate`.
SIMPLE = ("zero-shot", "popularity", "item-knn", "ease", "tfidf")
#: Of the choice of their settings, each: a training of a long log waits for no more than their fits.
TUNING = Budget(fits=12, seconds=6.0)


class LogHelp:
    """With a log: people who are new to the version, ranked over all items."""

    def __init__(self, items: ItemTable, people: TestedPeople, config: TrainConfig) -> None:
        self.name, self._split, self._held_out = people.name, people.split, people.held_out
        self._items, self._config = items, config
        self.fit = people.split.fit

    def build_data(self, tokens: ItemTokens) -> TrainData:
        """What may be trained on: no test person, no item that is tested as new."""
        return build_fit_data(tokens, self._items, self.fit, seed=self._config.seed)

    def measure(self, trained: "Trained", tokens: ItemTokens, encode: EncodeTexts) -> Answer:
        """Test the version and what is simple, on the same people."""
        mine = measure(lambda: TrainedRecommender(trained), [self._split], self._items)
        simple = ((name, partial(build_baseline, name, self._config.seed, budget=TUNING)) for name in SIMPLE)
        others = [try_measure(name, build, [self._split], self._items) for name, build in simple]
        answer = answer_people(mine, others, trained.seconds, split=self.name)
        answer = replace(answer, held_out=self._held_out)
        without = [
            replace(try_measure(name, build, [self._split], self._items), name=name)
            for name, build in knock_outs(trained, self._items, seed=self._config.seed)
        ]
        answer = replace(answer, rows=(*answer.rows, *(_row(one.name, one, 0) for one in without)))
        # Serving it moves what needs in words are compared with: on items that training has not seen, does that cost?
        cold = self._split.cold
        leaks = find_leaks(*number_items(self._items), ~cold)
        before, after = match_both_ways(self._items, cold & ~leaks, trained, tokens, encode)
        return add_matching(answer, before, after, trained.seconds)


class CatalogHelp:
    """Without a log: items whose titles and pictures the version has never seen."""

    fit = None

    def __init__(self, items: ItemTable, config: TrainConfig) -> None:
        self._items, self._config = items, config
        pairs = np.asarray(items.picture_embeddings.any(axis=1) & items.text_embeddings.any(axis=1))
        self._tested = hold_titles_out(items.titles, items.pictures, pairs).tested

    def build_data(self, tokens: ItemTokens) -> TrainData:
        """What may be trained on: no item with a test title, nor with the picture of one."""
        items = self._items
        return build_data(
            tokens,
            items.titles,
            items.categories,
            pictures=items.pictures,
            excluded=self._tested,
            seed=self._config.seed,
        )

    def measure(self, trained: "Trained", tokens: ItemTokens, encode: EncodeTexts) -> Answer:
        """Test the version against the towers alone."""
        before, after = match_both_ways(self._items, self._tested, trained, tokens, encode)
        return answer_matching(before, after, trained.seconds)


def number_items(items: ItemTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Equal numbers for equal titles, and for equal main pictures, (N,) each."""
    return number_texts(items.titles), number_pictures(items.pictures, len(items))


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
    after = measure_matching(trained.model, trained.tokens.take(rows), tuned)
    set_gates(trained.model, gates * 0)
    before = measure_matching(trained.model, tokens.take(rows), plain)
    set_gates(trained.model, gates)
    return before, after


def _read_questions(items: ItemTable, rows: NDArray[np.int64], trained: "Trained", encode: EncodeTexts) -> Questions:
    """What is asked of these items, by one text tower."""
    names = trained.model.config.categories
    number = {name: place for place, name in enumerate(names)}
    captions, pictures = number_items(items)
    return Questions(
        titles=encode([items.titles[row] for row in rows]),
        descriptions=encode([items.texts[row] for row in rows]),
        captions=captions[rows],
        pictures=pictures[rows],
        groups=group_items(captions, pictures)[rows],
        labels=np.array([number.get(items.categories[row], -1) for row in rows], np.int64),
        names=encode(list(names)) if names else np.empty((0, items.text_embeddings.shape[1]), np.float32),
    )


def add_matching(answer: Answer, before: Sequence[Matching], after: Sequence[Matching], seconds: float) -> Answer:
    """The card with what needs in words find among new items, and a word where they find less than before."""
    rows, found = matching_rows(before, after, seconds), measure_main(before, after)
    loss = f" Needs in words find new items worse with it ({MAIN[1]} {found})." if found.verdict == "hurts" else ""
    return replace(answer, rows=(*answer.rows, *rows), recommendation=answer.recommendation + loss)


def answer_people(mine: Measured, others: Sequence[Measured | Unmeasured], seconds: float, *, split: str) -> Answer:
    """The card from what was measured; the first of the others is what was there before."""
    rows = (_row("trained version", mine, seconds), *(_row(one.name, one) for one in others))
    before = others[0]
    if isinstance(before, Unmeasured):
        return Answer(
            verdict="unclear",
            recommendation=f"Keep what you have: the untrained model could not be measured beside it. {before.reason}",
            rows=rows,
            gain=0.0,
            gain_low=0.0,
            gain_high=0.0,
            split=split,
            tested=len(mine.users),
        )
    found = compare_people(mine, before)
    words = {
        "helps": "Use the trained version: for people it has never met it suggests better than the untrained model",
        "unclear": "Keep what you have: on the people held out the difference is within chance",
        "hurts": "Keep what you have: the trained version suggests worse than the untrained model",
        "too few": f"Too few to tell, so keep what you have: {found.count} of {LEAST_TESTED} people needed were tested",
    }[found.verdict]
    lead = _describe_lead(mine, others) if found.verdict != "too few" else ""
    return _answer(found, f"{words} (ndcg@10 {found}, {found.count:,} tested).{lead}", rows, split)


def _describe_lead(mine: Measured, others: Sequence[Measured | Unmeasured]) -> str:
    """How the version stands to the simple method that did best on the same people.

    The best is picked by what it is then compared on, so the interval is one that holds for all of them together
    (Bonferroni).
    """
    measured = [one for one in others if isinstance(one, Measured)]
    best = max(measured, key=lambda one: one.mean("ndcg@10") or 0.0)
    lead = compare_people(mine, best, level=1 - 0.05 / len(measured))
    beside = {"helps": "clearly better than", "hurts": "clearly worse than"}
    how = beside.get(lead.verdict, "not to be told apart from")
    return f" It is {how} the best of {len(measured)} simple methods here, {best.name} ({lead})."


def answer_matching(before: Sequence[Matching], after: Sequence[Matching], seconds: float) -> Answer:
    """The card from two measurements of the same questions."""
    rows, found = matching_rows(before, after, seconds), measure_main(before, after)
    words = {
        "helps": "Use the trained version: it finds pictures by titles that it has never seen better than before",
        "unclear": "Keep what you have: on held-out titles the difference is within chance",
        "hurts": "Keep what you have: the trained version finds pictures by titles worse than before",
        "too few": f"Too few to tell, so keep what you have: {found.count} of {LEAST_TESTED} titles needed were tested",
    }[found.verdict]
    return _answer(found, f"{words} ({MAIN[1]} {found}, {found.count:,} tested).", tuple(rows), "titles")


def _answer(found: Difference, recommendation: str, rows: tuple[Row, ...], split: str) -> Answer:
    return Answer(
        verdict=found.verdict,
        recommendation=recommendation,
        rows=rows,
        gain=found.mean,
        gain_low=found.low,
        gain_high=found.high,
        split=split,
        tested=found.count,
    )


def measure_main(before: Sequence[Matching], after: Sequence[Matching]) -> Difference:
    """What training changed in the task that a verdict is taken from; over nothing where it could not be asked."""
    pairs = zip(before, after, strict=True)
    asked = [(new.values, old.values) for old, new in pairs if (old.task, old.metric) == MAIN]
    return measure_difference(*asked[0]) if asked else measure_difference(np.empty(0), np.empty(0))


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


def _row(name: str, found: Measured | Unmeasured, seconds: float | None = None) -> Row:
    """A line of the card; None takes what fitting cost."""
    if isinstance(found, Unmeasured):
        return Row(name=name, metric="ndcg@10", value=0.0, low=0.0, high=0.0, count=0, note=found.reason)
    low, high = found.interval("ndcg@10") or (0.0, 1.0)
    return Row(
        name=name,
        metric="ndcg@10",
        value=found.mean("ndcg@10") or 0.0,
        low=low,
        high=high,
        count=found.count("ndcg@10"),
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
