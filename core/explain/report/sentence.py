"""The sentence that is made from an explanation's numbers, in English or, for a need in Chinese, in Chinese."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.encode.text import find_scripts
from core.explain.explanation import Counterfactual, Explanation
from core.explain.people.person_explanation import PersonExplanation
from core.parts import PARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is said in one language; braces are filled with numbers and words."""

    nothing: str
    against: str
    mostly: str
    most: str
    hinders: str
    avoided: str
    avoided_unranked: str
    falls: str
    drops_out: str
    join: str
    part: str
    players: Mapping[str, str]


_ENGLISH = _Words(
    nothing="Nothing about this item moved its score for this need.",
    against="Nothing about this item speaks for this need: it is here because the others fit even less.",
    mostly="The model relied mostly on {player} ({share:.0f} % of what moved the score).",
    most="The model relied on {player} more than on anything else ({share:.0f} % of what moved the score).",
    hinders="What moved the score most is {player}, and it speaks against this item ({share:.0f} %).",
    avoided="It stands at {before} because you asked to avoid “{word}”: without that it would stand at {after}.",
    avoided_unranked="It is not ranked because you asked to avoid “{word}”: without that it would stand at {after}.",
    falls="Without “{word}” it falls from {before} to {after}.",
    drops_out="Without “{word}” it falls from {before} out of the ranking.",
    join=" ",
    part="its {part}",
    players={
        "picture": "its picture",
        "title": "its title",
        "description": "its description",
        "attributes": "its category and attributes",
        "exact words": "words that the need and the item share exactly",
    },
)
_CHINESE = _Words(
    nothing="对这个需求来说，这件商品没有任何内容影响它的得分。",
    against="这件商品没有任何内容符合这个需求：它排在这里，只是因为其他商品更不符合。",
    mostly="模型主要依据{player}（占得分变化的 {share:.0f}%）。",
    most="对得分影响最大的是{player}（占得分变化的 {share:.0f}%）。",
    hinders="对得分影响最大的是{player}，而且对这件商品不利（占得分变化的 {share:.0f}%）。",
    avoided="它排在第 {before} 位，因为你要求避开“{word}”；不避开的话，它会排在第 {after} 位。",
    avoided_unranked="它没有进入排名，因为你要求避开“{word}”；不避开的话，它会排在第 {after} 位。",
    falls="去掉“{word}”后，排名从第 {before} 位降到第 {after} 位。",
    drops_out="去掉“{word}”后，它从第 {before} 位跌出排名。",
    join="",
    part="它的{part}",
    players={
        "picture": "它的图片",
        "title": "它的标题",
        "description": "它的描述",
        "attributes": "它的类别和属性",
        "exact words": "与需求完全相同的词",
    },
)


#: Percent of what moved the score from which on it is "mostly" that.
_MOSTLY = 50.0
_PERSON_PLAYERS = {
    "history": "what this person did before",
    "prior": "how popular the item is",
}


def describe(found: Explanation) -> str:
    """One or two sentences for people: what moved the score most, for or against, and the need's strongest word."""
    words = _CHINESE if find_scripts(found.need).get("CJK", 0.0) > 0.5 else _ENGLISH
    total = sum(abs(value) for value in found.modalities.values())
    if total < 1e-6:
        return words.nothing
    name, value = max(found.modalities.items(), key=lambda pair: abs(pair[1]))
    if (avoided := _find_avoided(found, value)) is not None:
        phrase, one = avoided
        template = words.avoided_unranked if found.rank is None else words.avoided
        return template.format(word=phrase, before=found.rank, after=one.rank)
    if max(found.modalities.values()) <= 0:
        return words.against
    share = 100 * abs(value) / total
    template = words.hinders if value < 0 else words.mostly if share > _MOSTLY else words.most
    sentences = [template.format(player=_name_player(words, name), share=share)]
    if (worst := _find_worst(found)) is not None:
        template = words.drops_out if worst.rank is None else words.falls
        sentences.append(template.format(word=worst.removed, before=found.rank, after=worst.rank))
    return words.join.join(sentences)


def describe_person(found: PersonExplanation) -> str:
    """One or two sentences: what the score rests on, and the item of the history that matters most."""
    total = sum(abs(value) for value in found.modalities.values())
    if total < 1e-6:
        return "Nothing about this item or this person moved its score."
    if max(found.modalities.values()) <= 0:
        return "Nothing speaks for this item: it is here because the others fit even less."
    name, value = max(found.modalities.items(), key=lambda pair: abs(pair[1]))
    share = 100 * abs(value) / total
    template = _ENGLISH.hinders if value < 0 else _ENGLISH.mostly if share > _MOSTLY else _ENGLISH.most
    said = template.format(player=_PERSON_PLAYERS.get(name) or _name_player(_ENGLISH, name), share=share)
    worst = found.strongest
    if worst is None:
        return said
    title = worst.title or worst.removed
    if found.rank is None or worst.rank is None or worst.rank <= found.rank:
        return f"{said} Of what this person did before, “{title}” speaks for it most."
    return f"{said} Without “{title}” in the history this falls from {found.rank:,} to {worst.rank:,}."


def _name_player(words: _Words, name: str) -> str:
    """A field of an item, or a part of it by its label."""
    return words.players.get(name) or words.part.format(part=PARTS[name].label.lower())


def _find_worst(found: Explanation) -> Counterfactual | None:
    """The word of the need without which the item falls the farthest; None where it falls without none."""
    if found.rank is None:
        return None
    falls = [one for one in found.listed if one.need and (one.rank is None or one.rank > found.rank)]
    return max(falls, key=lambda one: (one.rank is None, one.rank or 0), default=None)


def _find_avoided(found: Explanation, largest: float) -> tuple[str, Counterfactual] | None:
    """The thing to avoid that moves the score more than any part of the item, or is the most of the largest part."""
    tried = [(phrase, one) for phrase in found.avoid if (one := found.find_avoided(phrase)) is not None]
    rises = [(phrase, one) for phrase, one in tried if one.rank is not None and one.rank < (found.rank or math.inf)]
    phrase, one = max(rises, key=lambda pair: pair[1].score, default=("", None))
    if one is None or one.score - found.score < abs(largest) * (0.5 if largest < 0 else 1.0):
        return None
    return phrase, one
