"""Every program of the cluster, built from Go modules in one go: what they share is compiled once."""

import os
import re
from pathlib import Path

from cluster import recipe
from cluster.commands import Commands, output
from cluster.progress import Step
from cluster.settings import CONTAINERD_VERSION, CRICTL_VERSION, KUBERNETES_VERSION, Layout

ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
TOOL_PACKAGES = (
    "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
    "github.com/containerd/containerd/v2/cmd/ctr",
    "sigs.k8s.io/cri-tools/cmd/crictl",
    "sigs.k8s.io/kind",
)
OWN_PACKAGES = ("./containerd", "./coredns", "./etcd", "./kube", "./nodeagent", "./pause")


def link_flags() -> str:
    """The version each program says it has."""
    minor = KUBERNETES_VERSION.split(".")[1]
    flags = ["-s", "-w"]
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        flags += [f"-X {package}.gitVersion=v{KUBERNETES_VERSION}"]
        flags += [f"-X {package}.gitMajor=1 -X {package}.gitMinor={minor}"]
    flags += [f"-X github.com/containerd/containerd/v2/version.Version={CONTAINERD_VERSION}"]
    flags += [f"-X sigs.k8s.io/cri-tools/pkg/version.Version={CRICTL_VERSION}"]
    return " ".join(flags)


def folder(layout: Layout) -> Path:
    """Where the built programs are, or will be."""
    source = layout.offline / "programs"
    parts = [path for path in sorted(source.iterdir()) if path.suffix != ".sum"]
    return layout.cache / "programs" / recipe.key(link_flags(), TOOL_PACKAGES, OWN_PACKAGES, files=parts)


def build(layout: Layout, commands: Commands, step: Step) -> Path:
    """All programs. Go keeps what is compiled, so an interrupted build goes on where it was."""
    programs = folder(layout)
    if not programs.exists():
        with recipe.staged(programs) as temporary:
            _build(layout, commands, step, temporary, (*OWN_PACKAGES, *TOOL_PACKAGES))
        recipe.keep_only(programs)
    return programs


def build_kind(layout: Layout, commands: Commands, step: Step) -> Path:
    """kind alone, for a machine that can pull everything else."""
    program = layout.cache / "kind" / recipe.key(files=[layout.offline / "programs" / "go.mod"]) / "kind"
    if not program.exists():
        with recipe.staged(program.parent) as temporary:
            _build(layout, commands, step, temporary, ("sigs.k8s.io/kind",))
    return program


def _build(layout: Layout, commands: Commands, step: Step, target: Path, packages: tuple[str, ...]) -> None:
    source = layout.offline / "programs"
    step.note("fetching Go modules")
    listing = output("go", "-C", source, "list", "-deps", *packages, env=ENVIRONMENT, timeout_s=1800)
    step.total(len(listing.splitlines()))
    target.mkdir(parents=True)
    commands.run(
        "programs", "nice", "go", "build", "-v", "-p", str(os.cpu_count() or 1), "-trimpath",
        "-ldflags", link_flags(), "-o", f"{target}/", *packages,
        cwd=source, env=ENVIRONMENT, on_line=lambda line: _count(step, line),
    )  # fmt: skip


def _count(step: Step, line: str) -> None:
    """Go's -v names each package that it compiles."""
    if re.fullmatch(r"[\w./~-]+", line):
        step.advance(line[-50:])
    elif line.startswith("go: downloading"):
        step.note(line.removeprefix("go: ")[:60])
