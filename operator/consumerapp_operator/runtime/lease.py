"""One replica works at a time: whoever holds the Lease.

The same protocol as client-go's elector, without its weak spots in the Python client: every write carries the
resourceVersion it is based on, so of two that try at once one loses; a holder is given up on only after its
record has not changed for the whole duration *by our own clock*, so clocks need not agree; and a holder that
cannot renew in time stops before anyone else may begin.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from consumerapp_operator.api.kinds import LEASE
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.plan.model import ObjectKey

DURATION_SECONDS = 15.0
RENEW_SECONDS = 5.0
# A holder that has not renewed for this long stops; the rest of the duration is margin for its last requests.
DEADLINE_SECONDS = 10.0
RETRY_SECONDS = 2.0

log = structlog.get_logger()


class LeaseLost(Exception):  # noqa: N818 - an event that ends the process
    """Somebody else may work by now: write nothing more and exit."""


class Lease:
    """`await acquire()`, work while `keep()` runs, `await release()` at the end."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        duration: float = DURATION_SECONDS,
        renew: float = RENEW_SECONDS,
        deadline: float = DEADLINE_SECONDS,
        retry: float = RETRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not retry <= renew < deadline < duration:
            raise ValueError("a Lease needs retry <= renew < deadline < duration")
        self._client = client
        self._key = ObjectKey(LEASE.api_version, LEASE.kind, namespace, name)
        self._identity = identity
        self._duration, self._renew, self._deadline, self._retry = duration, renew, deadline, retry
        self._clock = clock
        self._seen: tuple[str, float] = ("", clock())  # the last resourceVersion, and when we first saw it
        self._held: Mapping[str, Any] | None = None
        self._renewed_at = clock()

    async def acquire(self) -> None:
        """Wait until the Lease is ours."""
        waiting_for = None
        while True:
            holder = await self._try()
            if self._held is not None:
                log.info("lease acquired", lease=self._key.name, identity=self._identity)
                return
            if holder != waiting_for:
                log.info("standing by", lease=self._key.name, holder=holder)
                waiting_for = holder
            await asyncio.sleep(self._retry)

    async def keep(self) -> None:
        """Renew for ever. Raises LeaseLost when somebody took the Lease, or when it could not be renewed in
        time.
        """
        pause = self._renew
        while True:
            await asyncio.sleep(pause)
            left = self._renewed_at + self._deadline - self._clock()
            try:
                async with asyncio.timeout(max(left, 0)):
                    await self._renew_once()
                pause = self._renew
            except ApiError as error:
                log.warning("lease not renewed", error=str(error))
                pause = self._retry
            except TimeoutError:
                pause = 0.0
            if self._clock() - self._renewed_at >= self._deadline:
                raise LeaseLost(f"the Lease was not renewed for {self._deadline:g} s")

    async def release(self) -> None:
        """Let the next one begin at once; if that fails, it waits out the duration."""
        held, self._held = self._held, None
        if held is None:
            return
        spec = {**held["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._client.replace({**held, "spec": spec})
        except ApiError as error:
            log.warning("lease not released", error=str(error))
        else:
            log.info("lease released", lease=self._key.name)

    async def _try(self) -> str:
        """One attempt to take the Lease; returns who holds it otherwise."""
        try:
            return await self._take()
        except ApiError as error:
            if error.status not in (409, 0) and error.status < 500 and error.status != 429:
                raise  # such as 403: waiting does not help
            if error.status != 409:  # 409: somebody else was faster, as it should be
                log.warning("lease not taken", error=str(error))
            return "unknown"

    async def _take(self) -> str:
        try:
            lease = await self._client.get(self._key)
        except ApiError as error:
            if error.status != 404:
                raise
            self._remember(await self._client.create(self._record({})))
            return self._identity
        version, spec = lease["metadata"]["resourceVersion"], lease.get("spec") or {}
        if version != self._seen[0]:
            self._seen = (version, self._clock())
        holder = spec.get("holderIdentity") or ""
        duration = float(spec.get("leaseDurationSeconds") or self._duration)
        if holder not in ("", self._identity) and self._clock() - self._seen[1] < duration:
            return str(holder)
        self._held = lease
        try:
            await self._update(transition=holder != self._identity)
        except BaseException:
            self._held = None
            raise
        return self._identity

    async def _renew_once(self) -> None:
        try:
            await self._update()
        except ApiError as error:
            if error.status != 409:
                raise
            # Either somebody took it, or the answer to our own last write never reached us.
            lease = await self._client.get(self._key)
            holder = (lease.get("spec") or {}).get("holderIdentity")
            if holder != self._identity:
                self._held = None
                raise LeaseLost(f"{holder or 'nobody'} holds the Lease") from error
            self._held = lease
            await self._update()

    async def _update(self, *, transition: bool = False) -> None:
        assert self._held is not None, "acquire() comes first"
        begun = self._clock()
        answer = await self._client.replace(self._record(self._held, transition=transition))
        self._remember(answer)
        self._renewed_at = begun  # of the request, not of the answer: others count from when they saw it

    def _remember(self, lease: Mapping[str, Any]) -> None:
        self._held = lease
        self._renewed_at = self._clock()

    def _record(self, lease: Mapping[str, Any], *, transition: bool = True) -> Mapping[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = dict(lease.get("spec") or {})
        if transition:
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + (1 if lease else 0)
            spec["acquireTime"] = now
        spec.update(holderIdentity=self._identity, leaseDurationSeconds=max(1, round(self._duration)), renewTime=now)
        metadata = lease.get("metadata") or {"namespace": self._key.namespace, "name": self._key.name}
        return {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}
