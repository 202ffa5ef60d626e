"""From counters of gateway pods to the load of an app's workloads: a sliding window over scrapes. No I/O, no
clock.

The window is 15 s over scrapes 5 s apart. A step of load shows in full after three scrapes and to a third
after one, so a large step is acted on within 5 s; and 15 s of Poisson arrivals at 20 a second scatter by 6 %,
less than the tolerance of 10 %. A shorter window would follow noise, and stabilization keeps the highest of
it for minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from consumerapp_operator.observe.concurrency import mean_in_flight
from consumerapp_operator.observe.counters import ZERO, Counters, Scrape, added, increase, scaled
from consumerapp_operator.observe.percentile import percentile
from consumerapp_operator.scale.model import Load, WorkloadKey
from consumerapp_operator.scale.workload import GATEWAY

WINDOW_SECONDS = 15.0
SLACK_SECONDS = 1.0
"""Scrapes of one tick end at different moments; a gap of this size is none."""


@dataclass(frozen=True)
class _Span:
    """What was counted on one pod between two scrapes."""

    start: float
    end: float
    increases: Mapping[WorkloadKey, Counters]

    def share_in(self, start: float, end: float) -> float:
        """The part of the span, by time, that lies in [start, end]."""
        overlap = min(self.end, end) - max(self.start, start)
        return max(0.0, overlap) / (self.end - self.start)


@dataclass
class _Pod:
    at: float
    scrape: Scrape
    spans: list[_Span] = field(default_factory=list)
    covered_since: float = 0.0


@dataclass(frozen=True)
class Measurement:
    """Loads of the window, and in words what is missing of them (empty: nothing)."""

    loads: Mapping[WorkloadKey, Load]
    missing: str


class Window:
    """The scrapes of one app's gateway pods, kept for one window. Pods are named by uid: names are used
    again.
    """

    def __init__(self, length: float = WINDOW_SECONDS) -> None:
        self._length = length
        self._pods: dict[str, _Pod] = {}
        self._began: float | None = None

    def add(self, uid: str, at: float, scrape: Scrape, born: float | None) -> None:
        """Take in a scrape that ended `at`. `born`: when the pod started; its counters were zero then."""
        if self._began is None:
            self._began = at
        pod = self._pods.get(uid)
        if pod is None:
            pod = self._pods[uid] = _Pod(at, scrape, covered_since=at)
            if born is not None and at - self._length <= born < at:
                pod.covered_since = -math.inf  # nothing of it is older
                pod.spans.append(_Span(born, at, scrape))
            return
        if at <= pod.at:
            return
        pod.spans.append(_Span(pod.at, at, _increases(pod.scrape, scrape)))
        pod.at, pod.scrape = at, scrape

    def measure(
        self,
        now: float,
        workloads: Iterable[WorkloadKey],
        serving: Mapping[str, str],
        failures: Mapping[str, str],
    ) -> Measurement:
        """The load of each workload over the window that ends with the last scrape.

        serving: names of the pods, by uid, that take requests, and so must be in the sum. failures: why a pod
        could not be scraped this time, by uid. A workload that no pod has counters for is left out: what is
        not measured is not zero.
        """
        self._forget(now, serving.keys() | failures.keys())
        if not serving:
            return Measurement({}, "no gateway pod is ready")
        answered = [self._pods[uid].at for uid in serving if uid in self._pods and uid not in failures]
        # the earliest of the answers: up to then every pod has been heard
        end = min(answered, default=now)
        start = max(end - self._length, self._began if self._began is not None else end)
        gaps = self._gaps(start, now, serving, failures)
        if not answered or end - start < SLACK_SECONDS or now - end > self._length:
            return Measurement({}, "; ".join(gaps) or "the first measurement takes two scrapes")
        loads = {
            workload: self._load(workload, start, end, complete=not gaps)
            for workload in workloads
            if any(workload in pod.scrape for pod in self._pods.values())
        }
        return Measurement(loads, "; ".join(gaps))

    def _load(self, workload: WorkloadKey, start: float, end: float, *, complete: bool) -> Load:
        length = end - start
        total, lowest = ZERO, 0.0
        for pod in self._pods.values():
            parts = [
                (share, span.increases.get(workload, ZERO), span.end - span.start)
                for span in pod.spans
                if (share := span.share_in(start, end)) > 0
            ]
            for share, counted, seconds in parts:
                part = scaled(counted, share)
                # the gauge is a level: weigh it by the time it stands for
                in_flight = counted.in_flight * share * seconds / length
                total = added(total, part, in_flight)
            lowest += min((counted.in_flight for _, counted, _ in parts), default=0.0)
        return Load(
            at=end,
            window=length,
            request_rate=total.completed / length,
            concurrency=mean_in_flight(total, lowest, length),
            latency_p95=percentile(total.buckets, 0.95),
            complete=complete,
        )

    def _gaps(self, start: float, now: float, serving: Mapping[str, str], failures: Mapping[str, str]) -> list[str]:
        """Serving pods that the sum lacks, wholly or in part, as `pod: why`."""
        gaps = []
        for uid, name in sorted(serving.items(), key=lambda item: item[1]):
            pod = self._pods.get(uid)
            if uid in failures:
                since = f", last measured {now - pod.at:.0f} s ago" if pod is not None else ""
                gaps.append(f"gateway pod {name}: {failures[uid]}{since}")
            elif pod is None or pod.covered_since > start + SLACK_SECONDS:
                gaps.append(f"gateway pod {name}: not yet measured for a whole window")
        return gaps

    def _forget(self, now: float, present: Iterable[str]) -> None:
        """Spans that have left the window, and pods that are gone with all of theirs."""
        alive = set(present)
        for uid, pod in list(self._pods.items()):
            # twice the window: it ends with the last scrape, which may be a while before now
            pod.spans = [span for span in pod.spans if span.end > now - 2 * self._length]
            if uid not in alive and not pod.spans:
                del self._pods[uid]


def _increases(before: Scrape, after: Scrape) -> dict[WorkloadKey, Counters]:
    """By workload. When the gateway's own counter has fallen, the whole pod began anew, at zero."""
    restarted = after.get(GATEWAY, ZERO).completed < before.get(GATEWAY, ZERO).completed
    return {
        workload: increase(ZERO if restarted else before.get(workload, ZERO), counters)
        for workload, counters in after.items()
    }
