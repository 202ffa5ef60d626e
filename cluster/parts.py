"""What a cluster is made from, got in the chosen way: the node image, kind and kubectl."""

import shutil
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from cluster import debian, machine, nodeimage, programs, recipe, state
from cluster.commands import Commands, output, succeeds
from cluster.progress import Steps
from cluster.settings import Layout


def made_image(layout: Layout, steps: Steps, commands: Commands) -> str:
    """The node image made here, and kind and kubectl beside it. What is cached is not made again."""
    image = nodeimage.name(layout)
    environment = state.environment(layout)
    built = programs.folder(layout)
    if not built.exists() or not succeeds("docker", "image", "inspect", image, env=environment):
        machine.require_root()
        machine.install_missing_tools(commands, steps)
        if not built.exists():
            machine.require_disk(layout.cache)
            machine.require_go(commands, steps)
        if not debian.has_mmdebstrap(layout):
            debian.unpack_docker(layout, commands)
        _make_parts(layout, steps, commands)
        with steps.step("node image"):
            nodeimage.make(layout, commands, environment)
        _remove_older_images(image, environment)
    _link(layout.bin / "kind", built / "kind")
    _link(layout.bin / "kubectl", built / "kube")
    return image


def get_kind(layout: Layout, steps: Steps, commands: Commands) -> None:
    """kind from PATH, or built here."""
    if shutil.which("kind"):
        return
    machine.require_go(commands, steps)
    with steps.step("kind from Go modules") as step:
        _link(layout.bin / "kind", programs.build_kind(layout, commands, step))


def _make_parts(layout: Layout, steps: Steps, commands: Commands) -> None:
    """What takes the processor and what takes the network, side by side. A failure ends both."""

    def build_programs() -> None:
        with steps.step("Kubernetes, etcd, containerd, CoreDNS, kind from Go modules") as step:
            programs.build(layout, commands, step)

    def debian_trees() -> None:
        with steps.step("Debian trees for the node and for images"):
            debian.node_tree(layout, commands)
            debian.base_archive(layout, commands)

    with ThreadPoolExecutor() as pool:
        parts = [pool.submit(build_programs), pool.submit(debian_trees)]
        try:
            for part in as_completed(parts):
                part.result()
        except BaseException:
            commands.end_all()
            raise


def _remove_older_images(current: str, environment: dict[str, str]) -> None:
    listing = ("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", current.split(":")[0])
    if older := [name for name in output(*listing, env=environment).split() if name != current]:
        succeeds("docker", "rmi", *older, env=environment)


def _link(link: Path, to: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    recipe.remove(link)
    link.symlink_to(to)
