"""``python -m traffic``: plays customers, prints a JSON line a second, and the whole run as the last line.

Environment: TARGET_URL (http://shop-gateway), PHASES (``quiet:40:2,surge:80:10``: name:seconds:customers a
second), SEED (1), and see :mod:`traffic.settings`. Exits with 0 when it ran to its end, whatever failed: the
last line says that. With 2 when it could not begin. SIGTERM ends the arrivals.
"""

import asyncio
import os
import signal
import sys
import time
from typing import Any

import orjson
import uvloop

from traffic.arrivals import Arrivals
from traffic.customers import Customers
from traffic.ledger import Ledger
from traffic.resolver import SharedResolver
from traffic.settings import Settings, SettingsError, from_environment


def say(line: dict[str, Any]) -> None:
    """One line of output, at once."""
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.buffer.flush()


async def run(settings: Settings) -> None:
    """The whole run."""
    ledger = Ledger()
    arrivals = Arrivals(settings, ledger, Customers(settings, ledger, SharedResolver()).journey)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    began = last = time.monotonic()
    coming = asyncio.create_task(arrivals.run(stop))
    while not coming.done():
        await asyncio.wait([coming], timeout=1)
        now = time.monotonic()
        say(ledger.line(now - began, arrivals.phase, now - last))
        last = now
    coming.result()
    say(ledger.summary(time.monotonic() - began))


def main() -> int:
    """Returns the exit code."""
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    uvloop.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
