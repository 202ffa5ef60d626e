"""The operator's settings: from the environment, typed, frozen; and kopf's, each with its reason."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import kopf

from consumerapp_operator.api.kinds import APP, CHILD_SELECTOR, CHILDREN, app_selector
from consumerapp_operator.plan.model import Images


class InvalidSettings(ValueError):  # noqa: N818 - what it is
    """An environment variable cannot be used; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Times in seconds. Every field is the environment variable of the same name in capitals; see `read`.

    operator_class: operators of different classes run side by side, each with a Lease of its own, and serve the apps
    that bear the class as a label. watch_namespaces: the only ones looked at; all if there are none.
    """

    images: Images
    namespace: str
    identity: str
    watch_namespaces: tuple[str, ...] = ()
    operator_class: str = ""
    port: int = 8080
    workers: int = 16
    scale_interval_seconds: float = 5.0
    scrape_timeout_seconds: float = 2.0
    resync_interval_seconds: float = 450.0
    writes_per_second: float = 50.0
    write_burst: int = 200
    log_level: str = "INFO"


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises InvalidSettings naming the variable, its value and what it should be."""

    def number(name: str, default: float, low: float, high: float) -> float:
        text = environment.get(name, "")
        try:
            value = float(text) if text else default
        except ValueError as error:
            raise InvalidSettings(f"{name}={text!r} is not a number") from error
        if not low <= value <= high:
            raise InvalidSettings(f"{name}={text!r} must lie between {low:g} and {high:g}")
        return value

    def required(name: str) -> str:
        if not environment.get(name):
            raise InvalidSettings(f"{name} must be set")
        return environment[name]

    level = environment.get("LOG_LEVEL", "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise InvalidSettings(f"LOG_LEVEL={level!r} must be DEBUG, INFO, WARNING or ERROR")
    return Settings(
        images=Images(
            gateway=required("IMAGE_GATEWAY"),
            postgres=required("IMAGE_POSTGRES"),
            redis=required("IMAGE_REDIS"),
            nats=required("IMAGE_NATS"),
        ),
        namespace=environment.get("POD_NAMESPACE") or "consumerapp-system",
        identity=environment.get("POD_NAME") or f"{os.uname().nodename}-{os.getpid()}",
        operator_class=environment.get("OPERATOR_CLASS", ""),
        watch_namespaces=tuple(filter(None, environment.get("WATCH_NAMESPACES", "").split(","))),
        port=int(number("PORT", 8080, 0, 65535)),
        workers=int(number("WORKERS", 16, 1, 256)),
        scale_interval_seconds=number("SCALE_INTERVAL_SECONDS", 5, 0.5, 300),
        scrape_timeout_seconds=number("SCRAPE_TIMEOUT_SECONDS", 2, 0.1, 60),
        resync_interval_seconds=number("RESYNC_INTERVAL_SECONDS", 450, 10, 3600),
        writes_per_second=number("WRITES_PER_SECOND", 50, 1, 10_000),
        write_burst=int(number("WRITE_BURST", 200, 1, 10_000)),
        log_level=level,
    )


def kopf_settings(operator_class: str) -> kopf.OperatorSettings:
    """kopf as a plain watcher."""
    settings = kopf.OperatorSettings()
    # The lists at the start come in chunks, so that neither side holds a whole cluster in memory.
    settings.watching.chunk_size = 500
    # The API server ends a watch after this long; without it, after a random 5 to 10 min.
    settings.watching.server_timeout = 600
    # Bookmarks come every 60 s: a stream that is silent for longer is dead, though the connection looks open.
    settings.watching.inactivity_timeout = 70
    # Only what the operator made reaches it; everybody else's pods and Secrets never leave the API server.
    children = {(kind.group, kind.plural) for kind in CHILDREN}
    settings.watching.label_selectors[lambda resource: (resource.group, resource.plural) in children] = CHILD_SELECTOR
    settings.watching.label_selectors[APP.group, APP.plural] = app_selector(operator_class)
    # No limit: a limit throttles to limit ÷ idle_timeout objects a second, since a worker holds its slot
    # while idle.
    settings.queueing.worker_limit = None
    # A worker per object is kept for this long after its last event; the default 5 s costs memory at
    # start-up.
    settings.queueing.idle_timeout = 0.2
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    # The API server says when to come back if it is overloaded.
    settings.networking.enforce_retry_after = True
    # Kinds are known and fixed: no watching of CRDs and namespaces, nor the permission for it.
    settings.scanning.disabled = True
    # Events are ours (apply/events.py): on transitions and de-duplicated. kopf's would follow log lines.
    settings.posting.enabled = False
    # Peering pauses everybody at equal priority; the Lease decides who works (runtime/lease.py).
    settings.peering.standalone = True
    # A pod has 30 s to end; kopf would give itself 10 min.
    settings.process.ultimate_exiting_timeout = 20
    return settings
