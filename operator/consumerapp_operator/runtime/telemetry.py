"""The operator's own metrics, all named consumerapp_…, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

DURATION_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Telemetry:
    """Counters and gauges as attributes. `consumerapp_api_writes_total` counts every write request there is:
    kind Lease is the elector's (one every few seconds while leading), Event the operator's Events.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Resident memory and CPU time of this process, so that the operator's own cost is a metric too.
        ProcessCollector(registry=self.registry)
        self.api_writes = self._counter("api_writes", "Write requests to the API server.", "verb", "kind", "result")
        self.reconciles = self._counter("reconciles", "Reconciles of apps.", "result")
        self.reconcile_seconds = self._histogram("reconcile_seconds", "Duration of a reconcile.")
        self.plan_seconds = self._histogram("plan_seconds", "Time spent on computing plans, per reconcile.")
        self.queue_adds = self._gauge("queue_adds", "Keys added to the work queue so far.")
        self.queue_retries = self._gauge("queue_retries", "Keys added again after a failure so far.")
        self.queue_depth = self._gauge("queue_depth", "Keys waiting for a worker.")
        self.queue_oldest_seconds = self._gauge("queue_oldest_seconds", "Age of the oldest key.", "state")
        self.apps = self._gauge("apps", "Apps known.")
        self.objects = self._gauge("objects", "Objects of apps held in memory.")
        self.ghosts = self._counter("resync_ghosts", "Objects that a resync found to be gone.")
        self.resync_timestamp = self._gauge("resync_timestamp_seconds", "Unix time of the last complete resync.")
        self.loop_lag_seconds = self._gauge(
            "event_loop_lag_seconds", "By how much the event loop was late, last second."
        )
        self.leading = self._gauge("leading", "1 while this process holds the Lease.")
        self.scale_decisions = self._counter(
            "scale_decisions", "Counts written by the scaler.", "namespace", "app", "workload", "direction"
        )
        self.replicas_wanted = self._gauge(
            "replicas_wanted", "Replicas the scaler decided on.", "namespace", "app", "workload"
        )
        self.bus_lag = self._gauge("bus_lag", "Events a worker has not acknowledged.", "namespace", "app", "worker")
        self.bus_messages = self._gauge(
            "bus_messages", "Messages in a stream; those in dead could not be processed.", "namespace", "app", "stream"
        )
        self.scrape_failures = self._counter("scrape_failures", "Metric sources that could not be read.", "source")

    def count_write(self, verb: str, kind: str, result: str) -> None:
        self.api_writes.labels(verb, kind, result).inc()

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"consumerapp_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"consumerapp_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"consumerapp_{name}", text, registry=self.registry, buckets=DURATION_BUCKETS)
