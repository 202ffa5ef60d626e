"""Workers: take a key, reconcile it, decide when to look at it again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import structlog

from consumerapp_operator.apply.client import ApiError
from consumerapp_operator.observe.store import AppKey
from consumerapp_operator.runtime.queue import Queue, ShutDown
from consumerapp_operator.runtime.reconciler import Result
from consumerapp_operator.runtime.telemetry import Telemetry

Reconcile = Callable[[AppKey], Awaitable[Result]]

log = structlog.get_logger()


async def work(queue: Queue[AppKey], reconcile: Reconcile, telemetry: Telemetry) -> None:
    """Until the queue is shut down. One app's failure is its own: it is logged, counted and tried again
    later.
    """
    while True:
        try:
            key = await queue.get()
        except ShutDown:
            return
        begun = time.perf_counter()
        try:
            result = await reconcile(key)
        except ApiError as error:
            log.warning("reconcile interrupted", app=str(key), error=str(error))
            _later(queue, key, "api_error", error.retry_after, telemetry)
        except Exception:
            log.exception("reconcile failed", app=str(key))
            _later(queue, key, "fault", None, telemetry)
        else:
            if result.failed:
                _later(queue, key, "refused", None, telemetry)
            else:
                queue.forget(key)
                telemetry.reconciles.labels("ok").inc()
            if result.again_after is not None:
                queue.add_after(key, result.again_after)
        finally:
            telemetry.reconcile_seconds.observe(time.perf_counter() - begun)
            queue.done(key)


def _later(queue: Queue[AppKey], key: AppKey, result: str, retry_after: float | None, telemetry: Telemetry) -> None:
    """`retry_after`: the API server's own wish, in seconds."""
    telemetry.reconciles.labels(result).inc()
    if retry_after is not None:
        queue.add_after(key, retry_after)
    else:
        queue.add_rate_limited(key)
