"""What keeps a pod from working, told so that a stranger knows what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consumerapp_operator.plan.model import Manifest

# Reasons of a waiting container that do not pass by themselves. ErrImagePull is the first attempt,
# ImagePullBackOff what comes after several.
_STUCK: Mapping[str, str] = {
    "ImagePullBackOff": "check the image's name and whether the cluster may pull it",
    "ErrImageNeverPull": "load the image into the nodes, or allow it to be pulled",
    "InvalidImageName": "correct the image's name",
    "CreateContainerConfigError": "create what the container refers to",
    "CreateContainerError": "correct the container's settings",
    "RunContainerError": "correct the container's command",
}
_STARTING = frozenset(("ContainerCreating", "PodInitializing", ""))
CRASHES_BEFORE_ALARM = 3
"""Restarts after which a crash loop needs someone; a service may well end itself once while its database
starts.
"""


@dataclass(frozen=True)
class Trouble:
    """Why a pod does not work. `stuck`: it will not pass by itself."""

    reason: str
    message: str
    stuck: bool


def trouble(pod: Manifest) -> Trouble | None:
    """The first thing that keeps a pod from being ready; None if it is ready, ends, or simply starts."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    if metadata.get("deletionTimestamp") or is_ready(pod):
        return None
    namespace, name = metadata["namespace"], metadata["name"]
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Trouble(
                str(condition.get("reason") or "Unschedulable"),
                f"pod {name} finds no node: {first_line(condition.get('message'))}; add capacity or lower its requests",
                stuck=True,
            )
    statuses = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    for container in statuses:
        found = _of_container(namespace, name, container)
        if found:
            return found
    return _unready(pod) if status.get("phase") == "Running" else None


def is_ready(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def first_line(text: str | None) -> str:
    """The first line that says something, shortened."""
    line = next((line.strip() for line in (text or "").splitlines() if line.strip()), "no message")
    return line if len(line) <= 240 else line[:237] + "..."


def _of_container(namespace: str, pod: str, status: Mapping[str, Any]) -> Trouble | None:
    name, state = status["name"], status.get("state") or {}
    waiting, terminated = state.get("waiting"), state.get("terminated")
    if waiting is not None:
        reason = str(waiting.get("reason") or "")
        if reason in _STARTING:
            return None
        if reason == "CrashLoopBackOff":
            return _crash(namespace, pod, status, (status.get("lastState") or {}).get("terminated") or {})
        advice = _STUCK.get(reason, f"see kubectl -n {namespace} describe pod {pod}")
        return Trouble(
            reason,
            f"container {name} of pod {pod} does not start: {reason}: {first_line(waiting.get('message'))}; {advice}",
            stuck=reason in _STUCK,
        )
    if terminated is not None and terminated.get("exitCode"):
        return _crash(namespace, pod, status, terminated)
    return None


def _crash(namespace: str, pod: str, status: Mapping[str, Any], terminated: Mapping[str, Any]) -> Trouble:
    name, restarts = status["name"], int(status.get("restartCount") or 0)
    why = str(terminated.get("reason") or "Error")
    said = f", saying {first_line(terminated['message'])!r}" if terminated.get("message") else ""
    advice = (
        "raise its memory limit"
        if why == "OOMKilled"
        else f"see kubectl -n {namespace} logs {pod} -c {name}{' --previous' if restarts else ''}"
    )
    return Trouble(
        "OOMKilled" if why == "OOMKilled" else "CrashLoopBackOff",
        f"container {name} of pod {pod} ended with exit code {terminated.get('exitCode', '?')} ({why}){said}"
        f"; restarts so far: {restarts}; {advice}",
        stuck=restarts >= CRASHES_BEFORE_ALARM,
    )


def _unready(pod: Manifest) -> Trouble | None:
    """A container that runs and does not answer its readiness probe."""
    metadata = pod["metadata"]
    ready = {item["name"]: item.get("ready") for item in (pod["status"].get("containerStatuses") or ())}
    for container in (pod.get("spec") or {}).get("containers") or ():
        if ready.get(container["name"], True):
            continue
        probe = (container.get("readinessProbe") or {}).get("httpGet") or {}
        asked = f" (GET {probe['path']} on port {probe['port']})" if {"path", "port"} <= probe.keys() else ""
        return Trouble(
            "NotReady",
            f"container {container['name']} of pod {metadata['name']} runs and does not pass its readiness "
            f"probe{asked}; see kubectl -n {metadata['namespace']} describe pod {metadata['name']}",
            stuck=False,
        )
    return None
