"""What an item's own words and labels do for its score: each left out, and words of the need put in."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.encode.text import item_text
from core.explain.dropped_words import drop_words
from core.explain.explanation import Counterfactual, Flip, WordEffect
from core.explain.needs.ranks import MOST_WORDS, Standing
from core.serving.variants import Variant, VariantReader
from core.store.items import StoredItem
from core.suggest.need import Need

#: Words of an item that are tried: its title's, then its description's.
MOST_ITEM_WORDS = 24
#: Characters of a description whose words are tried; models read fewer.
_LONGEST_TEXT = 2_000
#: Labels that are tried, and characters of one that are shown.
_MOST_LABELS, _LONGEST_LABEL = 8, 60
#: The rank that a catalogue's owner would like to reach, and the most words that are added for it.
_LIFT_RANK, _MOST_ADDED = 3, 4


def weigh_item_words(stored: StoredItem, reader: VariantReader, standing: Standing) -> list[WordEffect]:
    """Effects of the item's words on the likeness of its text; exact words count apart."""
    item = stored.item
    titles = [("title", word, replace(item, title=rest)) for word, rest in drop_words(item.title)]
    read = item.description[:_LONGEST_TEXT]
    texts = [("description", word, replace(item, description=rest)) for word, rest in drop_words(read)]
    dropped = [*titles, *texts][:MOST_ITEM_WORDS]
    variants = [stored.item, *(item for _, _, item in dropped)]
    likeness = _likeness(stored, reader, standing, variants)
    return [
        WordEffect(word=word, field=field, value=float(likeness[0] - value))
        for (field, word, _), value in zip(dropped, likeness[1:], strict=True)
    ]


def remove_labels(stored: StoredItem, reader: VariantReader, standing: Standing) -> list[Counterfactual]:
    """Where the item would stand without its category, its brand or an attribute; none where it has but one of them."""
    read = item_text(stored.item)
    changed = [(name, item) for name, item in _without_labels(stored.item) if item_text(item) != read][:_MOST_LABELS]
    if len(changed) < 2:
        return []
    likeness = _likeness(stored, reader, standing, [stored.item, *(item for _, item in changed)])
    scores = (standing.score + likeness[1:] - likeness[0]).tolist()
    return [
        Counterfactual(removed=name, need="", score=score, rank=standing.rank_at(score))
        for (name, _), score in zip(changed, scores, strict=True)
    ]


def _without_labels(item: Item) -> Iterator[tuple[str, Item]]:
    """Each label with the item without it."""
    if item.category:
        yield _name_label("category", item.category[-1:]), replace(item, category=())
    if item.brand:
        yield _name_label("brand", (item.brand,)), replace(item, brand="")
    for name, values in item.attributes.items():
        rest = {key: value for key, value in item.attributes.items() if key != name}
        yield _name_label(name, values), replace(item, attributes=rest)


def _name_label(name: str, values: Sequence[str]) -> str:
    label = f"{name}: {', '.join(values)}"
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def find_lift(stored: StoredItem, need: Need, reader: VariantReader, standing: Standing) -> Flip | None:
    """Words of the need that its text lacks, added to its labels one after the other, the best first."""
    if standing.rank is not None and standing.rank <= _LIFT_RANK:
        return None
    held = item_text(stored.item).casefold()
    missing = list(dict.fromkeys(word for word, _ in drop_words(need.text) if word.casefold() not in held))[:MOST_WORDS]
    rest = standing.score - float(_likeness(stored, reader, standing, [stored.item])[0])
    added: list[str] = []
    while missing and len(added) < _MOST_ADDED:
        items = [_with_words(stored.item, [*added, word]) for word in missing]
        scores = _likeness(stored, reader, standing, items) + rest
        added.append(missing.pop(int(scores.argmax())))
        rank = standing.rank_at(float(scores.max()))
        if rank is not None and rank <= _LIFT_RANK:
            return Flip(changed=tuple(added), need=need.text, rank=rank, across=_LIFT_RANK)
    return None


def _with_words(item: Item, words: Sequence[str]) -> Item:
    """The item with words at the end of its title, where every model reads them."""
    return replace(item, title=" ".join([item.title, *words]).strip())


def _likeness(
    stored: StoredItem, reader: VariantReader, standing: Standing, items: Sequence[Item]
) -> NDArray[np.float32]:
    """Scores without exact words of the item with its words changed, (V,)."""
    rows = reader.read(stored, [Variant(item=item) for item in items])
    scores: NDArray[np.float32] = standing.ranked.query.parts(rows).sum(axis=1) - standing.ranked.query.avoided(rows)
    return scores
