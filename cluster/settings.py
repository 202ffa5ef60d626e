"""Names, versions and places. Versions of Go modules are in offline/programs/go.mod."""

import os
from dataclasses import dataclass
from pathlib import Path

CLUSTER = "consumerapp"
NODE = f"{CLUSTER}-control-plane"  # kind's name for the container
GATEWAY_PORT = 30080  # on 127.0.0.1 and on the node: the demo's NodePort

KUBERNETES_VERSION = "1.36.3"
# The tags that kubeadm of this version asks for (cmd/kubeadm/app/constants/constants.go).
PAUSE_TAG = "3.10.2"
ETCD_TAG = "3.6.8-0"
COREDNS_TAG = "v1.14.2"
CONTAINERD_VERSION = "v2.3.7"
CRICTL_VERSION = "v1.36.0"

NODE_SUITE = "bookworm"  # systemd 252: the last line of Debian that boots on cgroup v1 without being forced
IMAGE_SUITE = "trixie"  # what the project's own images are built on
PUBLIC_BASE = f"debian:{IMAGE_SUITE}-slim"
OWN_BASE = f"consumerapp/debian:{IMAGE_SUITE}"

IMAGE_VERSION = "0.1.0"
TARGETS = (
    "operator",
    "gateway",
    "postgres",
    "redis",
    "nats",
    "user",
    "product",
    "order",
    "payment",
    "notifier",
    "traffic",
)

FREE_DISK_GB = 12  # what a first run without a registry takes at its peak, Go's own caches included

# What docker needs, by Debian's names; those that this Debian does not have are left out.
DOCKER_PACKAGES = (
    *("docker.io", "docker-cli", "docker-buildx", "containerd", "runc", "tini", "iptables", "dmsetup"),
    *("libdevmapper1.02.1", "libip4tc2", "libip6tc2", "libmnl0", "libnftnl11", "libnfnetlink0"),
    *("libnetfilter-conntrack3", "libxtables12", "libseccomp2", "mmdebstrap"),
)
# What a node needs beside our own programs.
NODE_PACKAGES = (
    *("systemd", "dbus", "runc", "iptables", "nftables", "conntrack", "iproute2", "ethtool", "kmod", "mount"),
    *("util-linux", "ca-certificates", "procps", "bash", "libseccomp2", "containernetworking-plugins"),
)


@dataclass(frozen=True)
class Layout:
    """Where things are kept: results in the checkout, all that is costly to make outside of it."""

    checkout: Path
    cache: Path

    @property
    def build(self) -> Path:
        return self.checkout / "build"

    @property
    def kubeconfig(self) -> Path:
        return self.build / "kubeconfig"

    @property
    def own_kubeconfig(self) -> Path:
        """The made cluster's; `kubeconfig` is a copy, or that of the reader's own cluster."""
        return self.cache / "kubeconfig"

    @property
    def offline(self) -> Path:
        return self.checkout / "cluster" / "offline"

    @property
    def bin(self) -> Path:
        """Programs for the reader's shell: kubectl, kind, docker."""
        return self.cache / "bin"

    @property
    def logs(self) -> Path:
        return self.cache / "logs"

    @property
    def docker(self) -> Path:
        """Our dockerd's own state; its presence does not mean that it runs."""
        return self.cache / "docker"

    @property
    def state(self) -> Path:
        return self.cache / "state.json"


def layout() -> Layout:
    """The layout for the checkout that this file is in."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Layout(checkout=Path(__file__).resolve().parents[1], cache=Path(base) / "consumerapp")
