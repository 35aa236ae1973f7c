"""A ranking with uncertainty from duels, and active selection of the next pair.

The model is Bradley and Terry's (1952): image a is preferred to b with probability 1 / (1 + exp(s_b - s_a)). A tie
counts half a win for each side (Agresti, Categorical Data Analysis, 2002, 10.6.2); a skipped pair counts nothing.
Strengths have a Gaussian prior of standard deviation 2 logits, which keeps an image that won every duel finite.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from aim_tui.core.exact import levelled

#: Precision of the prior of a strength, whose standard deviation is 2 logits.
PRIOR = 0.25
#: Half the width of a 95 % interval in standard deviations.
Z95 = 1.959964
# Gauss-Hermite nodes: with these the information is right to four digits.
_NODES = 15
_TIED_INFORMATION = 1e-9
# Newton's steps square the error: from choix's 1e-5 to below what a float64 holds.
_POLISHING = 2


class Bout(NamedTuple):
    """One duel between images a and b, by number: `score` is 1 where a won, 0 where b won, 0.5 for a tie."""

    a: int
    b: int
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Posterior of the strengths, in logits relative to the mean of the images that are ranked."""

    mean: np.ndarray
    """Strengths, shape (n,)."""
    covariance: np.ndarray
    """Their covariance, shape (n, n), by Laplace's approximation."""

    @property
    def order(self) -> list[int]:
        """The images in descending order of strength; ties in the order of their numbers."""
        return [int(index) for index in np.argsort(-self.mean, kind="stable")]

    def interval(self, image: int) -> tuple[float, float]:
        """The 95 % interval of a strength."""
        half = Z95 * math.sqrt(self.covariance[image, image])
        return float(self.mean[image] - half), float(self.mean[image] + half)

    def differ(self, a: int, b: int) -> bool:
        """Whether the 95 % interval of the difference of two strengths excludes zero."""
        return bool(abs(self.mean[a] - self.mean[b]) > Z95 * math.sqrt(self._spread()[a, b]))

    def settled(self) -> int:
        """The number of neighbours in the ranking whose difference is significant, of n - 1."""
        order = self.order
        return sum(self.differ(a, b) for a, b in zip(order, order[1:], strict=False))

    def _spread(self) -> np.ndarray:
        variances = np.diag(self.covariance)
        spread: np.ndarray = np.maximum(variances[:, None] + variances[None, :] - 2 * self.covariance, 1e-12)
        return spread

    def information(self) -> np.ndarray:
        """The expected information gain of a duel of each pair about the strengths, in nats, shape (n, n).

        The mutual information of outcome and strengths, H(E[p]) - E[H(p)]: the rule of Houlsby et al., Bayesian
        Active Learning (2011), with Gauss-Hermite quadrature as in Li et al., Hybrid-MST (NeurIPS 2018).
        """
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        weights = weights / weights.sum()
        difference = self.mean[:, None] - self.mean[None, :]
        deviation = np.sqrt(self._spread())
        chance, noise = np.zeros_like(difference), np.zeros_like(difference)
        for node, weight in zip(nodes, weights, strict=True):
            p = 1 / (1 + np.exp(-(difference + deviation * node)))
            chance += weight * p
            noise += weight * _entropy(p)
        gain = _entropy(chance) - noise
        np.fill_diagonal(gain, -np.inf)
        return np.asarray(gain)


def rank(n: int, bouts: Sequence[Bout]) -> Ranking:
    """Estimate the strengths of n images from their duels by choix; takes up to a second, so call it in a thread.

    choix takes wins only: each duel is passed twice, a tie once for each side, and the prior is doubled, which does not
    move the maximum. The covariance is the inverse of the curvature there, with a weight of one per duel.
    """
    mean = np.zeros(n)
    if bouts:
        # Imported late: it imports scipy.stats, which is not needed before the first duel.
        import choix

        wins = [pair for bout in bouts for pair in _wins(bout)]
        # Its penalty is alpha * sum of squares; the prior's is PRIOR / 2 of that, twice.
        mean = np.asarray(choix.opt_pairwise(n, wins, alpha=PRIOR, method="Newton-CG"))
    # choix stops where its steps are small; two of Newton's own reach the maximum, so that equal records tie.
    for _ in range(_POLISHING):
        gradient, curvature = _derivatives(mean, bouts)
        mean = mean - np.linalg.solve(curvature, gradient)
    curvature = _derivatives(mean, bouts)[1]
    # Duels determine only differences of strengths, so their mean is removed.
    centre = np.identity(n) - 1 / n
    return Ranking(levelled(mean - mean.mean()), centre @ np.linalg.inv(curvature) @ centre)


def _derivatives(mean: np.ndarray, bouts: Sequence[Bout]) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (n,) and curvature (n, n) of the negative log posterior."""
    gradient, curvature = PRIOR * mean, PRIOR * np.identity(len(mean))
    for a, b, score in bouts:
        p = 1 / (1 + math.exp(mean[b] - mean[a]))
        gradient[a] += p - score
        gradient[b] -= p - score
        weight = p * (1 - p)
        curvature[[a, b], [a, b]] += weight
        curvature[[a, b], [b, a]] -= weight
    return gradient, curvature


def choose_pair(
    ranking: Ranking,
    chance: random.Random,
    busy: Collection[int] = (),
    skipped: Collection[tuple[int, int]] = (),
) -> tuple[int, int]:
    """The pair with the highest expected information gain, in random order; needs two images.

    `busy` images and `skipped` pairs (the smaller number first) are avoided as long as others remain. Ties are broken
    at random, so that a series does not begin with the first names.
    """
    gain = np.triu(ranking.information(), 1)
    gain[np.tril_indices(len(gain))] = -np.inf
    for images in (busy, ()):
        for pairs in (skipped, ()):
            remaining = gain.copy()
            for image in images:
                remaining[image, :] = remaining[:, image] = -np.inf
            for a, b in pairs:
                remaining[a, b] = -np.inf
            best = remaining.max()
            if np.isfinite(best):
                candidates = np.argwhere(remaining >= best - _TIED_INFORMATION)
                a, b = (int(image) for image in candidates[chance.randrange(len(candidates))])
                return (a, b) if chance.random() < 0.5 else (b, a)
    raise ValueError("a duel needs two images")


def _wins(bout: Bout) -> tuple[tuple[int, int], tuple[int, int]]:
    forward, back = (bout.a, bout.b), (bout.b, bout.a)
    return (forward, forward) if bout.score == 1 else (back, back) if bout.score == 0 else (forward, back)


def _entropy(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log(1 - p)))
