"""Progress of steps: a live table on a terminal, one line per start and end elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Step:
    """One running step. `advance` counts units of work done, `note` says what it is at."""

    def __init__(self, owner: "Steps", name: str, total: int | None) -> None:
        self._owner, self.name, self._total = owner, name, total
        self._task = owner.live.add_task(name, total=total, note="") if owner.live else None

    def total(self, total: int) -> None:
        if self._owner.live and self._task is not None:
            self._owner.live.update(self._task, total=total)

    def advance(self, note: str = "") -> None:
        if self._owner.live and self._task is not None:
            self._owner.live.update(self._task, advance=1, note=note)

    def note(self, note: str) -> None:
        if self._owner.live and self._task is not None:
            self._owner.live.update(self._task, note=note)

    def close(self) -> None:
        if self._owner.live and self._task is not None:
            self._owner.live.remove_task(self._task)


class Steps:
    """All steps of one run; safe to use from several threads. A context manager."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stdout, highlight=False)
        self.live: Progress | None = None
        if self.console.is_terminal:
            self.live = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24),
                TimeElapsedColumn(), TextColumn("{task.fields[note]}", style="dim", markup=False),
                console=self.console, transient=True,
            )  # fmt: skip
        self._lock = threading.Lock()

    def __enter__(self) -> "Steps":
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def say(self, text: str) -> None:
        with self._lock:
            self.console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Step]:
        """Shows the step while the block runs, then a line with its seconds and whether it failed."""
        begin = time.monotonic()
        step = Step(self, name, total)
        if not self.live:
            self.say(f"  …      {name}")
        try:
            yield step
        except BaseException:
            self.say(f"  failed {name} after {time.monotonic() - begin:.0f} s")
            raise
        finally:
            step.close()
        self.say(f"  done   {name} ({time.monotonic() - begin:.1f} s)")
