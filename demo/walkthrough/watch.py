"""`kubectl get --watch` as lines with a deadline, started again when the API server ends it."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from types import TracebackType

from walkthrough.kubectl import Kubectl

RESTART_SECONDS = 1.0  # between two attempts, so that a refused watch does not spin


class Watch:
    """One watch with an output format that prints one object a line. A context manager.

    The first lines are the objects as they are; each change follows. After a restart the objects come again:
    a reader must take a line for a state, not for a change.
    """

    def __init__(self, kubectl: Kubectl, *arguments: str) -> None:
        self._kubectl = kubectl
        self._arguments = ("get", "--watch", *arguments)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended.set()
            if self._process:
                self._process.kill()
        self._thread.join()

    def lines(self, until: float) -> Iterator[str]:
        """Lines as they come, until that moment of time.monotonic()."""
        while (left := until - time.monotonic()) > 0:
            try:
                yield self._lines.get(timeout=left)
            except queue.Empty:
                return

    def pending(self) -> Iterator[str]:
        """Lines that have come already, without waiting."""
        while True:
            try:
                yield self._lines.get_nowait()
            except queue.Empty:
                return

    def _follow(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                if self._ended.is_set():
                    return
                self._process = self._kubectl.stream(*self._arguments)
            with self._process as process:
                assert process.stdout is not None
                for line in process.stdout:
                    self._lines.put(line)
            self._ended.wait(RESTART_SECONDS)
