"""The pair classifier with a tiny BERT that starts from chance."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from core.evaluate.baselines.bert_pair import BertPair, BertPairConfig, load_minilm
from core.evaluate.baselines.text_pairs import draw_pairs, person_text
from tests.core.evaluate.baselines.test_baselines import GROUP_ITEMS, make_history, make_items, planted

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "war", "love", "film", ".", *map(str, range(20))]
CONFIG = BertPairConfig(recent=2, tokens=24, pairs=400, epochs=40, batch_size=40, rate=3e-3, rerank=50)


@pytest.fixture
def load_tiny(tmp_path: Path):
    words = tmp_path / "vocab.txt"
    words.write_text("\n".join(WORDS), encoding="utf-8")

    def load():
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

    return load


def test_a_person_is_their_latest_titles_latest_first() -> None:
    items = make_items(["a", "b", "c", "d"])
    assert person_text(np.array([0, 1, 3]), items, recent=2) == "d. b"
    assert person_text(np.array([], np.int64), items, recent=2) == ""


def test_pairs_are_balanced_and_never_name_what_they_ask_for() -> None:
    log, items = planted()
    split = draw_pairs(log, items, recent=20, pairs=60, held_out=0.2, rng=np.random.default_rng(0))
    assert len(split.training) == 60
    assert sum(pair.liked for pair in split.training) == 30
    assert split.held_out
    for pair in (*split.training, *split.held_out):
        assert pair.person
        assert pair.item not in pair.person.split(". ")


def test_it_learns_two_groups_and_reads_cold_items_of_a_small_catalogue(load_tiny) -> None:
    log, items = planted()
    baseline = BertPair(CONFIG, seed=0, load_base=load_tiny)
    baseline.fit(log, items)
    assert baseline.accuracy > 0.8
    assert baseline.f1 > 0.8
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
    config = BertPairConfig(recent=2, tokens=24, pairs=20, rerank=3)
    first, second = (BertPair(config, seed=4, load_base=load_tiny) for _ in range(2))
    for baseline in (first, second):
        baseline.fit(log, items)
    counts = np.bincount(log.items[log.liked], minlength=len(items))
    order = np.argsort(-counts, kind="stable")
    history = make_history([order[0]])
    scores = first.score([history])[0]
    assert set(np.flatnonzero(scores >= 0)) == set(order[1:4])
    rest = np.setdiff1d(np.arange(len(items)), order[1:4])
    np.testing.assert_array_equal(np.argsort(-scores[rest], kind="stable"), np.argsort(-counts[rest], kind="stable"))
    np.testing.assert_array_equal(second.score([history])[0], scores)
    assert first.score([]).shape == (0, len(items))


def test_without_training_pairs_it_still_scores(load_tiny) -> None:
    log, items = planted()
    baseline = BertPair(CONFIG, load_base=load_tiny)
    baseline.fit(log.take(~log.liked), items)
    assert np.isnan(baseline.accuracy)
    assert np.isfinite(baseline.score([make_history([0])])).all()


def test_a_config_refuses_a_share_of_everybody() -> None:
    with pytest.raises(ValueError, match="held_out"):
        BertPairConfig(held_out=1.0)


@pytest.mark.slow
def test_the_built_in_text_model_gets_a_head_of_two_labels() -> None:
    model, tokenizer = load_minilm()
    inputs = tokenizer(["red coat"], ["a warm coat"], return_tensors="pt")
    with torch.inference_mode():
        assert model(**inputs).logits.shape == (1, 2)
