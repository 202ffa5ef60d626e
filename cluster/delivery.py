"""Puts images where the chosen cluster finds them: into kind's nodes, or into a registry of the reader's."""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from cluster import state, transfer
from cluster.commands import ClusterError, CommandError, output
from cluster.progress import Steps
from cluster.settings import CLUSTER, Layout

LOADED = "/kind/loaded-images.json"  # on each node: which image id each name has there
STORE = ("ctr", "-n", "k8s.io")


def deliver(layout: Layout, steps: Steps, environment: Mapping[str, str], images: Mapping[str, str]) -> None:
    """Delivers images, given as name → id in docker. Those that are there in that version are left out."""
    cluster = CLUSTER
    if state.target() == "current":
        context = output("kubectl", "config", "current-context", env=environment)
        cluster = context.removeprefix("kind-")
        if not context.startswith("kind-") or not _nodes(cluster, environment):
            _push(steps, environment, images, context)
            return
    nodes = _nodes(cluster, environment)
    if not nodes:
        raise ClusterError(f"the images are built, but there is no cluster {cluster}: python -m cluster up")
    for node in nodes:
        _load(layout, steps, environment, node, images)


def to_load(wanted: Mapping[str, str], present: Iterable[str], remembered: Mapping[str, str]) -> list[str]:
    """The images whose id is another than the one loaded last, or that the node has since thrown away."""
    there = {image.removeprefix("docker.io/") for image in present}
    return [name for name, identity in wanted.items() if name not in there or remembered.get(name) != identity]


def _nodes(cluster: str, environment: Mapping[str, str]) -> list[str]:
    label = f"label=io.x-k8s.kind.cluster={cluster}"
    return output("docker", "ps", "--format", "{{.Names}}", "--filter", label, env=environment).split()


def _load(layout: Layout, steps: Steps, environment: Mapping[str, str], node: str, images: Mapping[str, str]) -> None:
    on_node = ("docker", "exec", node)
    present = output(*on_node, *STORE, "images", "ls", "-q", env=environment).split()
    text = output(*on_node, "sh", "-c", f"cat {LOADED} 2>/dev/null || echo {{}}", env=environment)
    remembered: dict[str, str] = json.loads(text)
    missing = to_load(images, present, remembered)
    if not missing:
        steps.say(f"  {node} has all {len(images)} images")
        return
    short = ", ".join(image.split("/")[1].split(":")[0] for image in missing)
    with steps.step(f"loading {short} into {node}"):
        # Noted down first without them: an interrupted load must not look like a finished one.
        _note(environment, node, {name: value for name, value in remembered.items() if name not in missing})
        _stream(layout.cache / "images.tar", environment, node, missing)
        _note(environment, node, remembered | {name: images[name] for name in missing})


def _stream(scratch: Path, environment: Mapping[str, str], node: str, images: list[str]) -> None:
    """Copies images into a node, without the layers that are already in its store."""
    present = output("docker", "exec", node, *STORE, "content", "ls", "-q", env=environment).split()
    output("docker", "save", "-o", scratch, *images, env=environment, timeout_s=600)
    command = ["docker", "exec", "-i", node, *STORE, "images", "import", "--snapshotter", "overlayfs", "-"]
    with tempfile.TemporaryFile() as printed:
        with subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=printed, stderr=printed
        ) as importing:
            assert importing.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it ended early; its own words are shown below
                transfer.write(scratch, importing.stdin, frozenset(present))
                importing.stdin.close()
        if importing.returncode:
            printed.seek(0)
            raise CommandError(command, importing.returncode, printed.read().decode(errors="replace"))
    scratch.unlink()


def _note(environment: Mapping[str, str], node: str, loaded: Mapping[str, str]) -> None:
    command = ["docker", "exec", "-i", node, "cp", "/dev/stdin", LOADED]
    subprocess.run(command, env=dict(environment), input=json.dumps(loaded), text=True, check=True)


def _push(steps: Steps, environment: Mapping[str, str], images: Mapping[str, str], context: str) -> None:
    registry = os.environ.get("IMAGE_REGISTRY", "").rstrip("/")
    if not registry:
        raise ClusterError(
            f"context {context} is no kind cluster of this machine, so its images must come from a registry "
            "that both can reach: set IMAGE_REGISTRY=registry.example.com/you (and docker login)"
        )
    for image in images:
        with steps.step(f"pushing {registry}/{image}"):
            output("docker", "tag", image, f"{registry}/{image}", env=environment)
            output("docker", "push", "-q", f"{registry}/{image}", env=environment, timeout_s=900)
