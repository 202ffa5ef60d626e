"""The node image: Debian's tree, our programs, and the cluster's images, unpacked in containerd's store."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cluster import archive, debian, programs, recipe
from cluster.archive import Image, Layer, Link
from cluster.commands import ClusterError, CommandError, Commands, dying_with_us, output, succeeds
from cluster.machine import architecture
from cluster.settings import COREDNS_TAG, ETCD_TAG, KUBERNETES_VERSION, PAUSE_TAG, Layout

REGISTRY = "registry.k8s.io"  # kubeadm's names for the images; nothing is asked of it
NODE_AGENT_IMAGE = "localhost/nodeagent:v1"  # as in offline/node/kind/manifests/default-cni.yaml
KUBE_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
PROXY_PROGRAMS = ("usr/sbin/xtables-nft-multi", "usr/sbin/nft", "usr/sbin/conntrack")
IPTABLES_NAMES = tuple(f"{tool}{part}" for tool in ("iptables", "ip6tables") for part in ("", "-save", "-restore"))


def name(layout: Layout) -> str:
    """The image's name; it changes when anything in it does."""
    here = Path(__file__).parent
    return "consumerapp/node:" + recipe.key(
        programs.folder(layout).name,
        debian.node_tree_key(),
        (KUBERNETES_VERSION, PAUSE_TAG, ETCD_TAG, COREDNS_TAG),
        files=[here / "nodeimage.py", here / "archive.py", layout.offline / "node"],
    )


def make(layout: Layout, commands: Commands, docker: Mapping[str, str]) -> str:
    """Makes the image, in the docker daemon that the environment `docker` names. Returns its name."""
    image = name(layout)
    work = layout.cache / "node-image"
    recipe.remove(work)
    work.mkdir(parents=True)
    tree = work / "tree"
    commands.run("node-image", "cp", "-a", "--reflink=auto", debian.node_tree(layout, commands), tree)
    binaries = programs.folder(layout)
    fill(layout, tree, binaries)
    images = work / "images.tar"
    archive.write(images, cluster_images(tree, binaries), architecture())
    with _containerd(binaries, tree / "var/lib/containerd", work) as ctr:
        commands.run(
            "node-image", *ctr, "images", "import", "--local", "--discard-unpacked-layers",
            "--snapshotter", "overlayfs", "--label", "io.cri-containerd.image=managed",
            "--label", "io.cri-containerd.pinned=pinned", images,
        )  # fmt: skip
        # drops the unpacked layers' archives now: kind copies all of /var for each node that it makes
        commands.run("node-image", *ctr, "content", "prune", "references")
    images.unlink()
    _import(tree, image, docker)
    recipe.remove(work)
    return image


def fill(layout: Layout, tree: Path, binaries: Path) -> None:
    """Puts our files and programs into the tree, and takes out what systemd cannot do in a container."""
    shutil.copytree(layout.offline / "node", tree, dirs_exist_ok=True)
    config = tree / "etc/containerd/config.toml"
    config.write_text(config.read_text().replace("@PAUSE_TAG@", PAUSE_TAG))
    for program in ("containerd", "containerd-shim-runc-v2", "ctr", "crictl"):
        shutil.copy2(binaries / program, tree / "usr/local/bin" / program)
    shutil.copy2(binaries / "kube", tree / "usr/bin/kube")
    for program in ("kubelet", "kubeadm", "kubectl"):
        (tree / "usr/bin" / program).symlink_to("kube")
    for folder in ("etc/kubernetes/manifests", "etc/containerd/certs.d", "var/lib/kubelet", "kind"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "kind/version").write_text(f"v{KUBERNETES_VERSION}\n")
    (tree / "etc/crictl.yaml").write_text("runtime-endpoint: unix:///run/containerd/containerd.sock\n")
    # cgroup v1: the kubelet of 1.36 needs to be told that it may; kind makes no such flag
    (tree / "etc/default/kubelet").write_text(
        "KUBELET_EXTRA_ARGS=--runtime-cgroups=/system.slice/containerd.service --fail-cgroupv1=false\n"
    )
    with open(tree / "etc/systemd/journald.conf", "a") as journald:
        journald.write("ReadKMsg=no\n")
    for tool in ("iptables", "ip6tables"):
        output("chroot", tree, "update-alternatives", "--set", tool, f"/usr/sbin/{tool}-nft")
    _quieten_systemd(tree)


def _quieten_systemd(tree: Path) -> None:
    """Only containerd and the kubelet start; devices, kernel settings and mounts belong to the machine."""
    units, own = tree / "lib/systemd/system", tree / "etc/systemd/system"
    for pattern in (
        *(f"{target}.target.wants/*" for target in ("multi-user", "local-fs", "basic", "timers")),
        "sockets.target.wants/*udev*", "sockets.target.wants/*initctl*",
        "sysinit.target.wants/systemd-tmpfiles-setup.service",
    ):  # fmt: skip
        for link in units.glob(pattern):
            link.unlink()
    for link in own.glob("*.wants/*"):
        link.unlink()
    wanted = own / "multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    for unit in ("containerd.service", "kubelet.service"):
        (wanted / unit).symlink_to(f"/etc/systemd/system/{unit}")
    for unit in ("systemd-binfmt.service", "systemd-sysctl.service"):
        (own / unit).symlink_to("/dev/null")
    default = own / "default.target"
    default.unlink(missing_ok=True)
    default.symlink_to("/lib/systemd/system/multi-user.target")
    init = tree / "sbin/init"
    init.unlink(missing_ok=True)
    init.symlink_to("/lib/systemd/systemd")


def cluster_images(tree: Path, binaries: Path) -> list[Image]:
    """The images that kubeadm asks for by name, and the node agent's."""
    kube: Layer = {"usr/local/bin/kube": binaries / "kube"} | {
        f"usr/local/bin/{program}": Link("kube") for program in KUBE_PROGRAMS
    }
    tools = network_tools(tree)
    control_plane = [f"{REGISTRY}/{program}:v{KUBERNETES_VERSION}" for program in KUBE_PROGRAMS[:3]]
    return [
        Image(control_plane, [kube]),  # one image, three names: each static pod names its program
        Image([f"{REGISTRY}/kube-proxy:v{KUBERNETES_VERSION}"], [kube, tools]),
        Image([f"{REGISTRY}/pause:{PAUSE_TAG}"], [{"pause": binaries / "pause"}], entrypoint=["/pause"]),
        Image([f"{REGISTRY}/etcd:{ETCD_TAG}"], [{"usr/local/bin/etcd": binaries / "etcd"}], command=["etcd"]),
        Image(
            [f"{REGISTRY}/coredns/coredns:{COREDNS_TAG}"],
            [{"coredns": binaries / "coredns"}],
            entrypoint=["/coredns"],
        ),
        Image([NODE_AGENT_IMAGE], [tools, {"nodeagent": binaries / "nodeagent"}], entrypoint=["/nodeagent"]),
    ]


def network_tools(tree: Path) -> Layer:
    """iptables, nft and conntrack from the node's tree, with the libraries and plug-ins they need."""
    files: dict[str, Path | Link] = {program: tree / program for program in PROXY_PROGRAMS}
    files |= {f"usr/sbin/{tool}": Link("xtables-nft-multi") for tool in IPTABLES_NAMES}
    for plugin in tree.glob("usr/lib/*-linux-gnu/xtables/*.so"):
        files[str(plugin.relative_to(tree))] = Link(str(plugin.readlink())) if plugin.is_symlink() else plugin
    linked = [f"/{name}" for name, source in files.items() if isinstance(source, Path)]
    for library in libraries(output("chroot", tree, "ldd", *linked)):
        files[library.lstrip("/")] = (tree / library.lstrip("/")).resolve()
    return files


def libraries(listing: str) -> list[str]:
    """The files that `ldd` names in its output for one or more programs, the loader among them."""
    words = [word for line in listing.splitlines() for word in line.split()]
    return sorted({word for word in words if word.startswith("/") and not word.endswith(":")})


@contextmanager
def _containerd(binaries: Path, store: Path, work: Path) -> Iterator[list[str | Path]]:
    """A containerd that fills `store`; gives the words that begin a `ctr` command for it."""
    config = work / "containerd.toml"
    config.write_text(
        f'version = 2\nroot = "{store}"\nstate = "{work}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\n  address = "{work}/containerd.sock"\n[ttrpc]\n  address = "{work}/containerd.sock.ttrpc"\n'
    )
    ctr: list[str | Path] = [binaries / "ctr", "-a", work / "containerd.sock", "-n", "k8s.io"]
    with open(work / "containerd.log", "wb") as log:
        command = [*dying_with_us(), str(binaries / "containerd"), "-c", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not succeeds(*ctr, "version", timeout_s=5):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = (work / "containerd.log").read_text(errors="replace")[-2000:]
                raise ClusterError(f"containerd, which is to hold the node's images, does not come up:\n{tail}")
            time.sleep(0.1)
        yield ctr
    finally:
        process.terminate()
        process.wait()
    for leftover in (store / "tmpmounts").glob("*"):
        recipe.remove(leftover)


def _import(tree: Path, image: str, docker: Mapping[str, str]) -> None:
    """Streams the tree into docker, without a copy on disk."""
    pack = subprocess.Popen(
        ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", tree, "-cf", "-", "."],
        stdout=subprocess.PIPE,
    )
    command = [
        "docker", "import", "--change", 'ENTRYPOINT ["/usr/local/bin/entrypoint"]',
        "--change", "ENV container=docker", "-", image,
    ]  # fmt: skip
    load = subprocess.run(command, env=dict(docker), stdin=pack.stdout, capture_output=True, text=True, check=False)
    assert pack.stdout is not None
    pack.stdout.close()
    if load.returncode:
        pack.terminate()
    if pack.wait() or load.returncode:
        raise CommandError(command, load.returncode or pack.returncode, load.stdout + load.stderr)
