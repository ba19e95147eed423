"""How often a verdict is said of noise, and what gain it takes to hear one.

    python -m benchmarks.verdict_noise [--draws 600]

Differences of several shapes are drawn whose true mean is 0, for 2 to 300 people: a verdict "helps" or "hurts" is then
false, and at most one in twenty may be. Beside it stands what the interval alone would say, without a least number of
people, and what Student's interval and the percentile bootstrap would say, which do not hold. Of signs (better for one
person, worse for another, as often) the share is reckoned instead of drawn, for every number of people.
"""

import argparse
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.intervals import bootstrap_interval
from core.evaluate.verdict import measure_difference

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
COUNTS = (2, 3, 5, 10, 20, 40, 60, 150, 300)
#: A share of false verdicts; drawing itself moves it by two standard errors.
LEVEL = 0.05


def draw_ranks(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Reciprocal ranks of two models that guess among 20 answers, one minus the other, (count,)."""
    first, second = 1 / rng.integers(1, 21, (2, count))
    return np.asarray(first - second)


#: Differences of two models that are equally good, by shape.
NOISE: Mapping[str, Draw] = {
    "normal": lambda rng, count: rng.normal(0, 0.1, count).clip(-1, 1),
    "reciprocal ranks": draw_ranks,
    "signs": lambda rng, count: rng.choice([-1.0, 1.0], count),
    "mostly zero": lambda rng, count: rng.choice([-0.3, 0.0, 0.3], count, p=[0.1, 0.8, 0.1]),
    "seldom one": lambda rng, count: rng.choice([-1.0, 0.0, 1.0], count, p=[0.02, 0.96, 0.02]),
    "rare loss": lambda rng, count: rng.choice([-0.45, 0.05], count, p=[0.1, 0.9]),
    "rarer loss": lambda rng, count: rng.choice([-0.98, 0.02], count, p=[0.02, 0.98]),
    "skewed": lambda rng, count: rng.choice([-0.4, 0.0, 0.1], count, p=[0.02, 0.9, 0.08]),
}


def count_false(draw: Draw, count: int, draws: int) -> dict[str, float]:
    """Share of false verdicts by what says them.

    Args:
        draw: Of differences whose mean is 0.
        count: People.
        draws: How many times.
    """
    rng, none = np.random.default_rng([count, 1]), np.zeros(count)
    wrong = {"verdict": 0, "interval alone": 0, "Student": 0, "bootstrap": 0}
    for _ in range(draws):
        values = draw(rng, count)
        found = measure_difference(values, none)
        spread = float(stats.t.ppf(1 - LEVEL / 2, count - 1) * values.std(ddof=1) / count**0.5)
        wrong["verdict"] += found.verdict in ("helps", "hurts")
        wrong["interval alone"] += not found.low <= 0 <= found.high
        wrong["Student"] += abs(float(values.mean())) > spread
        low, high = bootstrap_interval(values, seed=0, resamples=200)
        wrong["bootstrap"] += not low <= 0 <= high
    return {name: number / draws for name, number in wrong.items()}


def reckon_signs(count: int) -> float:
    """The share of false verdicts where each of `count` people finds one of two models better, as likely either."""
    none, wrong = np.zeros(count), 0.0
    for losses in range(count // 2 + 1):
        values = np.where(np.arange(count) < losses, -1.0, 1.0)
        said = (measure_difference(values, none).verdict, measure_difference(-values, none).verdict)
        false = (said[0] == "helps") + (said[1] == "hurts")
        if not false:
            break  # the more losses, the less likely
        wrong += false * float(stats.binom.pmf(losses, count, 0.5))
    return wrong


def share_heard(gain: float, spread: float, count: int, draws: int) -> float:
    """How often a true gain of a spread is said to help."""
    rng, none = np.random.default_rng([count, 2]), np.zeros(count)
    found = [measure_difference(rng.normal(gain, spread, count).clip(-1, 1), none) for _ in range(draws)]
    return sum(one.verdict == "helps" for one in found) / draws


def least_gain(count: int) -> float:
    """The least gain, alike for all, whose interval lies above 0, in hundredths."""
    gains = np.arange(1, 101) / 100
    lows = [measure_difference(np.full(count, gain), np.zeros(count)).low for gain in gains]
    above = np.flatnonzero(np.array(lows) > 0)
    return float(gains[above[0]]) if len(above) else np.nan


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=600)
    draws = parser.parse_args().draws
    bound = LEVEL + 2 * (LEVEL * (1 - LEVEL) / draws) ** 0.5
    print(f"False verdicts on noise, {draws} draws each; {LEVEL:.0%} are allowed, which may show as {bound:.1%}\n")
    print("| noise | people | verdict | interval alone | Student | bootstrap |\n|---|---|---|---|---|---|")
    worst = 0.0
    for name, draw in NOISE.items():
        for count in COUNTS:
            wrong = count_false(draw, count, draws)
            worst = max(worst, wrong["verdict"])
            print(f"| {name} | {count} | " + " | ".join(f"{share:.1%}" for share in wrong.values()) + " |", flush=True)
    signs = max((reckon_signs(count), count) for count in range(2, COUNTS[-1] + 1))
    print(f"\nThe worst verdict: {worst:.1%}; of signs, reckoned: {signs[0]:.2%}, with {signs[1]} people")
    print("\n| people | least gain that all have alike |\n|---|---|")
    for count in (6, *COUNTS[3:]):
        print(f"| {count} | {least_gain(count):.2f} |")
    print("\n| gain | spread | people | heard |\n|---|---|---|---|")
    for gain, spread in ((0.03, 0.1), (0.05, 0.2), (0.1, 0.2), (0.2, 0.3), (0.4, 0.4)):
        for count in COUNTS[4:]:
            print(f"| {gain} | {spread} | {count} | {share_heard(gain, spread, count, draws // 3):.0%} |")


if __name__ == "__main__":
    main()
