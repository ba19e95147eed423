"""The report as a file: nothing in it is trusted, nothing in it is loaded, and it holds the numbers."""

import numpy as np
import pytest

from core.explain.explanation import Counterfactual, Explanation, WordEffect
from core.explain.pictures.maps import Looked, PictureMap
from core.explain.report.html_file import build_report, mark_text
from core.explain.report.sentence import describe

EVIL = "<img src=x onerror=alert(1)>"


def explanation(**changes) -> Explanation:
    values = {
        "catalog": EVIL,
        "item_id": "1",
        "title": f"red {EVIL}",
        "need": "red",
        "avoid": (),
        "score": 2.5,
        "rank": 1,
        "base_value": 0.5,
        "modalities": {"picture": 1.5, "title": 0.75, "exact words": -0.25},
        "interactions": (),
        "words": (WordEffect(word="red", field="need", value=1.0), WordEffect(word="red", field="title", value=-1.0)),
        "counterfactuals": (
            Counterfactual(removed=EVIL, need="x", score=1.0, rank=14),
            Counterfactual(removed="title", need="", score=1.75, rank=2),
        ),
        "alone": {"title": 4},
        "nearest_flip": None,
        "lift": None,
        "against": None,
        "completeness": 0.0,
        "method": "m",
        "seconds": 0.1,
    }
    return Explanation(**(values | changes))


def looked(*, faithful: bool) -> Looked:
    grid = np.eye(3, dtype=np.float32)
    found = PictureMap(grid=grid, method="x", completeness=None, gain=1.0, faithful=faithful, seconds=0.0)
    return Looked(map=found, pixels=np.zeros((9, 9, 3), np.uint8), lost=0.5)


def test_nothing_from_outside_is_markup() -> None:
    found = explanation()
    said = build_report(found, {"need": "red", "title": found.title}, looked(faithful=True))
    assert "<img src=x" not in said and "onerror=alert(1)>" not in said.replace("&gt;", "")
    assert said.count("<img ") == 1 and 'src="data:image/png;base64,' in said
    assert said.index("default-src 'none'; img-src data:") < said.index("<title>"), "nor would it be loaded"


def test_it_holds_the_numbers() -> None:
    said = build_report(explanation(), {"need": "red"}, None)
    for part in ("+1.50", "+0.75", "-0.25", "<strong>2.50</strong>", "14", "1.75", "its title"):
        assert part in said, part
    assert "none is shown" not in said and "<img" not in said


def test_a_map_that_did_not_pass_is_not_shown() -> None:
    said = build_report(explanation(), {}, looked(faithful=False))
    assert "none is shown" in said and "<img" not in said


def test_words_are_marked_by_sign_and_strength() -> None:
    effects = [
        WordEffect(word="red", field="need", value=2.0),
        WordEffect(word="shoe", field="need", value=-1.0),
        WordEffect(word="for", field="need", value=0.1),
    ]
    said = mark_text("Need", "red shoe for me", effects)
    assert '<mark class="wl-for" style="--strength:1.00"' in said and "red<sup>+</sup>" in said
    assert '<mark class="wl-against" style="--strength:0.62"' in said and "shoe<sup>−</sup>" in said
    assert said.endswith("</mark> for me</div>"), "faint words and unknown ones stay as they are"


def test_each_place_of_a_word_has_its_own_effect() -> None:
    values = (("x", 1.0), ("y", 0.0), ("x", -1.0))
    effects = [WordEffect(word=word, field="title", value=value) for word, value in values]
    said = mark_text("Title", "x y x x", effects)
    assert said.count('class="wl-for"') == 1 and said.count('class="wl-against"') == 1
    assert said.endswith("<sup>−</sup></mark> x</div>"), "what was not tried is not marked"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "mostly on its picture (60 % of what moved the score). Without “<img src=x onerror=alert(1)>” it falls"),
        ({"modalities": {"title": 0.0}}, "Nothing about this item moved its score"),
        ({"modalities": {"title": -1.0}}, "Nothing about this item speaks for this need"),
        ({"rank": None}, "mostly on its picture (60 % of what moved the score)."),
        ({"need": "红色的裙子"}, "模型主要依据它的图片（占得分变化的 60%）。去掉“"),
    ],
)
def test_the_sentence_follows_the_numbers(changes, said) -> None:
    assert said in describe(explanation(**changes))
