"""The offline recipe agrees with itself: versions, names, manifests, and the policies' compiler."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import nodeimage, programs, settings

OFFLINE = settings.layout().offline
MODULES = (OFFLINE / "programs/go.mod").read_text()


@pytest.mark.parametrize(
    ("module", "version"),
    [
        ("k8s.io/kubernetes", f"v{settings.KUBERNETES_VERSION}"),
        ("k8s.io/client-go", f"v0.{settings.KUBERNETES_VERSION.removeprefix('1.')}"),
        ("github.com/coredns/coredns", settings.COREDNS_TAG),
        ("github.com/containerd/containerd/v2", settings.CONTAINERD_VERSION),
        ("sigs.k8s.io/cri-tools", settings.CRICTL_VERSION),
        ("go.etcd.io/etcd/server/v3", f"v{settings.ETCD_TAG.removesuffix('-0')}"),
    ],
)
def test_versions_are_those_of_the_go_modules(module: str, version: str) -> None:
    found = re.search(rf"^\s*{re.escape(module)} (v\S+)", MODULES, flags=re.MULTILINE)
    assert found
    assert found[1] == version


def test_every_tool_is_declared_in_go_mod() -> None:
    declared = re.search(r"^tool \((.*?)^\)", MODULES, flags=re.MULTILINE | re.DOTALL)
    assert declared
    assert declared[1].split() == list(programs.TOOL_PACKAGES)


def test_every_own_program_has_a_main_package() -> None:
    mains = {f"./{path.parent.name}" for path in (OFFLINE / "programs").glob("*/main.go")}
    assert mains == set(programs.OWN_PACKAGES)


def manifests(name: str) -> list[Any]:
    return list(yaml.safe_load_all((OFFLINE / "node/kind/manifests" / name).read_text()))


def test_the_node_agents_image_is_the_one_made() -> None:
    daemon_set = next(item for item in manifests("default-cni.yaml") if item["kind"] == "DaemonSet")
    assert daemon_set["spec"]["template"]["spec"]["containers"][0]["image"] == nodeimage.NODE_AGENT_IMAGE


def test_the_storage_class_names_the_node_agents_provisioner() -> None:
    (storage_class,) = manifests("default-storage.yaml")
    source = (OFFLINE / "programs/nodeagent/volumes.go").read_text()
    assert f'provisioner = "{storage_class["provisioner"]}"' in source


def test_kind_maps_the_gateways_port() -> None:
    config = yaml.safe_load((OFFLINE.parent / "kind.yaml").read_text())
    (mapping,) = config["nodes"][0]["extraPortMappings"]
    assert mapping == {
        "containerPort": settings.GATEWAY_PORT,
        "hostPort": settings.GATEWAY_PORT,
        "listenAddress": "127.0.0.1",
    }


def test_libraries_are_read_from_ldd() -> None:
    listing = """/usr/sbin/nft:
\tlinux-vdso.so.1 (0x00007fff)
\tlibnftables.so.1 => /lib/x86_64-linux-gnu/libnftables.so.1 (0x00007f)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f)
/usr/sbin/conntrack:
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)
"""
    assert nodeimage.libraries(listing) == [
        "/lib/x86_64-linux-gnu/libm.so.6",
        "/lib/x86_64-linux-gnu/libnftables.so.1",
        "/lib64/ld-linux-x86-64.so.2",
    ]


@pytest.mark.skipif(not shutil.which("go"), reason="Go is needed only where images cannot be pulled")
def test_network_policies_compile_to_the_right_rules() -> None:
    source: Path = OFFLINE / "programs"
    done = subprocess.run(
        ["go", "test", "./nodeagent/policy/"], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
