"""What a gateway pod says it has loaded, read from its statistics."""

from __future__ import annotations

import re

from consumerapp_operator.plan.gateway.listeners import INTERNAL, PUBLIC
from consumerapp_operator.plan.model import LoadedConfiguration

LOADED_PATH = "/stats?filter=(version_text|_warming|warming_clusters|membership_healthy)$"
"""On the stats listener (9901); answers plain text, a line per service and a few more."""

_HEALTHY = re.compile(r"^cluster\.([a-z0-9-]+)\.membership_healthy$")
_LINE = re.compile(r'^(?P<name>[a-z0-9_.-]+): (?:"(?P<text>[^"]*)"|(?P<number>\d+))$')


def parse_loaded(text: str) -> LoadedConfiguration:
    """What the answer to LOADED_PATH confirms; "" for a part that is not loaded, or not wholly.

    Envoy reports a version when it has accepted a file. A cluster that is new is used only when its name has
    been resolved and its replicas' health is known; until then it is warming and routes to it fail.
    """
    stats = {
        match["name"]: match["text"] or match["number"] or "" for match in map(_LINE.match, text.splitlines()) if match
    }
    public, internal = (stats.get(f"http.{name}.rds.{name}.version_text", "") for name in (PUBLIC, INTERNAL))
    return LoadedConfiguration(
        listeners=_if_warm(stats, "listener_manager.lds.version_text", "listener_manager.total_listeners_warming"),
        routes=public if public == internal else "",
        clusters=_if_warm(stats, "cluster_manager.cds.version_text", "cluster_manager.warming_clusters"),
        reachable=frozenset(
            match[1] for name, value in stats.items() if (match := _HEALTHY.match(name)) and value != "0"
        ),
    )


def _if_warm(stats: dict[str, str], version: str, warming: str) -> str:
    return stats.get(version, "") if stats.get(warming) == "0" else ""
