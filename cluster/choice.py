"""Which way to a cluster, from what was found on the machine. Pure."""

from dataclasses import dataclass
from enum import Enum


class Way(Enum):
    """How the reader gets a cluster."""

    CURRENT = "the cluster of the current kubectl context"
    PLAIN = "kind with its own node image"
    MADE_IMAGE = "kind with a node image made here, since no image can be pulled"


@dataclass(frozen=True)
class Findings:
    """What the machine offers."""

    kubeconfig_target: str  # the environment variable KUBECONFIG_TARGET, "" when unset
    docker_answers: bool  # a Docker daemon that is not ours
    images_can_be_pulled: bool = False  # by whichever daemon is used


@dataclass(frozen=True)
class Choice:
    """The way, and whether dockerd is ours to run."""

    way: Way
    own_docker: bool


def needs_own_docker(findings: Findings) -> bool:
    """Whether a dockerd has to be started before anything else can be found out."""
    return findings.kubeconfig_target != "current" and not findings.docker_answers


def check_target(kubeconfig_target: str) -> None:
    """Raises ValueError for a KUBECONFIG_TARGET that means nothing."""
    if kubeconfig_target not in ("", "kind", "current"):
        raise ValueError(
            f"KUBECONFIG_TARGET={kubeconfig_target} means nothing: set it to `current` to use the cluster of "
            "your current kubectl context, or leave it unset for a kind cluster on this machine"
        )


def choose(findings: Findings) -> Choice:
    """The way to take. Raises ValueError for a KUBECONFIG_TARGET that means nothing."""
    check_target(findings.kubeconfig_target)
    if findings.kubeconfig_target == "current":
        return Choice(Way.CURRENT, own_docker=False)
    way = Way.PLAIN if findings.images_can_be_pulled else Way.MADE_IMAGE
    return Choice(way, own_docker=needs_own_docker(findings))
