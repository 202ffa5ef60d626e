"""The project's images, built from the Dockerfile when what goes into them has changed."""

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cluster import debian, delivery, dockerd, machine, recipe, state
from cluster.choice import Way
from cluster.commands import ClusterError, Commands, output, succeeds
from cluster.debian import EXTRA_AUTHORITIES
from cluster.progress import Steps
from cluster.settings import IMAGE_VERSION, OWN_BASE, PUBLIC_BASE, TARGETS, Layout

PULL_SECONDS = 120


def name(target: str) -> str:
    """The image's name in the cluster."""
    return f"consumerapp/{target}:{IMAGE_VERSION}"


def build_and_load(layout: Layout, steps: Steps, commands: Commands, targets: Sequence[str]) -> None:
    """Builds the targets (all when none is named) and loads what the cluster does not have like that."""
    wanted = wanted_targets(targets)
    with state.lock(layout, steps):
        environment = _docker(layout, steps)
        ids = _build(layout, steps, commands, environment, wanted)
        delivery.deliver(layout, steps, environment, {name(target): ids[target] for target in wanted})


def wanted_targets(named: Sequence[str]) -> list[str]:
    """The targets to build, in the Dockerfile's order. Raises ClusterError for one that does not exist."""
    if unknown := set(named) - set(TARGETS):
        raise ClusterError(f"no such image: {', '.join(sorted(unknown))}. There are: {', '.join(TARGETS)}")
    return [target for target in TARGETS if not named or target in named]


def inputs(checkout: Path) -> list[Path]:
    """The Dockerfile, and what .dockerignore lets into a build."""
    ignore = checkout / ".dockerignore"
    allowed = [line[1:].strip() for line in ignore.read_text().splitlines() if line.startswith("!")]
    return [checkout / "Dockerfile", ignore, *(checkout / path for path in allowed)]


def _docker(layout: Layout, steps: Steps) -> dict[str, str]:
    """The environment for a docker that answers."""
    environment = state.environment(layout)
    if succeeds("docker", "version", env=environment, timeout_s=15):
        return environment
    if not state.read(layout).own_docker:
        raise ClusterError("no Docker daemon answers. Start it, or get one with a cluster: python -m cluster up")
    with steps.step("dockerd of our own"):
        dockerd.start(layout)
    return environment


def _build(
    layout: Layout, steps: Steps, commands: Commands, environment: Mapping[str, str], targets: Sequence[str]
) -> dict[str, str]:
    """Builds what changed since the last time. Returns each target's image id."""
    write_authorities(layout.build / "ca")
    base = _base(layout, steps, commands, environment)
    key = recipe.key(base, _id(base, environment), files=inputs(layout.checkout))
    memory = layout.cache / "built-images.json"
    built: dict[str, dict[str, str]] = json.loads(memory.read_text()) if memory.exists() else {}
    fresh = {target: {"key": key, "id": _id(name(target), environment)} for target in targets}
    stale = [target for target in targets if built.get(target) != fresh[target]]

    def build(target: str) -> None:
        with steps.step(f"image {target}") as step:
            commands.run(
                f"image-{target}", "docker", "build", "--network", "host", "--build-arg", f"BASE={base}",
                "--target", target, "--tag", name(target), layout.checkout,
                env={**environment, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"},
                on_line=lambda line: step.note(line[:60]),
            )  # fmt: skip

    # All at once: BuildKit does a stage that several need only once.
    with ThreadPoolExecutor(max_workers=len(TARGETS)) as pool:
        for running in [pool.submit(build, target) for target in stale]:
            try:
                running.result()
            except BaseException:
                commands.end_all()
                raise
    for target in stale:
        built[target] = {"key": key, "id": _id(name(target), environment)}
    with recipe.staged(memory) as temporary:
        temporary.write_text(json.dumps(built, indent=1))
    return {target: built[target]["id"] for target in targets}


def _id(image: str, environment: Mapping[str, str]) -> str:
    """The image's id in docker, "" when it is not there."""
    inspect = ("docker", "image", "inspect", "-f", "{{.Id}}", image)
    return output(*inspect, env=environment) if succeeds(*inspect, env=environment) else ""


def write_authorities(folder: Path, source: Path = EXTRA_AUTHORITIES) -> None:
    """The certificate authorities that this machine trusts beyond Debian's: builds go through its network."""
    with recipe.staged(folder) as temporary:
        temporary.mkdir()
        for certificate in source.glob("*.crt"):
            shutil.copyfile(certificate, temporary / certificate.name)


def _base(layout: Layout, steps: Steps, commands: Commands, environment: Mapping[str, str]) -> str:
    """What the Dockerfile builds on: Debian's image, or one made here where it cannot be pulled."""
    if _id(PUBLIC_BASE, environment):
        return PUBLIC_BASE
    pull = ("docker", "pull", "-q", PUBLIC_BASE)
    known_to_fail = state.read(layout).way == Way.MADE_IMAGE.name
    if not known_to_fail and succeeds(*pull, env=environment, timeout_s=PULL_SECONDS):
        return PUBLIC_BASE
    machine.require_root()
    machine.install_missing_tools(commands, steps)
    if not debian.has_mmdebstrap(layout):
        debian.unpack_docker(layout, commands)
    archive = debian.base_archive(layout, commands)
    image = f"{OWN_BASE}-{archive.stem}"
    if not _id(image, environment):
        with steps.step("base image"):
            change = ("--change", 'CMD ["bash"]')
            output("docker", "import", *change, archive, image, env=environment, timeout_s=300)
    return image
