"""What the commands show, as rich's renderables. No I/O; what is shown was computed before."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from consumerapp_operator.cli.decisions import Explanation, Happening
from consumerapp_operator.cli.overview import Component, Instance, Overview
from consumerapp_operator.cli.preview import Action, Change, Preview

_READY = {"True": "green", "False": "red", "Unknown": "yellow"}
_ACTIONS = {Action.CREATE: ("+", "green"), Action.CHANGE: ("~", "yellow"), Action.DELETE: ("-", "red")}
_FIELDS_SHOWN = 12


def status_page(found: Overview) -> RenderableType:
    """The app as a tree."""
    style = _READY.get(found.ready, "yellow")
    head = Text.assemble(
        (found.app, "bold"), f" ({found.namespace})  Ready: ", (found.ready, style), f" {found.reason}"
    )
    tree = Tree(head, guide_style="dim")
    if found.message:
        tree.add(Text(found.message))
    if found.url:
        tree.add(Text.assemble("answers at ", (found.url, "cyan")))
    for note in found.notes:
        tree.add(Text(note, "yellow"))
    for component in found.components:
        branch = tree.add(_component(component))
        if component.decision:
            branch.add(Text(component.decision, "dim"))
        for instance in component.instances:
            leaf = branch.add(_instance(instance))
            if instance.trouble:
                leaf.add(Text(instance.trouble, "red"))
    return tree


def _component(found: Component) -> Text:
    title = found.kind if found.kind == found.name else f"{found.kind} {found.name}"
    count = f"{found.ready}/{found.desired} ready"
    return Text.assemble((title, "bold"), "  ", (count, "green" if found.complete else "yellow"))


def _instance(found: Instance) -> Text:
    text = Text.assemble(
        ("● " if found.healthy else "○ ", "green" if found.healthy else "yellow"), found.name, f"  {found.state}"
    )
    if found.role:
        text.append(f"  {found.role}", "cyan")
    if found.lag_bytes is not None:
        text.append(f"  {found.lag_bytes} bytes behind")
    if found.restarts:
        text.append(f"  {found.restarts} restarts", "yellow")
    if found.gateway:
        text.append(f"  {found.gateway}", "dim" if found.gateway == "in rotation" else "red")
    return text


def plan_page(found: Preview) -> RenderableType:
    """What would happen, the most important last, where a terminal leaves the eye."""
    title = f"ConsumerApp {found.namespace}/{found.app}"
    if found.problems:
        return Group(Text(f"{title} would be refused:", "red"), *(Text(f"  {line}") for line in found.problems))
    lines: list[Text] = []
    if found.spec:
        lines.append(Text(title, "bold"))
        lines += [_field(field.path, field.before, field.after, 4) for field in found.spec]
    for change in found.changes:
        lines += _change(change)
    lines += [Text(f"waits: {line}", "yellow") for line in found.waiting]
    restarted = [change.name for change in found.changes if change.restarts]
    if restarted:
        lines.append(Text(f"pods restart, one after the other: {', '.join(restarted)}", "yellow"))
    lines += [Text(f"data: {line}", "bold red" if "DELETED" in line else "bold yellow") for line in found.data]
    counts = {action: sum(change.action is action for change in found.changes) for action in Action}
    if found.exit_code == 0:
        lines.append(Text(f"{title}: nothing changes", "green"))
    else:
        said = ", ".join(f"{count} to {action}" for action, count in counts.items())
        lines.append(Text(f"{title}: {said}; {len(restarted)} restart", "bold"))
    return Group(*lines)


def _change(change: Change) -> list[Text]:
    sign, style = _ACTIONS[change.action]
    head = Text.assemble((f"{sign} {change.action} ", style), f"{change.kind} {change.name}")
    if change.restarts:
        head.append("  pods restart", "yellow")
    if change.note:
        head.append(f"  ({change.note})", "dim")
    shown = [_field(field.path, field.before, field.after, 4) for field in change.fields[:_FIELDS_SHOWN]]
    more = len(change.fields) - len(shown)
    return [head, *shown, *([Text(f"    and {more} more")] if more > 0 else [])]


def _field(path: str, before: str | None, after: str | None, indent: int) -> Text:
    return Text.assemble(
        " " * indent, f"{path}: ", ("absent" if before is None else before, "red"), " → ",
        ("absent" if after is None else after, "green"),
    )  # fmt: skip


def explain_page(found: Explanation) -> RenderableType:
    """The last decision, signal by signal, and how the count came there."""
    bounds = f" ({found.bounds})" if found.bounds else ""
    lines = [Text.assemble((found.title, "bold"), f": {found.desired} wanted, {found.ready} ready{bounds}")]
    decision = found.decision
    if not decision:
        lines.append(Text("no decision yet: none is made without a measured load or a bound to keep", "dim"))
    else:
        lines += [
            Text(str(decision["reason"])),
            Text(f"  decided at  {decision['at']}"),
            Text(f"  signal      {decision['trigger']}: {decision['observed'] or '—'} measured per replica"),
            Text(f"  target      {decision['target'] or '—'} per replica"),
            Text(
                f"  replicas    {decision['current']} before, {decision['wanted']} asked for, now {decision['decided']}"
            ),
        ]
        lines += [
            Text(f"  limited by  {limit['by']} to {limit['to']}: {limit['why']}", "yellow")
            for limit in decision.get("limits") or ()
        ]
    lines.append(
        Text(
            "earlier moves (Kubernetes keeps Events for an hour):" if found.history else "no earlier move in Events",
            "dim",
        )
    )
    return Group(*lines, events_page(found.history)) if found.history else Group(*lines)


def events_page(found: Sequence[Happening]) -> RenderableType:
    """The oldest first."""
    if not found:
        return Text("no Events (Kubernetes keeps them for an hour)", "dim")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for item in found:
        times = f" (×{item.count})" if item.count > 1 else ""
        table.add_row(item.at, Text(item.reason, "yellow" if item.warning else "green"), Text(item.message + times))
    return table
