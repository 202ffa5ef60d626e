"""Running programs: output goes to a log, and a failure shows the end of it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

TAIL_LINES = 20


class ClusterError(Exception):
    """Something that the reader can act on; the message says what and how."""


class CommandError(ClusterError):
    """A program ended with another code than 0."""

    def __init__(self, command: Iterable[str], code: int, output: str, log: Path | None = None) -> None:
        lines = output.strip().splitlines()[-TAIL_LINES:]
        where = f" (all of it: {log})" if log else ""
        super().__init__(f"{' '.join(command)}: exit code {code}{where}\n" + "\n".join(lines))
        self.code = code


class Commands:
    """Starts programs and can end all that still run, so that one failed step ends the steps beside it."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def run(
        self,
        log_name: str,
        *command: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """Runs a command to its end, appending what it prints to logs/<log_name>.log.

        on_line is called with each line as it comes. Raises CommandError.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{log_name}.log"
        words = [str(word) for word in command]
        tail: list[str] = []
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(words)}\n")
            process = subprocess.Popen(
                [*dying_with_us(), *words],
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            with self._tracked(process):
                assert process.stdout is not None
                with process.stdout as lines:
                    for line in lines:
                        file.write(line)
                        tail = [*tail[-TAIL_LINES:], line]
                        if on_line:
                            on_line(line.rstrip("\n"))
                process.wait()
        if process.returncode:
            raise CommandError(words, process.returncode, "".join(tail), log)

    def end_all(self) -> None:
        """Ends every program that still runs, and each one started afterwards."""
        with self._lock:
            self._ended = True
            for process in self._running:
                process.terminate()

    def _tracked(self, process: subprocess.Popen[str]) -> "_Tracked":
        return _Tracked(self, process)

    def _enter(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.add(process)
            if self._ended:
                process.terminate()

    def _leave(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(process)


class _Tracked:
    def __init__(self, commands: Commands, process: subprocess.Popen[str]) -> None:
        self._commands, self._process = commands, process

    def __enter__(self) -> None:
        self._commands._enter(self._process)

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        if kind is not None:
            self._process.terminate()
            self._process.wait()
        self._commands._leave(self._process)


def dying_with_us() -> list[str]:
    """Words before a command so that it ends when we do, even when we are killed.

    Left running, an old `kind create` would end up deleting the cluster that a new run has made.
    """
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def output(*command: str | Path, env: Mapping[str, str] | None = None, timeout_s: float = 60) -> str:
    """What a short command prints to standard output, stripped.

    Raises CommandError, or ClusterError when the program is missing or does not end in time.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ClusterError(f"{words[0]}: not found") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{' '.join(words)}: no answer within {timeout_s:.0f} s") from error
    if done.returncode:
        raise CommandError(words, done.returncode, done.stdout + done.stderr)
    return done.stdout.strip()


def succeeds(*command: str | Path, env: Mapping[str, str] | None = None, timeout_s: float = 60) -> bool:
    """Whether a short command can be run and ends with 0 in time."""
    try:
        output(*command, env=env, timeout_s=timeout_s)
    except ClusterError:
        return False
    return True
