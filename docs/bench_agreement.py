"""How quick resampling is: `python docs/bench_agreement.py [--pairs N] [--resamples N]`.

Seconds by the wall and of CPU for the bootstrap, the permutation test and the paired swaps of each coefficient, beside
what SciPy takes for as many single coefficients (measured on a few and multiplied). A report: nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from aim_tui.core.agreement.bootstrap import bootstrap_intervals
from aim_tui.core.agreement.coefficients import RESAMPLED, CoefficientKind
from aim_tui.core.agreement.metric_comparison import swap_tests
from aim_tui.core.agreement.permutation import permutation_tests

if TYPE_CHECKING:
    from collections.abc import Callable

_SINGLE = {
    CoefficientKind.PEARSON: stats.pearsonr,
    CoefficientKind.SPEARMAN: stats.spearmanr,
    CoefficientKind.KENDALL_B: stats.kendalltau,
}
_SAMPLE = 50


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the wall and of CPU, the better of two."""
    best = (float("inf"), float("inf"))
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    return best


def one_by_one(single: Callable[[Any, Any], object], x: Any, y: Any) -> None:
    """A few coefficients, each by itself."""
    for _ in range(_SAMPLE):
        single(x, y)


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--resamples", type=int, default=10_000)
    asked = parser.parse_args()
    generator = np.random.default_rng(0)
    x = generator.normal(size=asked.pairs)
    other = x + generator.normal(size=asked.pairs)
    ratings = np.clip(np.round(3 + x + generator.normal(size=asked.pairs)), 1, 5)
    groups = [str(number // 5) for number in range(asked.pairs)]
    print(f"{asked.resamples:,} resamples of {asked.pairs:,} pairs, ratings 1 to 5; load {os.getloadavg()[0]:.1f}")
    print("| | bootstrap | over groups of 5 | permutation | one by one with SciPy |")
    print("|---|---|---|---|---|")
    for kind in RESAMPLED:
        works: tuple[Callable[[], object], ...] = (
            partial(bootstrap_intervals, x, ratings, [kind], resamples=asked.resamples),
            partial(bootstrap_intervals, x, ratings, [kind], groups, resamples=asked.resamples),
            partial(permutation_tests, x, ratings, [kind], arrangements=asked.resamples),
        )
        cells = ["{:.2f} s (CPU {:.2f})".format(*timed(work)) for work in works]
        wall, _ = timed(partial(one_by_one, _SINGLE[kind], x, ratings))
        print(f"| {kind.label} | {' | '.join(cells)} | {wall / _SAMPLE * asked.resamples:.1f} s |")
    wall, cpu = timed(lambda: swap_tests(x, other, ratings, swaps=asked.resamples))
    print(f"Two metrics compared, all three coefficients, {asked.resamples:,} swaps: {wall:.2f} s (CPU {cpu:.2f})")


if __name__ == "__main__":
    main()
