"""The HTTP requests of one customer, over connections of their own as a browser has them.

Nothing is retried: that no request fails is for the shop to see to.
"""

import time
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver

from traffic.ledger import Ledger
from traffic.settings import Settings

IDLE_SECONDS = 4.0


class RequestFailed(Exception):  # noqa: N818 - the customer gives up
    """A request failed and has been entered as such; the customer leaves."""


class Visit:
    """``async with Visit(…) as visit``: requests until the customer leaves."""

    def __init__(self, settings: Settings, ledger: Ledger, resolver: AbstractResolver) -> None:
        self._ledger, self._base_url = ledger, settings.target_url
        headers = {"host": settings.target_host} if settings.target_host else {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, keepalive_timeout=IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=settings.request_timeout_seconds),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # aiohttp would silently repeat a GET whose kept connection was closed under it.
        self._session._retry_connection = False

    async def __aenter__(self) -> "Visit":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def request(
        self,
        operation: str,
        path: str,
        *,
        expect: int = 200,
        token: str | None = None,
        key: str | None = None,
        document: Any = None,
    ) -> Any:
        """The JSON document of an answer. ``operation`` is "METHOD /path/template", under which it is
        entered.

        Raises RequestFailed when there was no answer or one of another status than ``expect``.
        """
        headers = {}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if key is not None:
            headers["idempotency-key"] = key
        if document is not None:
            headers["content-type"] = "application/json"
        body = None if document is None else orjson.dumps(document)
        method = operation.split(" ", 1)[0]
        began = time.perf_counter()
        answer: Any = None
        failure: str | None = None
        try:
            async with self._session.request(method, self._base_url + path, data=body, headers=headers) as response:
                raw = await response.read()
                if response.status != expect:
                    failure = str(response.status)
                else:
                    answer = orjson.loads(raw)
        except TimeoutError:
            failure = "no answer in time"
        except (aiohttp.ClientError, orjson.JSONDecodeError) as error:
            failure = type(error).__name__
        self._ledger.enter(operation, time.perf_counter() - began, failure)
        if failure is not None:
            raise RequestFailed(f"{operation}: {failure}")
        return answer
