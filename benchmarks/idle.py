"""What the operator costs with one idle shop: `python -m benchmarks.idle [seconds]`, after `make demo`.

Read from the operator's own process metrics. Resident memory is the highest of one sample a second; the share of
a core is CPU time spent, divided by the time of the measurement.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass

from walkthrough import shop, writes
from walkthrough.kubectl import KubectlError, connect

SECONDS = 60
GOAL_MEBIBYTES, GOAL_PERCENT = 150, 2.0


@dataclass(frozen=True)
class Sample:
    """Process metrics of all operator pods together."""

    started: float
    resident_bytes: float
    cpu_seconds: float
    reconciles: float
    writes: int


def read(text: str) -> Sample:
    """A sample from metrics in Prometheus' text format."""

    def total(name: str) -> float:
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    return Sample(
        started=total("process_start_time_seconds"),
        resident_bytes=total("process_resident_memory_bytes"),
        cpu_seconds=total("process_cpu_seconds_total"),
        reconciles=total("consumerapp_reconciles_total"),
        writes=sum(writes.parse(text).values()),
    )


def main(arguments: list[str]) -> int:
    """Prints the figures. Returns 1 when there is no shop to measure with."""
    seconds = int(arguments[0]) if arguments else SECONDS
    kubectl = connect()
    try:
        # An app with that label belongs to another operator.
        apps = kubectl.get("capp", "-A", "-l", "!consumerapp.io/operator-class")
        if [app["metadata"]["name"] for app in apps] != [shop.APP]:
            print(f"benchmark: one app, {shop.APP}, should run; `make demo` makes it. There are {len(apps)}.")
            return 1
        first = read(writes.metrics(kubectl))
        begin, highest = time.monotonic(), first.resident_bytes
        while time.monotonic() - begin < seconds:
            time.sleep(1)
            last = read(writes.metrics(kubectl))
            highest = max(highest, last.resident_bytes)
    except KubectlError as error:
        print(f"benchmark: {error}")
        return 1
    if last.started != first.started:
        print("benchmark: an operator pod came or went meanwhile; run it again when the operator is at rest")
        return 1
    elapsed = time.monotonic() - begin
    percent = 100 * (last.cpu_seconds - first.cpu_seconds) / elapsed
    print(f"operator with one idle shop, {elapsed:.0f} s")
    print(f"  memory (resident)  {highest / 2**20:6.1f} MiB   goal: under {GOAL_MEBIBYTES} MiB")
    print(f"  CPU                {percent:6.2f} %     goal: under {GOAL_PERCENT:g} % of a core")
    print(f"  reconciles         {last.reconciles - first.reconciles:6.0f}")
    print(f"  writes             {last.writes - first.writes:6d}       the Lease aside")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
