"""The network of SASRec and where its item vectors start."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import log_matrix
from core.interactions.log import InteractionLog

if TYPE_CHECKING:
    from torch import Tensor

    from core.baselines.sasrec import SasRecConfig


def build_network(popularity: NDArray[np.float32], config: "SasRecConfig") -> Any:
    """The transformer; its item vectors are both what it reads and what it scores with."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vectors = nn.Embedding(len(popularity) + 1, config.dimension, padding_idx=0)
            self.places = nn.Embedding(config.length, config.dimension)
            self.marks = nn.Embedding(2, config.dimension)
            nn.init.normal_(self.vectors.weight, std=0.02)
            nn.init.normal_(self.places.weight, std=0.02)
            nn.init.normal_(self.marks.weight, std=0.02)
            self.dropout = nn.Dropout(config.dropout)
            block = nn.TransformerEncoderLayer(
                config.dimension,
                config.heads,
                4 * config.dimension,
                config.dropout,
                "gelu",
                batch_first=True,
                norm_first=True,
            )
            self.blocks = nn.TransformerEncoder(block, config.layers, enable_nested_tensor=False)
            self.norm = nn.LayerNorm(config.dimension)
            self.biases = nn.Parameter(torch.from_numpy(np.log(popularity + 0.5)))

        def hidden(self, inputs: "Tensor") -> "Tensor":
            """States after each event of (B, L, 2), (B, L, D)."""
            length = inputs.shape[1]
            hidden = self.vectors(inputs[..., 0])
            hidden = self.dropout(hidden + self.places.weight[-length:] + self.marks(inputs[..., 1]))  # (B, L, D)
            future = torch.ones(length, length, dtype=torch.bool).triu(1)
            padding = inputs[..., 0] == 0
            # A padded place must see something, else its softmax is over nothing; it sees itself.
            blocked = (future[None] | padding[:, None, :]) & ~torch.eye(length, dtype=torch.bool)
            blocked = blocked.repeat_interleave(config.heads, dim=0)  # (B * heads, L, L)
            states: Tensor = self.norm(self.blocks(hidden, mask=blocked))
            return states

        def forward(self, inputs: "Tensor") -> "Tensor":
            """Logits of the item after the last event, (B, N)."""
            scores: Tensor = self.hidden(inputs)[:, -1] @ self.vectors.weight[1:].T + self.biases
            return scores

    return Network()


def spectral_vectors(log: InteractionLog, dimension: int, spread: float) -> NDArray[np.float32]:
    """Singular vectors of who liked what, with the roots of the singular values, (N, dimension); zero without a like.

    Args:
        log: Events of the fit.
        dimension: At least 1; what the likes do not fill is zero.
        spread: Root mean square of the norms, above 0.
    """
    from scipy.sparse.linalg import svds  # type: ignore[import-untyped]

    likes = log_matrix(log).astype(np.float64)
    found = np.zeros((likes.shape[1], dimension), np.float32)
    rank = min(dimension, *(size - 1 for size in likes.shape))
    if rank < 1 or not likes.nnz:
        return found
    # A start that is given makes the result the same in every run.
    _, values, rows = svds(likes, k=rank, v0=np.ones(min(likes.shape)))
    found[:, :rank] = rows.T * np.sqrt(np.maximum(values, 0))
    found *= spread / max(float(np.sqrt((found**2).sum(axis=1).mean())), 1e-12)
    return found
