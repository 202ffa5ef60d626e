"""Percentiles of many latencies in little memory and time."""

import math

GROWTH = 1.04  # each bucket's upper bound is 4 % above the one before: that much a percentile may be off
SMALLEST_MS = 0.05
BUCKETS = 400


class Latencies:
    """A histogram with logarithmic buckets from 0.05 ms to 5 min."""

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self._total = 0

    def add(self, seconds: float) -> None:
        """Counts one latency."""
        steps = math.log(max(seconds * 1000 / SMALLEST_MS, 1)) / math.log(GROWTH)
        self._counts[min(int(steps), BUCKETS - 1)] += 1
        self._total += 1

    def percentile_ms(self, share: float) -> float:
        """The latency in milliseconds that this share (0 to 1) of requests did not exceed; 0 without any."""
        rank = math.ceil(self._total * share)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= rank:
                return round(SMALLEST_MS * GROWTH ** (bucket + 1), 2)
        return 0.0
