"""The time by which the request being served must be answered, known to everything done on its behalf.

It travels between services as a remaining time, not as a point in time, so that clocks need not agree.
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar, Token

TIMEOUT_HEADER = "x-timeout-ms"  # what a caller of ours still has
PROXY_TIMEOUT_HEADER = "x-envoy-expected-rq-timeout-ms"  # what the proxy in front waits; Envoy sets it by itself

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def budget(headers: Mapping[str, str], ceiling: float) -> float:
    """Seconds that a request with these headers may take: the least of what it says and ``ceiling``."""
    seconds = ceiling
    for header in (TIMEOUT_HEADER, PROXY_TIMEOUT_HEADER):
        text = headers.get(header, "")
        if text.isascii() and text.isdigit() and int(text) > 0:  # 0 is Envoy's "no limit"
            seconds = min(seconds, int(text) / 1000)
    return seconds


def start(seconds: float) -> Token[float | None]:
    """Begins a request that may take this long. Give the result to :func:`end`."""
    return _deadline.set(time.monotonic() + seconds)


def end(token: Token[float | None]) -> None:
    """Ends what :func:`start` began."""
    _deadline.reset(token)


def remaining(ceiling: float) -> float:
    """Seconds left, at most ``ceiling``, at least 1 ms so that it can be given to any time-out."""
    deadline = _deadline.get()
    return ceiling if deadline is None else max(0.001, min(ceiling, deadline - time.monotonic()))
