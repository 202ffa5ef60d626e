"""A percentile from the buckets of a histogram."""

from __future__ import annotations

import math
from collections.abc import Mapping


def percentile(buckets: Mapping[float, float], share: float) -> float | None:
    """The value that `share` of the observations do not exceed; None without observations.

    Cumulative buckets, linear within one. In the last, which has no end, the answer is its beginning: too
    low, but there is nothing to say by how much.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank = share * buckets[bounds[-1]]
    below_bound, below_count = 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= rank and count > below_count:
            if math.isinf(bound):
                return below_bound
            return below_bound + (bound - below_bound) * (rank - below_count) / (count - below_count)
        below_bound, below_count = bound, max(count, below_count)
    return below_bound
