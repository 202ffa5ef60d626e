"""What scaling costs: reading one scrape of a gateway pod, and deciding for a thousand apps.

    python -m benchmarks.scaler

Prints figures of this process's CPU time; nothing is sent anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from consumerapp_operator.api.app import read_app
from consumerapp_operator.observe.envoy import parse
from consumerapp_operator.observe.window import Window
from consumerapp_operator.plan.gateway.statistics import BUCKETS
from consumerapp_operator.scale.decide import decide
from consumerapp_operator.scale.history import History
from consumerapp_operator.scale.model import Load, Observation, Replicas
from consumerapp_operator.scale.workload import GATEWAY, service_key

INTERVAL_SECONDS = 5.0
NAMES = ("user", "product", "order", "payment", "notifier")


def scrape_text(services: int, requests: int = 1_000_000) -> str:
    """What Envoy answers to a scrape with this many services."""
    lines = []
    names = [("cluster", "up", "envoy_cluster_name", f"service-{number}") for number in range(services)]
    names += [("http", "down", "envoy_http_conn_manager_prefix", name) for name in ("public", "internal", "stats")]
    for source, direction, label, name in names:
        stem = f"envoy_{source}_{direction}stream_rq"
        tag = f'{label}="{name}"'
        for statistic, value in (("active", 3), ("pending_active", 0), ("completed", requests)):
            lines += [f"# TYPE {stem}_{statistic} gauge", f"{stem}_{statistic}{{{tag}}} {value}"]
        lines.append(f"# TYPE {stem}_time histogram")
        lines += [f'{stem}_time_bucket{{{tag},le="{bound}"}} {requests}' for bound in (*BUCKETS, "+Inf")]
        lines += [f"{stem}_time_sum{{{tag}}} 5.5e7", f"{stem}_time_count{{{tag}}} {requests}"]
    return "\n".join(lines)


def cpu_seconds(action: Callable[[], object], times: int) -> float:
    """CPU time of one call, in the mean."""
    action()
    begin = time.process_time()
    for _ in range(times):
        action()
    return (time.process_time() - begin) / times


def reading(services: int, pods: int) -> str:
    """Cost of one turn's scrapes, without the transport."""
    text = scrape_text(services)
    window, now = Window(), 1_000_000.0
    workloads = (GATEWAY, *(service_key(f"service-{number}") for number in range(services)))
    serving = {str(number): str(number) for number in range(pods)}

    def turn() -> None:
        nonlocal now
        now += INTERVAL_SECONDS
        for pod in serving:
            window.add(pod, now, parse(text), None)
        measured = window.measure(now, workloads, serving, {})
        assert measured.missing in ("", "the first measurement takes two scrapes")

    cost = cpu_seconds(turn, 20)
    return (
        f"{services:3} services, {pods} gateway pods: {len(text) / 1000:6.1f} kB per pod, "
        f"{cost * 1000:6.2f} ms per turn, {cost / INTERVAL_SECONDS * 100:.3f} % of a core every {INTERVAL_SECONDS:g} s"
    )


def deciding(apps: int) -> str:
    """Cost of one tick over many apps with a full stabilization window behind them."""
    spec = {"services": [{"name": name, "image": "i:1"} for name in NAMES]}
    app = read_app({"metadata": {"namespace": "n", "name": "shop", "uid": "u"}, "spec": spec})
    keys = (GATEWAY, *(service_key(name) for name in NAMES))
    loads = {key: Load(0.0, 15.0, 100.0, 12.0, 0.05) for key in keys}
    observation = Observation({key: Replicas(3, 3) for key in keys}, loads)
    history, now = History(), 1_000_000.0
    for _ in range(60):
        now += INTERVAL_SECONDS
        _, history = decide(app, observation, history, now)

    def tick() -> None:
        for _ in range(apps):
            decide(app, observation, history, now + INTERVAL_SECONDS)

    return f"{apps} apps of {len(NAMES)} services: {cpu_seconds(tick, 1):.3f} s of CPU per tick"


def main() -> None:
    for services, pods in ((5, 2), (5, 4), (50, 4)):
        print(f"reading   {reading(services, pods)}")
    print(f"deciding  {deciding(1000)}")


if __name__ == "__main__":
    main()
