"""Serves one application in this process until SIGTERM, which it obeys without losing a request."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from shop.settings import Settings

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """uvicorn, but a signal that it has obeyed is not raised again: the process ends with 0, as it should."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        yield

    def _stop(self, number: int) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        self.should_exit = True


def serve(app: FastAPI, settings: Settings) -> None:
    """Returns after SIGTERM: no connection is taken any more, requests in flight are finished (for at most
    ``shutdown_grace`` seconds), then pools are closed. Raises SystemExit when the port cannot be had.
    """
    config = uvicorn.Config(
        app,
        host="0.0.0.0",  # the pod's address is all there is to listen on
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=int(settings.shutdown_grace),
        backlog=1024,
    )
    log.info("starting", port=settings.port)
    _Server(config).run()
    log.info("stopped")
