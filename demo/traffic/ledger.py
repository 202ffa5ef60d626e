"""What happened: every request and every acknowledged order is entered here, once."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from traffic.latency import Latencies


@dataclass
class _Operation:
    requests: int = 0
    failed: int = 0
    latencies: Latencies = field(default_factory=Latencies)


class Ledger:
    """Counts of a run. A request fails when no answer came or not with the status that it should have."""

    def __init__(self) -> None:
        self.requests = self.failed = self.journeys = 0
        self.failures: Counter[str] = Counter()
        self.orders: list[str] = []
        self._latencies = Latencies()
        self._operations: dict[str, _Operation] = {}
        self._last_requests = 0

    def enter(self, operation: str, seconds: float, failure: str | None) -> None:
        """One request: what it was for, how long it took, and why it failed if it did."""
        entry = self._operations.setdefault(operation, _Operation())
        self.requests += 1
        entry.requests += 1
        if failure is None:
            self._latencies.add(seconds)
            entry.latencies.add(seconds)
        else:
            self.failed += 1
            entry.failed += 1
            self.failures[f"{operation} {failure}"] += 1

    def line(self, seconds: float, phase: str, interval: float) -> dict[str, Any]:
        """The run so far; ``rate`` is requests a second since the line before, ``interval`` seconds ago."""
        rate = (self.requests - self._last_requests) / interval
        self._last_requests = self.requests
        return {
            "seconds": round(seconds, 1),
            "phase": phase,
            "requests": self.requests,
            "failed": self.failed,
            "rate": round(rate, 1),
            "p50_ms": self._latencies.percentile_ms(0.5),
            "p95_ms": self._latencies.percentile_ms(0.95),
            "orders_acknowledged": len(self.orders),
            "failures": dict(self.failures),
        }

    def summary(self, seconds: float) -> dict[str, Any]:
        """The whole run. ``orders_digest`` is of the ids, sorted, one a line (the order database can make the
        same).
        """
        digest = hashlib.sha256("\n".join(sorted(self.orders)).encode()).hexdigest()
        self._last_requests = 0
        return {
            **self.line(seconds, "end", seconds),
            "p99_ms": self._latencies.percentile_ms(0.99),
            "journeys": self.journeys,
            "orders_digest": digest,
            "operations": {
                name: {
                    "requests": entry.requests,
                    "failed": entry.failed,
                    "p50_ms": entry.latencies.percentile_ms(0.5),
                    "p95_ms": entry.latencies.percentile_ms(0.95),
                }
                for name, entry in sorted(self._operations.items())
            },
            "done": True,
        }
