"""A PostgreSQL and a Redis of the tests' own, on loopback, as a user that is not root."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30
PACKAGES = "apt-get install postgresql redis-server"


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", seconds: float = START_SECONDS) -> None:
    """Returns when the process listens. Raises AssertionError when it ends or takes too long."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"{process.args!r} does not listen on {port} after {seconds} s")


def end(process: "subprocess.Popen[bytes]", seconds: float = 15) -> int:
    """Ends a process with SIGTERM and returns its exit code; kills it when that takes too long."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@dataclass(frozen=True)
class Postgres:
    """A server that runs. ``process`` is its postmaster."""

    port: int
    folder: Path
    user: str
    process: "subprocess.Popen[bytes]"

    def url(self, database: str = "postgres", *, role: str = "postgres") -> str:
        """A connection string; every role is trusted."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    assert found, f"no PostgreSQL server on this machine: {PACKAGES}"
    return found[-1].parent


def _user() -> str:
    return "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"shop-{name}-"))
    if os.getuid() == 0:
        shutil.chown(folder, _user())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        command, user=_user() if os.getuid() == 0 else None, capture_output=True, cwd="/", check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr.decode()}"


@contextmanager
def _serving(folder: Path) -> Iterator[Postgres]:
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
        [
            _binaries() / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder,
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=100",
            "-c", "shared_buffers=32MB", "-c", "jit=off", "-c", "logging_collector=off",
        ],
        user=_user() if os.getuid() == 0 else None, cwd="/", stderr=log,
        )  # fmt: skip
    try:
        give_up = time.monotonic() + START_SECONDS
        while subprocess.run(
            [_binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False
        ).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < give_up, f"PostgreSQL does not start: {(folder / 'log').read_text()}"
            time.sleep(0.05)
        yield Postgres(port, folder, _user(), process)
    finally:
        process.send_signal(2)  # SIGINT: a fast shutdown, that waits for no client
        process.wait(START_SECONDS)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """An empty server."""
    with _folder("postgres") as folder:
        _run(
            _binaries() / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N",
            "--locale=C.UTF-8", "--encoding=UTF8",
        )  # fmt: skip
        with _serving(folder) as server:
            yield server


@contextmanager
def standby(primary: Postgres) -> Iterator[Postgres]:
    """A streaming replica of ``primary``."""
    with _folder("standby") as folder:
        source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"]
        _run(_binaries() / "pg_basebackup", *source, "-D", folder / "data", "-R", "-X", "stream", "-c", "fast")
        with _serving(folder) as server:
            yield server


@contextmanager
def redis(port: int | None = None) -> "Iterator[str]":
    """A server that keeps nothing on disk; yields its URL."""
    binary = shutil.which("redis-server")
    assert binary, f"no Redis on this machine: {PACKAGES}"
    port = port or free_port()
    process = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp"],
        user="nobody" if os.getuid() == 0 else None, cwd="/", stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_port(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        end(process)
