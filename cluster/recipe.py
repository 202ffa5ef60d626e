"""Keys for what is cached, and results that are there either whole or not at all."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

KEY_LENGTH = 12
TESTS = "_test.go"  # they are in no program
IGNORED = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def key(*parts: object, files: Iterable[Path] = ()) -> str:
    """A short name for a result that depends on these values and on these files' and folders' contents.

    Names, contents and the executable bit count; times and owners do not. A missing path counts as missing.
    """
    digest = hashlib.sha256(json.dumps([str(part) for part in parts]).encode())
    for path in files:
        for name, file in _walk(path):
            content = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"
            digest.update(f"{name}\0{content}\0{os.access(file, os.X_OK)}\n".encode())
    return digest.hexdigest()[:KEY_LENGTH]


def _walk(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield path.name, path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not IGNORED & set(file.parts) and not file.name.endswith(TESTS):
            yield f"{path.name}/{file.relative_to(path)}", file


@contextmanager
def staged(final: Path) -> Iterator[Path]:
    """Gives a path beside `final` to build at; renames it into place when the block ends well.

    What an interrupted run left there is removed first.
    """
    temporary = final.with_name(final.name + ".part")
    remove(temporary)
    final.parent.mkdir(parents=True, exist_ok=True)
    yield temporary
    remove(final)
    temporary.rename(final)


def remove(path: Path) -> None:
    """Removes a file or a whole folder; nothing happens when there is none.

    What is mounted below is unmounted first: removal must not reach into another file system.
    """
    if path.is_dir() and not path.is_symlink():
        table = Path("/proc/self/mounts").read_text().splitlines()
        for mounted in mounts_below(str(path.resolve()), table):
            subprocess.run(["umount", mounted], check=True)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def mounts_below(folder: str, table: Iterable[str]) -> list[str]:
    """The mount points inside a folder, from the lines of /proc/self/mounts, the last mounted first."""
    points = [line.split()[1] for line in table]
    return [point for point in reversed(points) if point.startswith(folder + "/")]


def keep_only(current: Path) -> None:
    """Removes the other versions of a result: everything beside it in its folder."""
    for other in current.parent.iterdir():
        if other != current:
            remove(other)
