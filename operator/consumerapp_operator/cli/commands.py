"""`consumerapp` and `kubectl consumerapp`: the commands."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console, RenderableType
from rich.live import Live

from consumerapp_operator.api.app import InvalidSpec, read_app
from consumerapp_operator.apply.client import ApiError
from consumerapp_operator.cli.cluster import Cluster, connected, trimmed
from consumerapp_operator.cli.decisions import explain, explainable, happenings
from consumerapp_operator.cli.failure import CannotAnswer, of_api
from consumerapp_operator.cli.manifest import read_manifest
from consumerapp_operator.cli.overview import overview
from consumerapp_operator.cli.pages import events_page, explain_page, plan_page, status_page
from consumerapp_operator.cli.preview import Preview, preview, refused
from consumerapp_operator.plan.model import Snapshot

WATCH_SECONDS = 2.0
WIDE = 10_000
OPERATOR_NAMESPACE = "consumerapp-system"

T = TypeVar("T")

app = typer.Typer(
    name="consumerapp", no_args_is_help=True, pretty_exceptions_enable=False,
    help="ConsumerApps as a person wants to see them: what runs, what would change, and why.",
)  # fmt: skip


class Output(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"


def complete_app(context: typer.Context, incomplete: str) -> list[str]:
    """Names for the shell; none when the cluster cannot be asked."""

    async def ask() -> list[str]:
        async with connected(context.params.get("namespace")) as cluster:
            return await cluster.names()

    try:
        return [name for name in asyncio.run(ask()) if name.startswith(incomplete)]
    except CannotAnswer:
        return []


def complete_count(context: typer.Context, incomplete: str) -> list[str]:
    """What of the app already named can be explained."""

    async def ask() -> list[str]:
        async with connected(context.params.get("namespace")) as cluster:
            return list(explainable(await cluster.app(str(context.params.get("name")))))

    try:
        return [name for name in asyncio.run(ask()) if name.startswith(incomplete)]
    except CannotAnswer:
        return []


Name = Annotated[str, typer.Argument(help="The ConsumerApp.", autocompletion=complete_app)]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Its namespace; else that of the kubeconfig's context.")
]
Format = Annotated[Output, typer.Option("--output", "-o", help="Text for people, JSON for programs.")]


@app.command()
def status(
    name: Name,
    namespace: Namespace = None,
    output: Format = Output.TEXT,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it, until Ctrl-C.")] = False,
) -> None:
    """What runs: gateway, services, databases, cache, each with its instances and their health."""
    if watch and output is Output.JSON:
        raise typer.BadParameter("--watch shows text; take it or --output json")

    async def once() -> None:
        async with connected(namespace) as cluster:
            found = overview(await cluster.seen(name))
            _write(output, found, status_page(found))

    async def on_and_on() -> None:
        async with connected(namespace) as cluster:
            with Live(console=_console(), auto_refresh=False, vertical_overflow="visible") as live:
                while True:
                    live.update(status_page(overview(await cluster.seen(name))), refresh=True)
                    await asyncio.sleep(WATCH_SECONDS)

    _run(on_and_on() if watch else once())


@app.command()
def plan(
    file: Annotated[Path, typer.Option("--filename", "-f", help="The ConsumerApp to be applied; - is stdin.")],
    namespace: Namespace = None,
    output: Format = Output.TEXT,
    operator_namespace: Annotated[str, typer.Option(help="Where the operator runs.")] = OPERATOR_NAMESPACE,
) -> None:
    """What an apply would change, restart, and do to data. Ends with 0: nothing, 2: changes, 1: refused."""

    async def once() -> Preview:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except OSError as error:
            raise CannotAnswer(f"{file}: {error.strerror}") from error
        manifest = read_manifest(text, str(file))
        async with connected(namespace or manifest["metadata"].get("namespace")) as cluster:
            found = await _preview(cluster, manifest, operator_namespace)
        _write(output, found, plan_page(found))
        return found

    raise typer.Exit(_run(once()).exit_code)


async def _preview(cluster: Cluster, manifest: dict[str, Any], operator_namespace: str) -> Preview:
    name = str(manifest["metadata"]["name"])
    manifest = {**manifest, "metadata": {**manifest["metadata"], "namespace": cluster.namespace}}
    live = await cluster.find(name)
    try:
        proposed = await cluster.dry_run(live, manifest)
    except ApiError as error:
        if error.status not in (400, 422):
            raise of_api(error, f"try the apply of {name}") from error
        problems = tuple(f"{field}: {message}" if field else message for field, message in error.causes)
        return refused(name, cluster.namespace, problems or (error.message,))
    images = await cluster.images(proposed, operator_namespace)
    children = trimmed(await cluster.children(name))
    try:
        after = Snapshot(read_app(proposed), images, children)
    except InvalidSpec as invalid:
        return refused(name, cluster.namespace, tuple(invalid.problems))
    try:
        before = Snapshot(read_app(live), images, children) if live is not None else None
    except InvalidSpec:  # what is applied now cannot be read, so all of the new spec is a change
        before = None
    return preview(before, after)


@app.command(name="explain")
def explain_command(
    name: Name,
    count: Annotated[str, typer.Argument(help="A service, gateway, or <service>-db.", autocompletion=complete_count)],
    namespace: Namespace = None,
    output: Format = Output.TEXT,
) -> None:
    """Why there are this many replicas."""

    async def once() -> None:
        async with connected(namespace) as cluster:
            body = await cluster.app(name)
            found = explain(body, count, await cluster.events(name))
        if found is None:
            there = ", ".join(explainable(body)) or "nothing yet, its operator has not looked at it"
            raise CannotAnswer(f"{name} has no count {count}; there are: {there}")
        _write(output, found, explain_page(found))

    _run(once())


@app.command()
def events(name: Name, namespace: Namespace = None, output: Format = Output.TEXT) -> None:
    """What happened to the app, the oldest first."""

    async def once() -> None:
        async with connected(namespace) as cluster:
            await cluster.app(name)
            found = happenings(await cluster.events(name))
        if output is Output.JSON:
            print(json.dumps([dataclasses.asdict(item) for item in found], indent=2))
        else:
            _console().print(events_page(found))

    _run(once())


def _console() -> Console:
    """Coloured only on a terminal, and never with NO_COLOR; elsewhere a line is never broken, so that grep finds it."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _write(output: Output, found: Any, page: RenderableType) -> None:
    if output is Output.JSON:
        print(json.dumps(dataclasses.asdict(found), indent=2))
    else:
        _console().print(page)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Raises typer.Exit with 1 after telling what keeps the command from answering."""
    try:
        return asyncio.run(work)
    except CannotAnswer as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def run() -> None:
    """The console scripts' entry."""
    app()
