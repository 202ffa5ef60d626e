"""Corrections that follow from who is primary, and what is remembered of a cluster beyond its life."""

from __future__ import annotations

import json

from consumerapp_operator.api.names import (
    ANNOTATION_LAST_PRIMARY,
    ANNOTATION_SYSTEM_IDENTIFIER,
    LABEL_ROLE,
    ROLE_PRIMARY,
)
from consumerapp_operator.plan.live import annotation, has_labels
from consumerapp_operator.plan.model import ObjectKey, Patch, Snapshot
from consumerapp_operator.plan.postgres.database import Tier
from consumerapp_operator.plan.postgres.dcs import (
    configmap_name,
    dynamic_configuration,
    system_identifier,
)

RETURN_SECONDS = 120
"""How long members of kept data wait for the one that was primary last, before they elect among themselves."""


def leader(snapshot: Snapshot, tier: Tier) -> str:
    """Name of the pod that holds Patroni's leader key; empty if there is none."""
    return annotation(snapshot.get("v1", "ConfigMap", configmap_name(tier, "leader")), "leader")


def stale_label_patches(snapshot: Snapshot, tier: Tier) -> tuple[Patch, ...]:
    """Take the label `primary` from every pod but the leader.

    A pod on a dead node cannot change its own label, and stays an address of the primary's Service until the node is
    given up (about 50 s). Only done once the leader itself is labelled: the key and the label come by two watches,
    and a key that is older than the labels must not take the label from the new primary.
    """
    holder = leader(snapshot, tier)
    labelled = snapshot.pods({**tier.selector, LABEL_ROLE: ROLE_PRIMARY})
    if holder not in {pod["metadata"]["name"] for pod in labelled}:
        return ()
    return tuple(
        Patch(
            ObjectKey.of(pod),
            {"metadata": {"labels": {LABEL_ROLE: None}}},
            f"{holder} is the primary of the database of {tier.service} now",
        )
        for pod in labelled
        if pod["metadata"]["name"] != holder
    )


def memory_patches(snapshot: Snapshot, tier: Tier) -> tuple[Patch, ...]:
    """Record, on the credentials, which data they belong to and who was primary last: both outlive the app."""
    secret = snapshot.get("v1", "Secret", tier.scope)
    if secret is None:
        return ()
    known = {}
    identifier = system_identifier(snapshot, tier)
    # Once recorded it stays: that another cluster stands where the data was is for someone to decide.
    if identifier.isdigit() and not annotation(secret, ANNOTATION_SYSTEM_IDENTIFIER):
        known[ANNOTATION_SYSTEM_IDENTIFIER] = identifier
    holder = leader(snapshot, tier)
    if _is_member(snapshot, tier, holder) and annotation(secret, ANNOTATION_LAST_PRIMARY) != holder:
        known[ANNOTATION_LAST_PRIMARY] = holder
    if not known:
        return ()
    return (Patch(ObjectKey.of(secret), {"metadata": {"annotations": known}}, "remembered with the data"),)


def returning_primary(snapshot: Snapshot, tier: Tier) -> tuple[Patch, ...]:
    """Before the members of kept volumes start: give the leader's key to the one that was primary last.

    Its volume has every commit; those of others may be older, of one that was scaled in even much older. Whoever
    starts first must not be elected for being alone, so the others wait for it, for as long as a slow node may take
    to start a pod. And it must not give the key away for not running yet, as a primary that crashed does.
    """
    last = annotation(snapshot.get("v1", "Secret", tier.scope), ANNOTATION_LAST_PRIMARY)
    if not last or snapshot.get("apps/v1", "StatefulSet", tier.scope) is not None:
        return ()
    reason = f"{last} was the primary of the kept data of {tier.service}"
    patches = []
    if not leader(snapshot, tier):
        record = {"leader": last, "ttl": str(RETURN_SECONDS)}
        patches.append(_annotate(snapshot, configmap_name(tier, "leader"), record, reason))
    if not annotation(snapshot.get("v1", "ConfigMap", configmap_name(tier, "config")), "config"):
        patient = {**dynamic_configuration(tier), "primary_start_timeout": RETURN_SECONDS}
        body = {"config": json.dumps(patient, separators=(",", ":"))}
        patches.append(_annotate(snapshot, configmap_name(tier, "config"), body, reason))
    return tuple(patches)


def _annotate(snapshot: Snapshot, configmap: str, annotations: dict[str, str], reason: str) -> Patch:
    key = ObjectKey("v1", "ConfigMap", snapshot.app.namespace, configmap)
    return Patch(key, {"metadata": {"annotations": annotations}}, reason)


def _is_member(snapshot: Snapshot, tier: Tier, name: str) -> bool:
    pod = snapshot.get("v1", "Pod", name) if name else None
    return pod is not None and has_labels(pod, {**tier.selector, LABEL_ROLE: ROLE_PRIMARY})
