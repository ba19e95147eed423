"""The pair classifier with a tiny BERT that starts from chance."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from core.baselines.bert_pair import BertPair, BertPairConfig, load_minilm
from core.baselines.pair_network import PairNetwork, TextStates, pad_states
from core.baselines.text_pairs import draw_pairs, person_text
from tests.core.baselines.test_baselines import GROUP_ITEMS, make_history, make_items, make_log, planted

pytestmark = pytest.mark.slow

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "war", "love", "film", ".", *map(str, range(20))]
CONFIG = BertPairConfig(
    recent=2, tokens=24, pairs=400, epochs=20, batch_size=40, rate=1e-3, head_rate=3e-3, rerank=50, weights=(1.0,)
)


def build_tiny(folder: Path):
    """A BERT of random weights and its tokenizer."""
    words = folder / "vocab.txt"
    words.write_text("\n".join(WORDS), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        num_labels=2,
        hidden_dropout_prob=0.0,
        initializer_range=0.2,
    )
    return BertForSequenceClassification(config), BertTokenizer(str(words))


@pytest.fixture
def load_tiny(tmp_path: Path):
    return lambda: build_tiny(tmp_path)


def test_a_person_is_their_latest_titles_latest_first() -> None:
    items = make_items(["a", "b", "c", "d"])
    assert person_text(np.array([0, 1, 3]), items, recent=2) == "d. b"
    assert person_text(np.array([], np.int64), items, recent=2) == ""


def test_pairs_are_balanced_and_never_name_what_they_ask_for() -> None:
    log, items = planted()
    drawn = list(draw_pairs(log, items, recent=20, pairs=60, rng=np.random.default_rng(0)))
    assert len(drawn) == 60
    assert sum(pair.liked for pair in drawn) == 30
    for pair in drawn:
        assert pair.person
        assert items.titles[pair.item] not in pair.person.split(". ")
        # The last two items have no event: they are new, not disliked.
        assert pair.item < 2 * GROUP_ITEMS


def test_every_second_other_item_is_drawn_by_popularity() -> None:
    """All like item 0 and then one of 1 to 3; item 4 was met once and not liked."""
    rows = [(person, item, True, place) for person in range(9) for place, item in enumerate((0, 1 + person % 3))]
    log = make_log([*rows, (9, 4, False, 0)], people=10, items=5)
    drawn = list(
        draw_pairs(log, make_items(["a", "b", "c", "d", "e"]), recent=1, pairs=18, rng=np.random.default_rng(0))
    )
    others = [pair.item for pair in drawn if not pair.liked]
    assert set(others[1::2]) <= {1, 2, 3}
    assert set(others) <= {1, 2, 3, 4}


def test_a_text_is_read_alone_in_the_lower_blocks_and_beside_the_other_in_the_last(load_tiny) -> None:
    torch.manual_seed(0)
    base, tokenizer = load_tiny()
    network = PairNetwork(base.eval(), tokenizer, joint=1)
    torch.nn.init.normal_(base.classifier.weight)
    first, both = (network.read_apart(texts, tokens=24) for texts in (["war film"], ["war film", "love film 1 2 3"]))
    torch.testing.assert_close(first.states[0], both.states[0, : first.states.shape[1]])
    item = pad_states([both.states[1]])
    alone = network.read_together(first, item)
    short = TextStates(states=both.states[:1], present=both.present[:1])
    torch.testing.assert_close(network.read_together(short, item), alone)
    other = network.read_apart(["love film"], tokens=24)
    assert (network.read_together(other, item) != alone).any()
    network.set_training(True)
    torch.testing.assert_close(network.read_apart(["war film"], tokens=24).states, first.states)
    frozen = {name for name, weight in base.named_parameters() if not weight.requires_grad}
    assert "bert.encoder.layer.0.output.dense.weight" in frozen
    assert "bert.encoder.layer.1.output.dense.weight" not in frozen


def test_it_learns_two_groups_and_reads_cold_items_of_a_small_catalogue(load_tiny) -> None:
    log, items = planted()
    baseline = BertPair(CONFIG, seed=2, load_base=load_tiny)
    baseline.fit(log, items)
    # Nobody can do much better than 0.85: three in ten of the other items are of the person's own group.
    assert baseline.accuracy > 0.7
    assert baseline.f1 > 0.7
    war, love, nothing = baseline.score(
        [make_history([0, 1, 2]), make_history([8, 9, 10]), make_history([5], liked=[False])]
    )
    assert war[3:GROUP_ITEMS].min() > war[GROUP_ITEMS : 2 * GROUP_ITEMS].max()
    assert love[11 : 2 * GROUP_ITEMS].min() > love[:GROUP_ITEMS].max()
    assert war[16] > war[17]
    assert love[17] > love[16]
    assert np.isfinite(nothing).all()


def test_it_reads_the_most_popular_unmet_items_and_leaves_the_rest_by_popularity(load_tiny) -> None:
    log, items = planted()
    config = BertPairConfig(recent=2, tokens=24, pairs=20, rerank=3, rerank_new=1)
    first, second = (BertPair(config, seed=4, load_base=load_tiny) for _ in range(2))
    for baseline in (first, second):
        baseline.fit(log, items)
    counts = np.bincount(log.items[log.liked], minlength=len(items))
    order = np.argsort(-counts, kind="stable")
    order = order[np.argsort(order != 0, kind="stable")]  # the person has met item 0, of the first group
    history = make_history([order[0]])
    scores = first.score([history])[0]
    read = [*order[1:4], 2 * GROUP_ITEMS]  # of the two new items the one that is nearest, of the same group
    assert set(np.argsort(-scores)[:4]) == set(read)
    rest = np.setdiff1d(np.arange(len(items)), read)
    np.testing.assert_array_equal(np.argsort(-scores[rest], kind="stable"), np.argsort(-counts[rest], kind="stable"))
    np.testing.assert_array_equal(second.score([history])[0], scores)
    assert first.score([]).shape == (0, len(items))


def test_without_training_pairs_it_still_scores(load_tiny) -> None:
    log, items = planted()
    baseline = BertPair(CONFIG, load_base=load_tiny)
    baseline.fit(log.take(~log.liked), items)
    assert np.isnan(baseline.accuracy)
    assert np.isfinite(baseline.score([make_history([0])])).all()


@pytest.mark.parametrize(
    "options", [{"weights": ()}, {"weights": (-1.0,)}, {"head_rate": 0.0}, {"rerank_new": -1}, {"joint": 0}]
)
def test_a_config_refuses_what_cannot_be(options) -> None:
    with pytest.raises(ValueError, match="at least"):
        BertPairConfig(**options)


def test_the_weight_beside_popularity_is_the_one_that_suits_people_kept_aside(load_tiny) -> None:
    log, items = planted()
    options = {"recent": 2, "tokens": 24, "pairs": 400, "epochs": 20, "batch_size": 40, "rate": 1e-3, "head_rate": 3e-3}
    baseline = BertPair(BertPairConfig(**options, weights=(0.0, 4.0)), load_base=load_tiny)
    baseline.fit(log, items)
    assert baseline.weight == 4.0


@pytest.mark.slow
def test_the_built_in_text_model_gets_a_head_of_two_labels() -> None:
    model, tokenizer = load_minilm()
    inputs = tokenizer(["red coat"], ["a warm coat"], return_tensors="pt")
    with torch.inference_mode():
        assert model(**inputs).logits.shape == (1, 2)
