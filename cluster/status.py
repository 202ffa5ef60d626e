"""What runs, for a person."""

from cluster import dockerd, lifecycle, state
from cluster.choice import Way
from cluster.commands import output, succeeds
from cluster.progress import Steps
from cluster.settings import CLUSTER, Layout


def show(layout: Layout, steps: Steps) -> None:
    """Prints a line each for docker, the cluster, its nodes and what is cached."""
    last = state.read(layout)
    environment = state.environment(layout)
    if state.target() == "current":
        steps.say("cluster     your own (KUBECONFIG_TARGET=current)")
    elif last == state.State():
        steps.say(f"cluster     {CLUSTER} is not up: python -m cluster up")
    else:
        ours = f"our own, {dockerd.client_environment(layout)['DOCKER_HOST']}"
        answers = succeeds("docker", "version", env=environment, timeout_s=10)
        docker = ours if last.own_docker else "the machine's"
        steps.say(f"docker      {docker}{'' if answers else ' (does not answer)'}")
        steps.say(f"node image  {'made here' if last.way == Way.MADE_IMAGE.name else 'pulled'}")
        steps.say(f"cluster     {CLUSTER} {'is up' if lifecycle.healthy(layout) else 'does not answer'}")
    if lifecycle.ready(layout, layout.kubeconfig):
        steps.say(f"kubeconfig  {layout.kubeconfig}")
        steps.say(output("kubectl", "get", "nodes", "-o", "wide", env=environment))
    if layout.cache.exists():
        size = output("du", "-shx", layout.cache, timeout_s=120).split()[0]
        steps.say(f"cache       {layout.cache}: {size}")
