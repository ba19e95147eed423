"""A BERT over two texts that reads each by itself first and both together in its last blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

#: Scale of the head's inputs, so that its rate suits them whatever the width of the model.
_HEAD_SCALE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStates:
    """States of B texts after the lower blocks, (B, L, H), and which places hold a token, (B, L)."""

    states: "Tensor"
    present: "Tensor"


class PairNetwork:
    """Two labels from two texts.

    A sentence model has never seen two texts at once: read together from the first block on, they disturb each other
    until nothing of their likeness is left, and some thousand pairs do not bring it back. So the lower blocks, which
    stay as they are, read each text alone, and the last ones both. The head sees the mean state of each text: the
    item's, their product and their distance.

    Source: Cao et al. 2020, "DeFormer: decomposing pre-trained transformers for faster question answering"; the head's
    inputs as in Reimers and Gurevych 2019, "Sentence-BERT".
    """

    def __init__(self, base: Any, tokenizer: Any, *, joint: int) -> None:
        """Freeze what reads one text and give the model a fresh head.

        Args:
            base: A `BertForSequenceClassification`.
            tokenizer: Its tokenizer.
            joint: Last blocks that read both texts, at least 1.
        """
        import torch

        self.base = base
        self._tokenizer = tokenizer
        blocks = list(base.bert.encoder.layer)
        self._lower, self._upper = blocks[:-joint], blocks[-joint:]
        self.width = base.config.hidden_size
        base.classifier = torch.nn.Linear(3 * self.width, 2)
        torch.nn.init.zeros_(base.classifier.weight)
        torch.nn.init.zeros_(base.classifier.bias)
        base.eval().requires_grad_(False)
        for part in (*self._upper, base.classifier):
            part.requires_grad_(True)

    def body(self) -> "list[Tensor]":
        """Weights of the joint blocks."""
        return [weight for block in self._upper for weight in block.parameters()]

    def head(self) -> "list[Tensor]":
        """Weights of the new head."""
        return list(self.base.classifier.parameters())

    def set_training(self, training: bool) -> None:
        """Dropout in the trained parts alone: what is read apart is kept and used again."""
        for part in (*self._upper, self.base.dropout, self.base.classifier):
            part.train(training)

    def read_apart(self, texts: Sequence[str], *, tokens: int) -> TextStates:
        """Each text by itself, cut after so many tokens."""
        import torch

        inputs = self._tokenizer(list(texts), truncation=True, max_length=tokens, padding=True, return_tensors="pt")
        present = inputs["attention_mask"].bool()
        with torch.no_grad():
            states = _run(self._lower, self.base.bert.embeddings(input_ids=inputs["input_ids"]), present)
        return TextStates(states=states, present=present)

    def read_together(self, people: TextStates, items: TextStates) -> "Tensor":
        """Logits of B pairs, (B, 2)."""
        import torch

        present = torch.cat([people.present, items.present], dim=1)
        states = _run(self._upper, torch.cat([people.states, items.states], dim=1), present)
        cut = people.states.shape[1]
        first, second = _mean(states[:, :cut], people.present), _mean(states[:, cut:], items.present)  # (B, H) each
        root = self.width**0.5
        compared = [second * root, first * second * self.width, (first - second).abs() * root]
        logits: Tensor = self.base.classifier(self.base.dropout(torch.cat(compared, dim=1)) * _HEAD_SCALE)
        return logits


def pad_states(states: "Sequence[Tensor]") -> TextStates:
    """Texts of different length, (L, H) each, as one."""
    import torch

    lengths = torch.tensor([len(one) for one in states])
    padded = torch.nn.utils.rnn.pad_sequence([one.float() for one in states], batch_first=True)
    return TextStates(states=padded, present=torch.arange(padded.shape[1])[None] < lengths[:, None])


def _run(blocks: Sequence[Any], states: "Tensor", present: "Tensor") -> "Tensor":
    import torch

    mask = torch.zeros(len(states), 1, 1, states.shape[1]).masked_fill(~present[:, None, None], -1e9)
    for block in blocks:
        found = block(states, attention_mask=mask)
        states = found[0] if isinstance(found, tuple) else found
    return states


def _mean(states: "Tensor", present: "Tensor") -> "Tensor":
    """Unit-norm mean over the tokens, (B, H)."""
    import torch

    weights = present[..., None].float()
    return torch.nn.functional.normalize((states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1), dim=1)
