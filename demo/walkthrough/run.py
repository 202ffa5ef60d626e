"""The demo from beginning to end: each step in turn, then the verdict."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cluster.progress import Step, Steps
from walkthrough import load, orders, report, shop, verdict, writes
from walkthrough.counts import Change, Counts
from walkthrough.install import install_operator, make_cluster
from walkthrough.kubectl import Kubectl, KubectlError, connect

TARGET = f"http://{shop.APP}-gateway.{shop.NAMESPACE}.svc.cluster.local"
LINE_SECONDS = 10.0  # between two lines about the traffic where there is no terminal
SHRINK_SECONDS = 150.0  # after the traffic, for the counts to come down to their minimum
# A write that an apply causes comes within a reconcile, which takes milliseconds, or with the scaler's next tick (5 s).
SETTLE_SECONDS = 6.0
# The traffic's last effect on the status comes when the shop's stabilization windows (30 s) end: the reason why a
# count stays is another then. Only after that a write could be the second apply's doing.
QUIET_SECONDS = 36.0
REST_SECONDS = 150.0


@dataclass(frozen=True)
class Traffic:
    """What customers saw, and what the counts did meanwhile."""

    last: load.Progress
    history: dict[str, list[tuple[float, int]]]
    changes: list[Change]


def main(arguments: Sequence[str]) -> int:
    """Runs the demo. Returns 0 only if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter phases of traffic")
    parser.add_argument("--no-setup", action="store_true", help="the cluster, the images and the operator are there")
    options = parser.parse_args(arguments)
    try:
        if not options.no_setup:
            make_cluster()
        with Steps() as steps:
            return _walk(steps, load.QUICK if options.quick else load.FULL, setup=not options.no_setup)
    except (KubectlError, load.TrafficError, shop.NotReadyError) as error:
        print(f"demo: {error}", file=sys.stderr)
    except subprocess.CalledProcessError:
        print("demo: the cluster could not be made; what to do is said above", file=sys.stderr)
    except KeyboardInterrupt:
        print("demo: interrupted; it may be run again at any time", file=sys.stderr)
        return 130
    return 1


def _walk(steps: Steps, phases: Sequence[load.Phase], *, setup: bool) -> int:
    kubectl = install_operator(steps) if setup else connect()
    ready_seconds = _bring_up(steps, kubectl)
    traffic = _send_customers(steps, kubectl, phases)
    stored = orders.stored(kubectl, shop.NAMESPACE, shop.APP)
    written = _apply_again(steps, kubectl)
    app = kubectl.get("capp", shop.APP, "-n", shop.NAMESPACE)
    outcome = verdict.Outcome(
        ready_s=round(ready_seconds, 1),
        requests=traffic.last.requests,
        failed=traffic.last.failed,
        p50_ms=traffic.last.p50_ms,
        p95_ms=traffic.last.p95_ms,
        orders_acknowledged=traffic.last.orders_acknowledged,
        orders_stored=stored.count,
        same_orders=stored.digest == traffic.last.orders_digest,
        replicas=traffic.history,
        services=[service["name"] for service in app["spec"]["services"]],
        written=written,
    )
    results = verdict.checks(outcome)
    report.write(outcome, traffic.changes, results)
    for failure, times in sorted(traffic.last.failures.items()):
        steps.say(f"  failed {times} ×: {failure}")
    report.show(outcome, results, steps.console)
    return 0 if verdict.passed(results) else 1


def _bring_up(steps: Steps, kubectl: Kubectl) -> float:
    """The shop in a fresh namespace. Returns the seconds from the apply to Ready."""
    with steps.step(f"an empty namespace {shop.NAMESPACE}"):
        shop.fresh_namespace(kubectl)
    with steps.step("the shop: kubectl apply -f examples/shop.yaml, until Ready") as step:
        begin = time.monotonic()
        shop.apply_shop(kubectl)
        try:
            shop.wait_ready(kubectl, step.note)
        except shop.NotReadyError:
            steps.say(kubectl.run("describe", "capp", shop.APP, "-n", shop.NAMESPACE))
            steps.say(kubectl.run("get", "pods", "-n", shop.NAMESPACE))
            raise
        seconds = time.monotonic() - begin
    steps.say(kubectl.run("get", "capp", "-n", shop.NAMESPACE).rstrip())
    return seconds


def _send_customers(steps: Steps, kubectl: Kubectl, phases: Sequence[load.Phase]) -> Traffic:
    """Traffic through all phases, and after it until every count is back at its minimum, or time is up."""
    app = kubectl.get("capp", shop.APP, "-n", shop.NAMESPACE)
    seconds = sum(phase.seconds for phase in phases)
    with steps.step(f"customers: {', '.join(f'{phase.name} {phase.seconds} s' for phase in phases)}", seconds) as step:
        load.start(kubectl, shop.NAMESPACE, TARGET, phases)
        with Counts(kubectl, shop.NAMESPACE, shop.APP, shop.scaled_workloads(app)) as counts:
            last = _watch_traffic(steps, step, kubectl, phases, counts)
            deadline = time.monotonic() + SHRINK_SECONDS
            while not counts.at_minimum() and time.monotonic() < deadline:
                _tell(steps, counts)
                step.note(f"the surge is over: {counts.text()}")
                time.sleep(0.5)
            _tell(steps, counts)
    return Traffic(last, counts.history, counts.changes)


def _watch_traffic(
    steps: Steps, step: Step, kubectl: Kubectl, phases: Sequence[load.Phase], counts: Counts
) -> load.Progress:
    said = -LINE_SECONDS
    for progress in load.follow(kubectl, shop.NAMESPACE, phases):
        _tell(steps, counts)
        step.advance(f"{progress.text()} · {counts.text()}")
        if not steps.live and (progress.done or progress.seconds - said >= LINE_SECONDS):
            said = progress.seconds
            steps.say(f"  {progress.seconds:4.0f} s {progress.text()} · {counts.text()}")
        if progress.done:
            return progress
    raise AssertionError("load.follow ends with the last line, or raises")


def _tell(steps: Steps, counts: Counts) -> None:
    """Says each decision that moves a count, with the operator's own reason."""
    for change in counts.poll():
        # The reason begins with both counts.
        steps.say(f"  {change.seconds:4.0f} s {change.workload}: {change.reason}")


def _apply_again(steps: Steps, kubectl: Kubectl) -> dict[str, int]:
    """Applies the same manifest once more. Returns what the operator wrote because of it."""
    with steps.step("the same apply once more"):
        before = _count_at_rest(kubectl)
        version = _resource_version(kubectl)
        said = shop.apply_shop(kubectl)
        # kubectl says "configured" of any resource whose lists have defaults; whether it changed is in its version.
        same = "is the same" if _resource_version(kubectl) == version else "changed"
        steps.say(f"  {said} (its resourceVersion {same})")
        time.sleep(SETTLE_SECONDS)
        return dict(writes.between(before, writes.count(kubectl)))


def _count_at_rest(kubectl: Kubectl) -> Mapping[str, int]:
    """The operator's writes so far, once none has come for QUIET_SECONDS: what came before is over.

    At the latest after REST_SECONDS: an operator that never rests shows in the next count.
    """
    begin = last_write = time.monotonic()
    last = writes.count(kubectl)
    while (now := time.monotonic()) - last_write < QUIET_SECONDS and now - begin < REST_SECONDS:
        time.sleep(1)
        before, last = last, writes.count(kubectl)
        if writes.between(before, last):
            last_write = time.monotonic()
    return last


def _resource_version(kubectl: Kubectl) -> str:
    return str(kubectl.get("capp", shop.APP, "-n", shop.NAMESPACE)["metadata"]["resourceVersion"])
