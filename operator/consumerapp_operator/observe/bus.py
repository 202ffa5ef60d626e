"""What is on a bus, asked of its servers' monitoring port: streams, consumers, and how far behind each consumer is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import COMPONENT_BUS, NATS_MONITOR_PORT, selector
from consumerapp_operator.plan.live import has_labels, is_ready
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.plan.streams import Consumer, Sight, Stream

QUERY = "/jsz?accounts=true&streams=true&consumers=true&config=true"
NANOSECONDS = 10**9


def servers(app: ConsumerApp, children: Mapping[ObjectKey, Manifest]) -> dict[str, str]:
    """The address of each bus server that is ready, by the name of its pod."""
    labels = selector(app.name, COMPONENT_BUS, "bus")
    return {
        key.name: str(manifest["status"]["podIP"])
        for key, manifest in sorted(children.items())
        if key.kind == "Pod"
        and has_labels(manifest, labels)
        and is_ready(manifest)
        and (manifest.get("status") or {}).get("podIP")
    }


async def look(
    session: aiohttp.ClientSession,
    addresses: Mapping[str, str],
    replicas: int,
    within: float,
    port: int = NATS_MONITOR_PORT,
) -> Sight:
    """Ask all servers, each within `within` seconds."""
    answers = await asyncio.gather(*(_ask(session, f"http://{ip}:{port}{QUERY}", within) for ip in addresses.values()))
    failed = [f"{name}: {answer}" for name, answer in zip(addresses, answers, strict=True) if isinstance(answer, str)]
    if len(addresses) < replicas:
        failed.append(f"{len(addresses)} of {replicas} bus servers are ready")
    known = {name: answer for name, answer in zip(addresses, answers, strict=True) if not isinstance(answer, str)}
    return sight(known, "; ".join(failed))


def sight(answers: Mapping[str, Mapping[str, Any]], missing: str = "") -> Sight:
    """From each server's answer: of every stream and consumer what its leader says. A lone server leads all."""
    streams: dict[str, Stream] = {}
    consumers: dict[tuple[str, str], Consumer] = {}
    lag: dict[tuple[str, str], int] = {}
    messages: dict[str, int] = {}
    for server, answer in answers.items():
        for detail in [
            stream for account in answer.get("account_details") or () for stream in account.get("stream_detail") or ()
        ]:
            name = str(detail["name"])
            if _leads(server, detail):
                streams[name] = _stream(detail["config"])
                messages[name] = int(detail["state"]["messages"])
            for item in detail.get("consumer_detail") or ():
                if _leads(server, item) and item.get("config"):
                    key = (name, str(item["name"]))
                    consumers[key] = _consumer(name, item["config"])
                    lag[key] = int(item["num_pending"]) + int(item["num_ack_pending"])
    return Sight(streams, consumers, lag, messages, missing)


async def _ask(session: aiohttp.ClientSession, url: str, within: float) -> Mapping[str, Any] | str:
    """The answer, or why there is none."""
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=within)) as response:
            if response.status != 200:
                return f"answered {response.status}"
            answer: Mapping[str, Any] = await response.json(content_type=None)
            return answer
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return str(error) or type(error).__name__


def _leads(server: str, detail: Mapping[str, Any]) -> bool:
    cluster = detail.get("cluster") or {}
    return not cluster.get("name") or cluster.get("leader") == server


def _stream(config: Mapping[str, Any]) -> Stream:
    return Stream(
        str(config["name"]),
        tuple(sorted(config.get("subjects") or ())),
        int(config["max_bytes"]),
        int(config["max_age"]) // NANOSECONDS,
        int(config["num_replicas"]),
        keeps_newest=config["discard"] == "old",
        is_queue=config["retention"] == "workqueue",
    )


def _consumer(stream: str, config: Mapping[str, Any]) -> Consumer:
    subjects = config.get("filter_subjects") or filter(None, [config.get("filter_subject")])
    return Consumer(
        stream,
        str(config["durable_name"]),
        tuple(sorted(subjects)),
        int(config["ack_wait"]) // NANOSECONDS,
        int(config["max_deliver"]),
    )
