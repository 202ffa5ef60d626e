"""The cluster's life: found healthy, started again, made, removed."""

import os
import shutil
import time
from pathlib import Path

from cluster import debian, dockerd, machine, parts, recipe, state
from cluster.choice import Choice, Findings, Way, choose, needs_own_docker
from cluster.commands import ClusterError, Commands, output, succeeds
from cluster.progress import Steps
from cluster.settings import CLUSTER, NODE, PUBLIC_BASE, Layout
from cluster.state import State

PULL_SECONDS = 90
RESTART_SECONDS = 90
READY_SECONDS = 180


def up(layout: Layout, steps: Steps, commands: Commands) -> None:
    """Makes the cluster unless it is there and healthy. Raises ClusterError with what to do."""
    if state.target() == "current":
        _use_current(layout, steps)
        return
    with state.lock(layout, steps):
        if healthy(layout):
            _copy_kubeconfig(layout)
            steps.say(f"cluster {CLUSTER} is up: {layout.kubeconfig}")
            return
        choice = _choose(layout, steps, commands)
        known_node = state.read(layout).node
        state.write(layout, State(choice.own_docker, choice.way.name, known_node))
        if not _restarted(layout, steps):
            _remove_nodes(layout)
            image = None
            if choice.way is Way.MADE_IMAGE:
                image = parts.made_image(layout, steps, commands)
            else:
                parts.get_kind(layout, steps, commands)
            _create(layout, steps, commands, image)
            state.write(layout, State(choice.own_docker, choice.way.name, _node_id(layout)))
        _copy_kubeconfig(layout)
        steps.say(f"cluster {CLUSTER} is up: export KUBECONFIG={layout.kubeconfig}")


def down(layout: Layout, steps: Steps, purge: bool) -> None:
    """Removes what `up` made; with purge, what it keeps for the next time as well."""
    if state.target() == "current":
        layout.kubeconfig.unlink(missing_ok=True)
        steps.say("your own cluster is left as it is; only build/kubeconfig was removed")
        return
    with state.lock(layout, steps):
        own = state.read(layout).own_docker
        with steps.step(f"removing cluster {CLUSTER}"):
            if succeeds("docker", "version", env=state.environment(layout), timeout_s=15):
                _remove_nodes(layout)
            if own:
                dockerd.stop(layout)
        for file in (layout.kubeconfig, layout.own_kubeconfig, layout.state):
            file.unlink(missing_ok=True)
        if purge:
            with steps.step(f"removing {layout.cache}"):
                recipe.remove(layout.cache)


def healthy(layout: Layout) -> bool:
    """Whether the cluster that the last `up` made still serves."""
    node = state.read(layout).node
    return bool(node) and _node_id(layout) == node and ready(layout, layout.own_kubeconfig)


def ready(layout: Layout, kubeconfig: Path) -> bool:
    """Whether the API server that the file names is ready."""
    environment = {**state.environment(layout), "KUBECONFIG": str(kubeconfig)}
    return kubeconfig.exists() and succeeds("kubectl", "get", "--raw=/readyz", env=environment, timeout_s=10)


def _copy_kubeconfig(layout: Layout) -> None:
    """Into this checkout: another may have made the cluster, or this one have used the reader's own since."""
    text = layout.own_kubeconfig.read_text()
    if not layout.kubeconfig.exists() or layout.kubeconfig.read_text() != text:
        _write_kubeconfig(layout, text)


def _write_kubeconfig(layout: Layout, text: str) -> None:
    with recipe.staged(layout.kubeconfig) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(text)


def _use_current(layout: Layout, steps: Steps) -> None:
    with steps.step("checking the cluster of the current kubectl context"):
        own = {"KUBECONFIG": os.environ.get("KUBECONFIG", str(Path.home() / ".kube/config"))}
        context = output("kubectl", "config", "current-context", env=own)
        text = output("kubectl", "config", "view", "--minify", "--flatten", "--raw", env=own)
        if not succeeds("kubectl", "get", "--raw=/readyz", env=own, timeout_s=20):
            raise ClusterError(f"context {context}: its API server does not answer (kubectl get --raw=/readyz)")
        _write_kubeconfig(layout, text + "\n")
    steps.say(f"using your own cluster, context {context}")


def _choose(layout: Layout, steps: Steps, commands: Commands) -> Choice:
    """Finds out what there is, starting a dockerd of ours if there is none."""
    found = Findings(state.target(), docker_answers=succeeds("docker", "version", timeout_s=15))
    own = needs_own_docker(found)
    if own:
        _start_docker(layout, steps, commands)
    environment = dockerd.client_environment(layout) if own else {}
    with steps.step("can images be pulled?") as step:
        can = succeeds("docker", "image", "inspect", PUBLIC_BASE, env=environment)
        pull = ("docker", "pull", "-q", PUBLIC_BASE)
        can = can or succeeds(*pull, env=environment, timeout_s=PULL_SECONDS)
        step.note("yes" if can else "no")
    choice = choose(Findings(found.kubeconfig_target, found.docker_answers, can))
    steps.say(f"  {choice.way.value}{', in a dockerd of our own' if own else ''}")
    return choice


def _start_docker(layout: Layout, steps: Steps, commands: Commands) -> None:
    machine.require_root()
    machine.install_missing_tools(commands, steps)
    if not debian.docker_root(layout).exists():
        with steps.step("Debian's docker, unpacked"):
            debian.unpack_docker(layout, commands)
    with steps.step("dockerd of our own"):
        dockerd.start(layout)


def _create(layout: Layout, steps: Steps, commands: Commands, image: str | None) -> None:
    machine.require_free_port()
    environment = state.environment(layout)
    with steps.step(f"kind create cluster {CLUSTER}") as step, recipe.staged(layout.own_kubeconfig) as temporary:
        commands.run(
            "kind", "kind", "create", "cluster", "--name", CLUSTER,
            "--config", layout.checkout / "cluster/kind.yaml", "--kubeconfig", temporary,
            "--wait", f"{READY_SECONDS}s", *(("--image", image) if image else ()),
            env=environment, on_line=lambda line: step.note(line.strip()[:40]),
        )  # fmt: skip
    if not shutil.which("kubectl", path=environment["PATH"]):
        output("docker", "cp", f"{NODE}:/usr/bin/kubectl", layout.bin / "kubectl", env=environment)
    if not ready(layout, layout.own_kubeconfig):
        raise ClusterError(f"the cluster was made, but does not answer: see {layout.logs}/kind.log")


def _restarted(layout: Layout, steps: Steps) -> bool:
    """Whether the node of the last `up`, stopped with its dockerd or the machine, serves again.

    Only for the checkout that used it: any other is better served by a new one, which takes less time.
    """
    environment = state.environment(layout)
    node = state.read(layout).node
    if not node or not layout.kubeconfig.exists() or _node_id(layout) != node:
        return False
    with steps.step(f"starting cluster {CLUSTER} again") as step:
        if not succeeds("docker", "start", NODE, env=environment):
            return False
        deadline = time.monotonic() + RESTART_SECONDS
        while not ready(layout, layout.own_kubeconfig):
            if time.monotonic() > deadline:
                step.note("it does not serve: making a new one")
                return False
            time.sleep(1)
        # DNS comes last: it backs off while the network is not yet there
        wait = ("kubectl", "-n", "kube-system", "wait", "--for=condition=Ready", "pod", "--all")
        limit = f"--timeout={READY_SECONDS}s"
        return succeeds(*wait, limit, env=environment, timeout_s=READY_SECONDS + 10)


def _node_id(layout: Layout) -> str:
    """The id of the node's container, "" when there is none."""
    environment = state.environment(layout)
    if not succeeds("docker", "version", env=environment, timeout_s=10):
        return ""
    found = ("docker", "ps", "-a", "--no-trunc", "--format", "{{.ID}}", "--filter", f"name=^{NODE}$")
    return output(*found, env=environment)


def _remove_nodes(layout: Layout) -> None:
    """What `kind delete cluster` does, without kind."""
    environment = state.environment(layout)
    label = f"label=io.x-k8s.kind.cluster={CLUSTER}"
    if nodes := output("docker", "ps", "-aq", "--filter", label, env=environment).split():
        output("docker", "rm", "-f", "-v", *nodes, env=environment, timeout_s=120)
