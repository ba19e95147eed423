"""One pre-norm transformer block. Imports torch, so import this module inside functions only."""

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class SelfAttention(nn.Module):
    """Multi-head self-attention; separate projections, so that an explanation can recompute the weights."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, allowed: Tensor, *, asking: int | None = None) -> Tensor:
        """Attend.

        Args:
            x: (B, L, W).
            allowed: Which positions may be looked at, (B, 1, 1 or Q, L).
            asking: How many of the first positions look at all; None lets every one.

        Returns:
            (B, Q, W), where Q is `asking`, or L.
        """
        query, key, value = self._split(self.query(x[:, :asking])), self._split(self.key(x)), self._split(self.value(x))
        dropout = self.dropout if self.training else 0.0
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=allowed, dropout_p=dropout)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, x.shape[2] // self.heads).transpose(1, 2)  # (B, H, L, W / H)


class Block(nn.Module):
    """Attention and a two-layer perceptron, each with a residual."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.perceptron_norm = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, allowed: Tensor, *, asking: int | None = None) -> Tensor:
        """(B, L, W) to (B, Q, W); `allowed` and `asking` as in `SelfAttention`."""
        x = x[:, :asking] + self.drop(self.attention(self.attention_norm(x), allowed, asking=asking))
        out: Tensor = x + self.drop(self.perceptron(self.perceptron_norm(x)))
        return out
