"""What the machine must have: root, disk, a free port, and tools, which are installed where missing."""

import os
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path

from cluster.commands import ClusterError, Commands, output, succeeds
from cluster.progress import Steps
from cluster.settings import FREE_DISK_GB, GATEWAY_PORT

# program → Debian package, for programs that the steps call by name
TOOLS = {"perl": "perl", "tar": "tar", "gpgv": "gpgv", "unshare": "util-linux"}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
GO_OLDEST = (1, 21)  # the first that fetches by itself the newer Go that go.mod asks for


def require_root() -> None:
    """Raises ClusterError unless run by root."""
    if os.geteuid() != 0:
        raise ClusterError("this replaces what the machine lacks (Docker, images, packages), and needs root: use sudo")


def require_disk(folder: Path, gigabytes: int = FREE_DISK_GB) -> None:
    """Raises ClusterError when the file system of `folder` has less room than that."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free / 1e9
    if free < gigabytes:
        raise ClusterError(
            f"{existing}: {free:.1f} GB free, {gigabytes} GB needed. "
            "Make room, or set XDG_CACHE_HOME to a folder with more"
        )


def require_free_port(port: int = GATEWAY_PORT) -> None:
    """Raises ClusterError when something already listens on the loopback port of the demo's gateway."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ClusterError(
                f"127.0.0.1:{port}, which the demo's gateway needs, is in use: "
                "end the other program, which may be another kind cluster"
            ) from error


def install_packages(commands: Commands, steps: Steps, packages: Iterable[str]) -> None:
    """Installs those of the Debian packages that are not installed, and says so."""
    missing = [name for name in packages if not _installed(name)]
    if not missing:
        return
    names = " ".join(missing)
    if not shutil.which("apt-get"):
        raise ClusterError(f"missing, and no apt-get to install it: {names}. Install it, then run this again")
    require_root()
    with steps.step(f"apt-get install {names}"):
        commands.run("apt", "apt-get", "update", "-q")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        commands.run("apt", "apt-get", "install", "-y", "-q", "--no-install-recommends", *missing, env=quiet)


def install_missing_tools(commands: Commands, steps: Steps) -> None:
    """Installs from Debian those of TOOLS that are missing."""
    missing = [package for program, package in TOOLS.items() if not shutil.which(program)]
    install_packages(commands, steps, missing if KEYRING.exists() else [*missing, "debian-archive-keyring"])


def require_go(commands: Commands, steps: Steps) -> None:
    """Installs Debian's Go where there is none. Raises ClusterError when it is too old to be of use."""
    if not shutil.which("go"):
        install_packages(commands, steps, ["golang-go"])
    version = output("go", "version", env={"GOTOOLCHAIN": "local"}).split()[2]
    if go_release(version) < GO_OLDEST:
        oldest = ".".join(str(part) for part in GO_OLDEST)
        raise ClusterError(f"{version} is too old: put Go {oldest} or newer on PATH before it")


def go_release(version: str) -> tuple[int, int]:
    """The release in the word that `go version` prints: "go1.26.8" → (1, 26)."""
    major, minor = version.removeprefix("go").split("rc")[0].split(".")[:2]
    return int(major), int(minor)


def architecture() -> str:
    """Debian's and Go's name for this machine's processor: amd64 or arm64."""
    machine = os.uname().machine
    known = {"x86_64": "amd64", "aarch64": "arm64"}
    if machine not in known:
        raise ClusterError(f"processor {machine}: only {' and '.join(known)} are supported")
    return known[machine]


def _installed(package: str) -> bool:
    query = ("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", package)
    return succeeds(*query) and output(*query).startswith("ii")
