"""What scores people beside the network: the same while it is measured and once it is opened from a version."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.interactions.log import History
from core.model.events import LIKED_ALONE, EventWeights, weigh_rows
from core.model.fitted import ItemPlaces, PersonScores, head_parts, item_parts
from core.model.memory import Memory

if TYPE_CHECKING:
    from core.model.network import FusionModel


HEADS = ("taste", "prior", "together", "carried", "content")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadWeights:
    """Weights of the heads, at least 0.

    Attributes:
        taste: Of the user transformer's cosine.
        prior: Of popularity, observed and drawn towards what the content foretells.
        together: Of the memory's score of items with events.
        carried: Of what the likes of an item without events get.
        content: Of the likeness of an item without events to what was liked.
        new_taste: In place of `taste` for items without events.
        new_prior: In place of `prior` for items without events.
        newcomer_prior: In place of both for somebody who liked nothing: with nothing else to say, two weights would
            set items without events against all others. None leaves them.
    """

    taste: float = 0.1
    prior: float = 0.01
    together: float = 1.0
    carried: float = 0.0  # versions trained before there was such a head do not name it
    content: float = 1.0
    new_taste: float = 0.1
    new_prior: float = 0.01
    newcomer_prior: float | None = None  # as `carried`

    def to_array(self, new: NDArray[np.bool_], *, newcomer: bool = False) -> NDArray[np.float32]:
        """In the order of `HEADS` for each item; `new` says which have no events, (N,) to (N, 5)."""
        same = self.newcomer_prior if newcomer else None
        prior, new_prior = (self.prior, self.new_prior) if same is None else (same, same)
        known = np.array([self.taste, prior, self.together, 0.0, 0.0], np.float32)
        fresh = np.array([self.new_taste, new_prior, 0.0, self.carried, self.content], np.float32)
        return np.where(new[:, None], fresh, known)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleHeads:
    """The heads of a version that was trained with a log.

    Attributes:
        prior: Popularity in standard deviations, observed or foretold, (N,).
        memory: What people like together.
        weights: Of the heads.
        rating_scale: Mean and standard deviation of ratings.
        events: How much each event says to the memory.
    """

    prior: NDArray[np.float32]
    memory: Memory
    weights: HeadWeights
    rating_scale: tuple[float, float]
    events: EventWeights

    def score(self, network: "FusionModel", vectors: NDArray[np.float32], histories: Sequence[History]) -> PersonScores:
        """Parts of the scores of all items for people; an empty history leaves the prior alone.

        Args:
            network: Reads histories.
            vectors: Of the items, (N, M, D).
            histories: Of B people.
        """
        import torch

        from core.model.inference import read_people, unit

        flat = unit(vectors.reshape(len(vectors), -1))
        people = read_people(network, histories, torch.from_numpy(flat), self.rating_scale)
        liked, new = weigh_rows(histories, len(flat), self.events), ~self.memory.seen
        parts = head_parts(people @ flat.T, self.prior, self.memory, liked)
        newcomers = ~liked.any(axis=1)
        parts[~newcomers] *= self.weights.to_array(new)
        parts[newcomers] *= self.weights.to_array(new, newcomer=True)
        return PersonScores(parts={name: parts[:, :, place] for place, name in enumerate(HEADS)})

    def score_places(
        self, network: "FusionModel", vectors: NDArray[np.float32], history: History, places: ItemPlaces
    ) -> NDArray[np.float32]:
        """Weighted parts of one item's score for one person as if the item lay elsewhere, (V, 5) as `HEADS`.

        Args:
            network: Reads the history.
            vectors: Of the items, (N, M, D); the history is read with them as they are.
            history: Of the person.
            places: Where the item is taken to lie.
        """
        import torch

        from core.model.inference import read_people, unit

        flat = unit(vectors.reshape(len(vectors), -1))
        (person,) = read_people(network, [history], torch.from_numpy(flat), self.rating_scale)
        (liked,) = weigh_rows([history], len(flat), self.events)
        parts = item_parts(places.flat @ person, float(self.prior[places.item]), self.memory, liked, places)
        new = ~self.memory.seen[[places.item]]
        (weights,) = self.weights.to_array(new, newcomer=not liked.any())
        weighed: NDArray[np.float32] = parts * weights
        return weighed

    def numbers(self) -> dict[str, Any]:
        """What is not an array, as JSON values; `from_parts` reads it."""
        return {
            "weights": asdict(self.weights),
            "rating_scale": list(self.rating_scale),
            "events": asdict(self.events),
        }

    @classmethod
    def from_parts(cls, prior: NDArray[np.float32], memory: Memory, numbers: Mapping[str, Any]) -> "PeopleHeads":
        """Put together what was saved.

        Raises:
            KeyError: A number is missing.
            TypeError: A weight is unknown.
            ValueError: A weight is out of range.
        """
        mean, deviation = numbers["rating_scale"]
        return cls(
            prior=prior,
            memory=memory,
            weights=HeadWeights(**numbers["weights"]),
            rating_scale=(float(mean), float(deviation)),
            events=EventWeights(**numbers["events"]) if "events" in numbers else LIKED_ALONE,
        )
