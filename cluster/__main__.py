"""`python -m cluster <verb>`."""

import argparse
import shlex
import signal
import sys
from types import FrameType

from cluster import images, lifecycle, machine, state, status
from cluster.commands import ClusterError, Commands
from cluster.progress import Steps
from cluster.settings import TARGETS, Layout, layout


def main() -> int:
    """Runs one verb. Returns 0, or 1 after a message that says what to do."""
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("up", help="make the cluster, or find it healthy; KUBECONFIG_TARGET=current uses your own")
    remove = verbs.add_parser("down", help="remove the cluster, and the dockerd if it is ours")
    remove.add_argument("--purge", action="store_true", help="remove what is cached, too")
    build = verbs.add_parser("images", help="build the project's images and load those that changed")
    build.add_argument("targets", nargs="*", metavar="TARGET", help=f"some of: {', '.join(TARGETS)} (all)")
    verbs.add_parser("env", help='settings for a shell: eval "$(python -m cluster env)"')
    verbs.add_parser("status", help="what runs")
    install = verbs.add_parser("packages", help="install the Debian packages that are missing")
    install.add_argument("packages", nargs="+", metavar="PACKAGE")
    arguments = parser.parse_args()

    place = layout()
    if arguments.verb == "env":
        print_environment(place)
        return 0
    commands = Commands(place.logs)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Steps() as steps:
            match arguments.verb:
                case "up":
                    lifecycle.up(place, steps, commands)
                case "down":
                    lifecycle.down(place, steps, arguments.purge)
                case "images":
                    images.build_and_load(place, steps, commands, arguments.targets)
                case "packages":
                    machine.install_packages(commands, steps, arguments.packages)
                case "status":
                    status.show(place, steps)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        commands.end_all()
        print("cluster: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Being asked to end is taken like Ctrl-C: what was started is ended, too."""
    raise KeyboardInterrupt


def print_environment(place: Layout) -> None:
    """Prints export lines for kubectl, kind and docker."""
    environment = state.environment(place)
    print(f"export KUBECONFIG={shlex.quote(str(place.kubeconfig))}")
    print(f'export PATH={shlex.quote(str(place.bin))}:"$PATH"')
    for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
        if name in environment:
            print(f"export {name}={shlex.quote(environment[name])}")


if __name__ == "__main__":
    sys.exit(main())
