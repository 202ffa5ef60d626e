"""From Debian's packages: docker, unpacked rather than installed, and whole trees by mmdebstrap."""

import os
import shutil
from pathlib import Path

from cluster import recipe
from cluster.commands import Commands, output
from cluster.machine import architecture
from cluster.settings import DOCKER_PACKAGES, IMAGE_SUITE, NODE_PACKAGES, NODE_SUITE, Layout

NOT_NEEDED = ("man", "locale", "info", "lintian", "bash-completion")
EXTRA_AUTHORITIES = Path("/usr/local/share/ca-certificates")


def docker_root(layout: Layout) -> Path:
    """Where docker's packages are unpacked."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    return layout.cache / "docker-packages" / recipe.key(DOCKER_PACKAGES, release)


def unpack_docker(layout: Layout, commands: Commands) -> Path:
    """Docker's packages from this machine's Debian, unpacked under the cache."""
    root = docker_root(layout)
    if root.exists():
        return root
    with recipe.staged(root) as temporary:
        (temporary / "debs").mkdir(parents=True)
        commands.run("docker-packages", "apt-get", "update", "-q")
        known = set(output("apt-cache", "--generate", "pkgnames").split())
        names = [name for name in DOCKER_PACKAGES if name in known]
        commands.run("docker-packages", "apt-get", "download", "-q", *names, cwd=temporary / "debs")
        for package in sorted((temporary / "debs").glob("*.deb")):
            commands.run("docker-packages", "dpkg", "-x", package, temporary)
        shutil.rmtree(temporary / "debs")
    recipe.keep_only(root)
    return root


def has_mmdebstrap(layout: Layout) -> bool:
    """Whether trees can be made: by the machine's mmdebstrap, or by the one among docker's packages."""
    return bool(shutil.which("mmdebstrap")) or docker_root(layout).exists()


def node_tree_key() -> str:
    """Changes with what the node's Debian tree is made of."""
    return recipe.key(NODE_SUITE, NODE_PACKAGES, NOT_NEEDED)


def node_tree(layout: Layout, commands: Commands) -> Path:
    """The Debian tree of a node, without any file of ours."""
    tree = layout.cache / "node-tree" / node_tree_key()
    if not tree.exists():
        with recipe.staged(tree) as temporary:
            _mmdebstrap(layout, commands, "node-tree", temporary, NODE_SUITE, NODE_PACKAGES)
            for leftover in ("var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc"):
                for entry in (temporary / leftover).iterdir():
                    recipe.remove(entry)
        recipe.keep_only(tree)
    return tree


def base_archive(layout: Layout, commands: Commands) -> Path:
    """A tar of what the project's images are built on when nothing can be pulled.

    It holds the certificate authorities that this machine trusts: builds in it go through the same network.
    """
    archive = layout.cache / "base" / f"{recipe.key(IMAGE_SUITE, NOT_NEEDED, files=[EXTRA_AUTHORITIES])}.tar"
    if not archive.exists():
        with recipe.staged(archive) as temporary:
            tree = temporary.with_suffix(".tree")
            recipe.remove(tree)
            _mmdebstrap(layout, commands, "base", tree, IMAGE_SUITE, ("ca-certificates",))
            if EXTRA_AUTHORITIES.is_dir():
                inside = tree / EXTRA_AUTHORITIES.relative_to("/")
                shutil.copytree(EXTRA_AUTHORITIES, inside, dirs_exist_ok=True)
                commands.run("base", "chroot", tree, "update-ca-certificates")
            for leftover in ("var/cache/apt", "var/lib/apt/lists", "var/log"):
                for entry in (tree / leftover).iterdir():
                    recipe.remove(entry)
            commands.run("base", "tar", "--numeric-owner", "-C", tree, "-cf", temporary, ".")
            recipe.remove(tree)
        recipe.keep_only(archive)
    return archive


def _mmdebstrap(
    layout: Layout, commands: Commands, log: str, target: Path, suite: str, packages: tuple[str, ...]
) -> None:
    root = docker_root(layout)
    program = shutil.which("mmdebstrap") or root / "usr/bin/mmdebstrap"
    commands.run(
        # what it mounts in the tree goes with it, even when it is killed: the tree can then be removed
        log, "unshare", "--mount", "perl", program, "--mode=root", "--format=directory", "--variant=minbase",
        f"--architectures={architecture()}", f"--include={','.join(packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in NOT_NEEDED),
        # fewer syncs: an interrupted tree is thrown away anyway
        "--dpkgopt=force-unsafe-io",
        suite, target,
        env={"PATH": f"{os.environ['PATH']}:{root}/usr/bin"},  # it calls mmtarfilter from there
    )  # fmt: skip
