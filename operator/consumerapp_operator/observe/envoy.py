"""Statistics and loaded configuration of gateway pods, asked from Envoy over HTTP. Reads only."""

from __future__ import annotations

import re

import aiohttp

from consumerapp_operator.api.names import ADMIN_PORT
from consumerapp_operator.observe.counters import Counters, Scrape
from consumerapp_operator.plan.gateway import LOADED_PATH, parse_loaded
from consumerapp_operator.plan.model import LoadedConfiguration
from consumerapp_operator.scale.model import WorkloadKey
from consumerapp_operator.scale.workload import GATEWAY, service_key

METRICS_PATH = "/stats/prometheus?filter=(upstream|downstream)_rq_(completed|active|pending_active|time)$"
"""The filter is a search in Envoy's own, dotted names; it leaves out the statistics of single routes and
codes.
"""
LOADED_TIMEOUT_SECONDS = 1.0

_LINE = re.compile(
    r"^envoy_(?:cluster_up|http_down)stream_rq_(completed|active|pending_active|time_sum|time_count|time_bucket)"
    r"\{(envoy_cluster_name|envoy_http_conn_manager_prefix)=\"([^\"]+)\"(?:,le=\"([^\"]+)\")?\} (\S+)$",
    re.MULTILINE,
)
LISTENERS = frozenset({"public", "internal"})
"""Connection managers that carry the app's requests; Envoy's own statistics listener is none of them."""


class ScrapeFailed(Exception):  # noqa: N818 - named for what happened
    """A pod could not be asked, or its answer says nothing; the text says why."""


async def scrape(session: aiohttp.ClientSession, pod_ip: str, within: float, port: int = ADMIN_PORT) -> Scrape:
    """The counters of one gateway pod. Raises ScrapeFailed after at most `within` seconds."""
    counters = parse(await _text(session, f"http://{pod_ip}:{port}{METRICS_PATH}", within))
    if GATEWAY not in counters:
        raise ScrapeFailed("its answer has no statistics of the gateway's listeners")
    return counters


async def loaded(session: aiohttp.ClientSession, pod_ip: str, port: int = ADMIN_PORT) -> LoadedConfiguration | None:
    """What a gateway pod confirms to have loaded; None when it cannot be asked or has loaded nothing yet."""
    try:
        return parse_loaded(await _text(session, f"http://{pod_ip}:{port}{LOADED_PATH}", LOADED_TIMEOUT_SECONDS))
    except ScrapeFailed:
        return None


def parse(text: str) -> dict[WorkloadKey, Counters]:
    """Counters by workload, from Prometheus' text format: clusters are services, listeners are the gateway.

    One regular expression over the whole text, because a parser of all of the format costs ten times as much.
    """
    sums: dict[WorkloadKey, dict[str, float]] = {}
    buckets: dict[WorkloadKey, dict[float, float]] = {}
    for statistic, label, name, bound, value in _LINE.findall(text):
        if label == "envoy_cluster_name":
            workload = service_key(name)
        elif name in LISTENERS:
            workload = GATEWAY
        else:
            continue
        if bound:
            found = buckets.setdefault(workload, {})
            seconds = float(bound) / 1000  # Envoy's times are milliseconds; float("+Inf") is infinite
            found[seconds] = found.get(seconds, 0.0) + float(value)
        else:
            values = sums.setdefault(workload, {})
            values[statistic] = values.get(statistic, 0.0) + float(value)
    return {
        workload: Counters(
            completed=values.get("completed", 0.0),
            time_count=values.get("time_count", 0.0),
            time_seconds=values.get("time_sum", 0.0) / 1000,
            buckets=buckets.get(workload, {}),
            in_flight=values.get("active", 0.0) + values.get("pending_active", 0.0),
        )
        for workload, values in sums.items()
        if "completed" in values
    }


async def _text(session: aiohttp.ClientSession, url: str, within: float) -> str:
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=within)) as response:
            if response.status != 200:
                raise ScrapeFailed(f"HTTP status {response.status}")
            return await response.text()
    except TimeoutError as error:
        raise ScrapeFailed(f"no answer within {within:g} s") from error
    except aiohttp.ClientConnectorError as error:
        raise ScrapeFailed((error.os_error.strerror or "cannot connect").lower()) from error
    except aiohttp.ClientError as error:
        raise ScrapeFailed(f"{type(error).__name__}: {error}") from error
