"""Calls to another service: with a time-out, the request's remaining time, and its id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import structlog

from shop import deadline
from shop.request_scope import REQUEST_ID_HEADER, request_id

log = structlog.get_logger()

CONNECT_SECONDS = 1.0
# Shorter than any server or proxy keeps an idle connection, so that it is closed at this end (see
# Settings.keep_alive).
IDLE_SECONDS = 4.0


class CalleeError(Exception):
    """The other service could not be asked or gave no answer that can be used. ``callee`` names it."""

    def __init__(self, callee: str, reason: str) -> None:
        super().__init__(f"{callee}: {reason}")
        self.callee = callee


class CalleeTimeout(CalleeError):  # noqa: N818 - reads as what happened
    """No answer in time: whether the call took effect is not known."""


@dataclass(frozen=True)
class Reply:
    """An answer: the status, and the JSON document when there was one."""

    status: int
    document: Any


class ServiceClient:
    """Calls one service. Answers of any status below 500 are returned; the caller knows what they mean."""

    def __init__(self, callee: str, base_url: str, timeout: float) -> None:
        self.callee, self._base_url, self._timeout = callee, base_url, timeout
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Makes the connection pool; needs the running event loop."""
        connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=IDLE_SECONDS, ttl_dns_cache=5)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Reply:
        """One call. ``repeatable``: it does the same when it arrives twice, so it is made again, once, when
        the connection is lost, refused or answered 503, as while a pod of the callee goes away.

        Raises CalleeTimeout when there was no answer in time, CalleeError when there was none or one of 500
        and above.
        """
        attempts = 2 if repeatable else 1
        for attempt in range(1, attempts + 1):
            try:
                reply = await self._once(method, path, document, headers or {})
            except TimeoutError as error:
                raise CalleeTimeout(self.callee, f"{method} {path}: no answer in time") from error
            except (aiohttp.ClientError, orjson.JSONDecodeError) as error:
                if attempt == attempts:
                    raise CalleeError(self.callee, f"{method} {path}: {type(error).__name__}") from error
            else:
                if reply.status < 500:
                    return reply
                if attempt == attempts or reply.status != 503:
                    raise CalleeError(self.callee, f"{method} {path}: answered {reply.status}")
            log.info("call again", callee=self.callee, method=method, path=path)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, method: str, path: str, document: Any, headers: Mapping[str, str]) -> Reply:
        assert self._session is not None, "open() first"
        seconds = deadline.remaining(self._timeout)
        sent = {
            **headers,
            deadline.TIMEOUT_HEADER: str(max(1, int(seconds * 1000))),
            REQUEST_ID_HEADER: request_id(),
        }
        body = None
        if document is not None:
            body = orjson.dumps(document)
            sent["content-type"] = "application/json"
        async with self._session.request(
            method,
            self._base_url + path,
            data=body,
            headers=sent,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
        ) as response:
            raw = await response.read()
            is_json = "json" in response.content_type
            return Reply(response.status, orjson.loads(raw) if is_json and raw else None)
