"""A dockerd of our own, from unpacked packages, on its own socket."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from cluster import recipe
from cluster.commands import ClusterError, output, succeeds
from cluster.debian import docker_root
from cluster.settings import Layout

START_SECONDS = 60
STOP_SECONDS = 30
MODULES = Path("/lib/modules")
XTABLES = tuple(f"{tool}{part}" for tool in ("iptables", "ip6tables") for part in ("", "-save", "-restore"))
TABLES = ("filter", "nat", "mangle", "raw")


def client_environment(layout: Layout) -> dict[str, str]:
    """What a docker client needs to talk to our dockerd."""
    return {
        "DOCKER_HOST": f"unix://{layout.docker}/docker.sock",
        "DOCKER_CONFIG": str(layout.docker / "client"),
        "PATH": f"{layout.bin}:{os.environ['PATH']}",
    }


def answers(layout: Layout) -> bool:
    """Whether our dockerd runs."""
    socket = layout.docker / "docker.sock"
    return socket.exists() and succeeds("docker", "version", env=client_environment(layout), timeout_s=10)


def start(layout: Layout) -> None:
    """Starts our dockerd unless it runs. Raises ClusterError with the end of its log when it stays away."""
    root = docker_root(layout)
    _link_programs(layout, root)
    if answers(layout):
        return
    layout.docker.mkdir(parents=True, exist_ok=True)
    (layout.docker / "dockerd.pid").unlink(missing_ok=True)
    # A dockerd that finds forwarding off turns it on and also drops by default whatever the machine forwards,
    # which cuts off anything else here that does. Finding it on, it leaves that alone.
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # kind binds /lib/modules into its nodes; a kernel without modules has no such folder.
    if not MODULES.exists():
        MODULES.mkdir()
        (layout.docker / "made-lib-modules").touch()
    before = layout.docker / "rules-before.json"
    if not before.exists():
        before.write_text(json.dumps(_rules(root)))
    log = layout.docker / "dockerd.log"
    with open(log, "wb") as log_file:
        process = subprocess.Popen(
            [
                "dockerd", "--data-root", layout.docker / "data", "--exec-root", layout.docker / "exec",
                "--pidfile", layout.docker / "dockerd.pid", "-H", f"unix://{layout.docker}/docker.sock",
                "--bridge", "none", "--storage-driver", "overlay2",
                "--exec-opt", "native.cgroupdriver=cgroupfs",
                "--add-runtime", f"fitted={_fitted_runc(layout)}", "--default-runtime", "fitted",
            ],
            env={**os.environ, **_program_environment(root)}, stdin=subprocess.DEVNULL, stdout=log_file,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while not answers(layout):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise ClusterError(f"dockerd does not come up ({log}):\n{tail}")
        time.sleep(0.2)


def stop(layout: Layout) -> None:
    """Stops our dockerd, if it runs, and takes back what it left on the machine."""
    pidfile = layout.docker / "dockerd.pid"
    if pidfile.exists() and _is_ours(pid := int(pidfile.read_text()), pidfile):
        succeeds("docker", "network", "rm", "kind", env=client_environment(layout))
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_ours(pid, pidfile):
            if time.monotonic() > deadline:
                raise ClusterError(f"dockerd (process {pid}) does not stop: see {layout.docker}/dockerd.log")
            time.sleep(0.2)
    _remove_rules(layout)
    if (layout.docker / "made-lib-modules").exists():
        with contextlib.suppress(OSError):  # somebody has put modules there since
            MODULES.rmdir()
        (layout.docker / "made-lib-modules").unlink()
    data = layout.docker / "data"
    if data.is_mount():  # dockerd binds its data folder on itself
        output("umount", data)
    groups = Path("/sys/fs/cgroup")
    for top in (groups / "docker", *groups.glob("*/docker")):  # cgroup v2, and each hierarchy of v1
        _remove_groups(top)


def _remove_groups(top: Path) -> None:
    """Removes control groups, deepest first; the kernel refuses those in use, which are not ours."""
    for folder, _folders, _files in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _fitted_runc(layout: Layout) -> Path:
    """Our runc, copied out of the checkout: containers outlive it."""
    script = (layout.offline / "runc-fitted").read_text().split("\n", 1)[1]
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else os.path.realpath(sys.executable)
    copy = layout.docker / "runc-fitted"
    with recipe.staged(copy) as temporary:
        temporary.write_text(f"#!{python} -IS\n{script}")
        temporary.chmod(0o755)
    return copy


def _is_ours(pid: int, pidfile: Path) -> bool:
    """Whether the process is a dockerd that was started with our pidfile, and not a later one by that number."""
    try:
        return str(pidfile).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()  # a zombie's is empty
    except (FileNotFoundError, ProcessLookupError):
        return False


def _link_programs(layout: Layout, root: Path) -> None:
    """Links iptables' names, and gives the reader's shell a docker client that fits the daemon."""
    multi = root / "usr/sbin/xtables-nft-multi"
    (root / "xtables").mkdir(exist_ok=True)
    layout.bin.mkdir(parents=True, exist_ok=True)
    for name in XTABLES:
        _link(root / "xtables" / name, multi)
    _link(layout.bin / "docker", root / "usr/bin/docker")
    plugins = [str(folder) for folder in root.glob("usr/lib*/docker/cli-plugins")]
    (layout.docker / "client").mkdir(parents=True, exist_ok=True)
    (layout.docker / "client" / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": plugins}))


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink() or link.readlink() != target:
        recipe.remove(link)
        link.symlink_to(target)


def _program_environment(root: Path) -> dict[str, str]:
    """What the unpacked programs need to find each other, their libraries and the plug-ins of iptables."""
    libraries = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
    plugins = [folder / "xtables" for folder in libraries if (folder / "xtables").is_dir()]
    system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        "PATH": f"{root}/xtables:{root}/usr/sbin:{root}/usr/bin:{system}",
        "LD_LIBRARY_PATH": ":".join(str(folder) for folder in libraries),
        "XTABLES_LIBDIR": ":".join(str(folder) for folder in plugins),
    }


def _rules(root: Path) -> dict[str, list[str]]:
    """Every rule and chain there is, by tool and table."""
    environment = _program_environment(root)
    found = {}
    for tool in ("iptables", "ip6tables"):
        for table in TABLES:
            command = (root / "xtables" / tool, "-t", table, "-S")
            if succeeds(*command, env=environment):
                found[f"{tool} {table}"] = output(*command, env=environment).splitlines()
    return found


def _remove_rules(layout: Layout) -> None:
    """Removes what dockerd added since we started it and left behind, and nothing else."""
    before_file = layout.docker / "rules-before.json"
    root = docker_root(layout)
    if not before_file.exists() or not (root / "xtables").exists():
        return
    before = json.loads(before_file.read_text())
    environment = _program_environment(root)
    for where, rules in _rules(root).items():
        tool, table = where.split()
        for arguments in left_behind(before.get(where, []), rules):
            succeeds(root / "xtables" / tool, "-w", "-t", table, *arguments, env=environment)
    before_file.unlink()


def left_behind(before: list[str], now: list[str]) -> list[list[str]]:
    """The iptables arguments that take out what docker added between two listings (`iptables -S`)."""
    added = [rule for rule in now if rule not in before]
    rules = [rule for rule in added if rule.startswith("-A ") and ("DOCKER" in rule or " br-" in rule)]
    chains = [rule.split()[1] for rule in added if rule.startswith("-N DOCKER")]
    return [["-D", *shlex.split(rule)[1:]] for rule in rules] + [["-X", chain] for chain in chains]
