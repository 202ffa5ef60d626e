"""The end of the demo: build/demo.json for machines, two tables for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from walkthrough.counts import Change
from walkthrough.install import CHECKOUT
from walkthrough.verdict import Check, Outcome, course

REPORT = CHECKOUT / "build" / "demo.json"
WIDTH = 118

NEXT = """
The shop keeps running. What to try:

  eval "$(.venv/bin/python -m cluster env)"          # this cluster's kubectl in your shell
  kubectl get capp -n shop                           # one line: does it serve, and if not, why
  kubectl describe capp shop -n shop                 # every condition, count and decision with its reason
  curl http://127.0.0.1:30080/api/products           # through the gateway, as a customer
  kubectl delete deployment shop-order -n shop       # and see it come back
  kubectl explain consumerapp.spec                   # what else can be said
  make clean                                         # remove everything
"""


def write(outcome: Outcome, changes: Sequence[Change], results: Sequence[Check], path: Path = REPORT) -> None:
    """Writes the report. Counts per workload are [seconds since the traffic began, count] pairs."""
    body = {
        "requests": outcome.requests,
        "failed": outcome.failed,
        "p50_ms": outcome.p50_ms,
        "p95_ms": outcome.p95_ms,
        "orders_acknowledged": outcome.orders_acknowledged,
        "orders_stored": outcome.orders_stored,
        "ready_s": outcome.ready_s,
        "replicas": {name: [list(sample) for sample in history] for name, history in outcome.replicas.items()},
        "changes": [asdict(change) for change in changes],
        "checks": [asdict(result) for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show(outcome: Outcome, results: Sequence[Check], console: Console) -> None:
    """Prints what the counts did, what customers saw, and which promise held."""
    if not console.is_terminal:
        console = Console(width=WIDTH)  # else rich folds everything to 80 columns
    counts = Table(title="Replicas under traffic", title_justify="left")
    for heading in ("workload", "course", "highest"):
        counts.add_column(heading)
    for name, history in outcome.replicas.items():
        counts.add_row(name, course(history), str(max((count for _, count in history), default=0)))
    console.print(counts)

    verdicts = Table(
        title=f"{outcome.requests} requests, p50 {outcome.p50_ms:.0f} ms, p95 {outcome.p95_ms:.0f} ms",
        title_justify="left",
    )
    for heading in ("promise", "", "seen"):
        verdicts.add_column(heading)
    for result in results:
        word = "[green]held" if result.held else "[red]missed" if result.fatal else "[yellow]missed"
        verdicts.add_row(result.promise, word, result.seen)
    console.print(verdicts)
    console.print(NEXT, markup=False, highlight=False, soft_wrap=True)
