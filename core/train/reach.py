"""Which items a trained model speaks of: those like the ones it learned from.

Fine-tuning moves what lies near the training items and everything else along with it. Outside of them the towers know
better, so the gate closes there: zero-shot elsewhere is kept without any further data.
"""

import numpy as np
import torch

from core.model.network import FusionModel
from core.train.data import TrainData

#: Added to the covariance, as a share of its mean variance.
_SHRINKAGE = 0.01
#: This share of the validation items lies within reach.
_INSIDE = 0.99
#: With fewer items than this there is no telling what is unlike them.
_LEAST = 50
#: Where items vary by no more than rounding they are equal, and say nothing of what is unlike them.
_EQUAL = 1e-12


def fit_reach(model: FusionModel, data: TrainData) -> None:
    """Set a model's reach from the items that it learned from, and its edge from the validation items.

    The distance is Mahalanobis's; validation items lie farther away than those that the covariance was taken of, so
    the edge is theirs.

    Source: Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples", equation 2, with
    one class a modality.
    """
    precisions, reach = model.fusion.precisions.clone(), model.fusion.reach.clone()
    for number, one in enumerate(data.tokens.modalities.values()):
        known = one.joint[data.learnable & one.present].astype(np.float64)
        validation = one.joint[data.validation_items & one.present].astype(np.float64)
        if len(known) < _LEAST or len(validation) < _LEAST // 5:
            continue
        means = data.means[number, : known.shape[1]]
        covariance = np.cov((known - means).T)
        ridge = _SHRINKAGE * np.trace(covariance) / len(covariance)
        if ridge < _EQUAL:
            continue
        precision = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
        away = validation - means
        distances = np.einsum("nd,de,ne->n", away, precision, away)
        precisions[number, : len(precision), : len(precision)] = torch.from_numpy(precision)
        reach[number] = max(float(np.quantile(distances, _INSIDE)), _EQUAL)
    model.fusion.set_reach(precisions, reach)
