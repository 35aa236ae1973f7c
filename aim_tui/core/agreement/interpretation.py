"""Describe a coefficient in words, by its interval and the number of pairs, never by p alone."""

from __future__ import annotations

import math
from enum import StrEnum

from aim_tui.core.agreement.coefficients import Coefficient
from aim_tui.core.statistics import FEWEST

#: The half width of the interval for which the required number of pairs is given.
WANTED = 0.1
#: AIM calls a coefficient significant below this p.
SIGNIFICANT = 0.05
_EXAMPLES = (0.3, 0.4, 0.5)


class EvidenceLevel(StrEnum):
    """What a number of pairs is sufficient for."""

    NONE = "fewer than 3 pairs"
    TOO_FEW = "too few to interpret"
    EXPLORATORY = "exploratory"
    INDICATIVE = "indicative"
    ENOUGH = "100 pairs or more"

    @classmethod
    def of(cls, n: int) -> EvidenceLevel:
        """The level of n pairs."""
        for limit, standing in ((FEWEST, cls.NONE), (10, cls.TOO_FEW), (30, cls.EXPLORATORY), (100, cls.INDICATIVE)):
            if n < limit:
                return standing
        return cls.ENOUGH


def sentence(coefficient: Coefficient, n: int, metric: str, judgement: str) -> str:
    """Describe a coefficient and its interval in one sentence."""
    if coefficient.value is None:
        return f"{metric} and {judgement}: no coefficient, {coefficient.reason}."
    level = EvidenceLevel.of(n)
    text = f"{coefficient.kind.label} of {metric} and {judgement} is {coefficient.value:+.2f} over {n} pairs ({level})"
    interval = coefficient.best_interval
    if coefficient.perfect or interval is None:
        return f"{text}; {coefficient.no_interval or 'interval not defined'}."
    text += f": {100 * interval.confidence:g} % interval {interval.low:+.2f} to {interval.high:+.2f}"
    if level is EvidenceLevel.TOO_FEW:
        return f"{text}."
    if not interval.decided:
        return f"{text}, which includes 0."
    return f"{text}; {'better' if coefficient.value > 0 else 'worse'} scores go with better judgements."


def pairs_needed_sentence(coefficient: Coefficient, n: int) -> str:
    """How many pairs a narrower interval, and a test with enough power, would need."""
    power = " / ".join(str(pairs_for_power(r)) for r in _EXAMPLES)
    sizes = " / ".join(f"{r:g}"[1:] for r in _EXAMPLES)
    text = f"80 % power to detect r = {sizes} takes {power} pairs."
    if coefficient.value is None or coefficient.perfect:
        return text
    needed = pairs_for_width(coefficient.value, WANTED)
    have = "enough" if n >= needed else str(n)
    return f"An interval of about ±{WANTED:g} takes {needed} pairs (there are {have}); {text}"


def pairs_for_width(r: float, half_width: float, confidence: float = 0.95) -> int:
    """The fewest pairs with which Fisher's interval of r is no wider than twice `half_width`."""
    from scipy.special import ndtri

    z = float(ndtri(0.5 + confidence / 2))
    centre = math.atanh(max(-0.999999, min(0.999999, r)))

    def width(n: int) -> float:
        half = z / math.sqrt(n - 3)
        return math.tanh(centre + half) - math.tanh(centre - half)

    low, high = 4, 5
    while width(high) > 2 * half_width:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if width(middle) > 2 * half_width else (low, middle)
    return low


def pairs_for_power(r: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """The fewest pairs with which a two-sided test detects a correlation of r with this power (Fisher's z).

    >>> pairs_for_power(0.3), pairs_for_power(0.4), pairs_for_power(0.5)
    (85, 47, 30)
    """
    from scipy.special import ndtri

    return math.ceil(((float(ndtri(1 - alpha / 2)) + float(ndtri(power))) / math.atanh(r)) ** 2 + 3)


def strength(value: float | None) -> str | None:
    """AIM's word for |r|: strong from 0.7, moderate from 0.4, weak below."""
    if value is None:
        return None
    return "strong" if abs(value) >= 0.7 else "moderate" if abs(value) >= 0.4 else "weak"


def significant(p: float | None) -> bool | None:
    """Whether p is below .05, AIM's limit; None without p."""
    return None if p is None else p < SIGNIFICANT
