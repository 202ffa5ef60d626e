"""Steady GETs from a pod inside the cluster; a container runs this source by `python -c`.

Environment: URLS (separated by blanks), RATE (requests per second for each URL). One JSON line a second,
cumulative: requests, failed, and the last failures in words. Each request has a connection of its own and is
tried once.
"""

import json
import os
import threading
import time
import urllib.request

URLS = os.environ["URLS"].split()
RATE = float(os.environ["RATE"])
TIMEOUT_SECONDS = 20
FAILURES_KEPT = 20

lock = threading.Lock()
counts = {"requests": 0, "failed": 0}
failures: list[str] = []


def ask(url: str) -> None:
    begin = time.time()
    problem = ""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            answer.read()
    except OSError as error:
        problem = f"{time.strftime('%H:%M:%S')} {url} after {time.time() - begin:.2f} s: {error}"
    with lock:
        counts["requests"] += 1
        if problem:
            counts["failed"] += 1
            del failures[: -FAILURES_KEPT + 1]
            failures.append(problem)


def pace(url: str) -> None:
    """Open loop: the next request begins on time, whether or not the last has ended."""
    due = time.monotonic()
    while True:
        threading.Thread(target=ask, args=(url,)).start()
        due += 1 / RATE
        time.sleep(max(0.0, due - time.monotonic()))


for address in URLS:
    threading.Thread(target=pace, args=(address,), daemon=True).start()
while True:
    time.sleep(1)
    with lock:
        print(json.dumps({**counts, "failures": failures}), flush=True)
