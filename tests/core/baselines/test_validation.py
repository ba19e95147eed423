"""What a fit's own choices are made by."""

import numpy as np
import pytest

from core.baselines.validation import mean_ndcg
from core.train.data import Validation
from tests.core.baselines.test_baselines import make_history


def test_the_gain_is_ndcg_with_what_was_met_before_masked() -> None:
    validation = Validation(histories=(make_history([0]), make_history([2])), targets=(np.array([1]), np.array([3])))
    scores = np.array([[4, 3, 2, 1], [4, 3, 2, 1]], np.float32)
    # The first person's item comes first, the other's third: 1 / log2(4).
    assert mean_ndcg(scores, validation) == pytest.approx((1 + 0.5) / 2)
    assert mean_ndcg(scores, validation, depth=2) == pytest.approx(0.5)
