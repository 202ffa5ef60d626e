"""A whole database: which of its objects are planned now, and what holds the others back."""

from __future__ import annotations

from consumerapp_operator.api.names import ANNOTATION_SYSTEM_IDENTIFIER
from consumerapp_operator.plan.live import has_labels
from consumerapp_operator.plan.model import Snapshot
from consumerapp_operator.plan.part import Part
from consumerapp_operator.plan.postgres.configuration import configuration_object
from consumerapp_operator.plan.postgres.credentials import (
    credentials,
    missing,
    ownership_patches,
    secret_names,
)
from consumerapp_operator.plan.postgres.database import Tier
from consumerapp_operator.plan.postgres.dcs import (
    configuration_patch,
    recorded_identifier,
    store_objects,
    system_identifier,
)
from consumerapp_operator.plan.postgres.rbac import rbac_objects
from consumerapp_operator.plan.postgres.roles import memory_patches, returning_primary, stale_label_patches
from consumerapp_operator.plan.postgres.services import service_objects
from consumerapp_operator.plan.postgres.statefulset import statefulset, volume_patches, volumes


def plan_database(snapshot: Snapshot, tier: Tier) -> Part:
    """Everything of one database but its ServiceAccount, NetworkPolicy and PodDisruptionBudget."""
    if reason := _left_alone(snapshot, tier):
        kept = frozenset(key for key, manifest in snapshot.children.items() if has_labels(manifest, tier.selector))
        return Part(waiting=(reason,), kept=kept)
    objects = [
        *rbac_objects(tier),
        *store_objects(snapshot, tier),
        configuration_object(tier),
        *service_objects(snapshot, tier),
    ]
    secrets = tuple(
        secret for secret in credentials(tier) if secret.manifest["metadata"]["name"] in missing(snapshot, tier)
    )
    patches = (
        *ownership_patches(snapshot, tier),
        *memory_patches(snapshot, tier),
        *stale_label_patches(snapshot, tier),
        *configuration_patch(snapshot, tier),
        *volume_patches(snapshot, tier),
    )
    waiting = _contradiction(snapshot, tier)
    if returning := returning_primary(snapshot, tier):
        line = f"the database of {tier.service} takes up its kept data in the next step"
        return Part(tuple(objects), secrets, (*patches, *returning), (*waiting, line))
    return Part((*objects, statefulset(snapshot, tier)), secrets, patches, waiting)


def _left_alone(snapshot: Snapshot, tier: Tier) -> str:
    """Why nothing at all is done with the database; empty if there is no reason."""
    absent = missing(snapshot, tier)
    if absent and not snapshot.synced:
        return f"the database of {tier.service} waits until the operator has seen all of the cluster"
    running = snapshot.get("apps/v1", "StatefulSet", tier.scope) is not None
    kept = volumes(snapshot, tier)
    if absent and (running or kept):
        return (
            f"CredentialsMissing: Secret {' and '.join(absent)} of the database of {tier.service} is gone, but its "
            f"data is there; restore the Secret from a backup. A new one would lock everybody out, so the database "
            f"is left alone until then"
        )
    if recorded_identifier(snapshot, tier) and snapshot.synced and not running and not kept:
        return (
            f"DataMissing: Secret {tier.scope} belongs to data that is gone, no volume of the database of "
            f"{tier.service} is there; restore the volumes, or begin anew with "
            f"`kubectl -n {tier.app.namespace} delete secret {' '.join(secret_names(tier))}`"
        )
    return ""


def _contradiction(snapshot: Snapshot, tier: Tier) -> tuple[str, ...]:
    recorded, running = recorded_identifier(snapshot, tier), system_identifier(snapshot, tier)
    if not recorded or not running or recorded == running:
        return ()
    return (
        f"the database of {tier.service} runs on other data (system identifier {running}) than its Secret {tier.scope} "
        f"was made for ({recorded}); if that is meant, remove the annotation {ANNOTATION_SYSTEM_IDENTIFIER} from it",
    )
