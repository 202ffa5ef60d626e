"""What the last `up` decided and made, kept between runs, and the environment that follows from it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from cluster import dockerd, recipe
from cluster.choice import check_target
from cluster.commands import ClusterError
from cluster.progress import Steps
from cluster.settings import Layout


@dataclass(frozen=True)
class State:
    """The outcome of the last `up`; all defaults when there was none."""

    own_docker: bool = False  # the node runs in a dockerd of ours
    way: str = ""  # the name of a cluster.choice.Way
    node: str = ""  # the id of the node's container; "" until the cluster was once ready


def read(layout: Layout) -> State:
    """The state that the last `up` left."""
    return State(**json.loads(layout.state.read_text())) if layout.state.exists() else State()


def write(layout: Layout, state: State) -> None:
    """Keeps the state for later runs."""
    with recipe.staged(layout.state) as temporary:
        temporary.write_text(json.dumps(asdict(state)))


@contextmanager
def lock(layout: Layout, steps: Steps) -> Iterator[None]:
    """Only one run at a time works on the cache and the cluster; a second one waits."""
    layout.cache.mkdir(parents=True, exist_ok=True)
    with open(layout.cache / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with steps.step("waiting for another run to end"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def target() -> str:
    """Which cluster is asked for: "current" for the reader's own, "" or "kind" for one made here.

    Raises ClusterError when the environment asks for anything else.
    """
    asked = os.environ.get("KUBECONFIG_TARGET", "")
    try:
        check_target(asked)
    except ValueError as error:
        raise ClusterError(str(error)) from error
    return asked


def environment(layout: Layout) -> dict[str, str]:
    """The environment for docker, kind and kubectl, as the last `up` chose it."""
    own = dockerd.client_environment(layout) if read(layout).own_docker else {}
    path = f"{layout.bin}:{os.environ['PATH']}"
    return {**os.environ, **own, "PATH": path, "KUBECONFIG": str(layout.kubeconfig)}
