"""What surrounds each request: an id, a deadline, a measurement, and a log line when it went wrong.

Plain ASGI: Starlette's own middleware class costs a task and two streams a request.
"""

import re
import time
import uuid
from contextvars import ContextVar

import structlog
from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shop import deadline

log = structlog.get_logger()

REQUEST_ID_HEADER = "x-request-id"
SLOW_SECONDS = 2.0
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_acceptable_id = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


def request_id() -> str:
    """The id of the request being served; a new one outside of any."""
    return _request_id.get() or uuid.uuid4().hex


class RequestScope:
    """The middleware. Routes that ``quiet`` names are neither measured nor given a deadline: probes and
    scrapes.
    """

    def __init__(self, app: ASGIApp, *, timeout: float, registry: CollectorRegistry, quiet: frozenset[str]) -> None:
        self._app, self._timeout, self._quiet = app, timeout, quiet
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the request's head to the end of the answer.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._quiet:
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID_HEADER, "")
        identity = given if _acceptable_id(given) else uuid.uuid4().hex
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", identity.encode())]
            await send(message)

        id_token = _request_id.set(identity)
        deadline_token = deadline.start(deadline.budget(headers, self._timeout))
        structlog.contextvars.bind_contextvars(request_id=identity)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.monotonic() - began
            # The template, not the path: a metric for each product would be one too many.
            route = getattr(scope.get("route"), "path", "none")
            self._seconds.labels(scope["method"], route, str(status)).observe(seconds)
            if status >= 500 or seconds > SLOW_SECONDS:
                log.warning(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=status,
                    milliseconds=round(seconds * 1000),
                )
            structlog.contextvars.unbind_contextvars("request_id")
            deadline.end(deadline_token)
            _request_id.reset(id_token)
