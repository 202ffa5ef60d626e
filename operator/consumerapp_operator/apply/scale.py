"""Writing a replica count, through the scale subresource and nothing else."""

from __future__ import annotations

from consumerapp_operator.apply.client import Client
from consumerapp_operator.plan.model import ObjectKey

SCALE_FIELD_MANAGER = "consumerapp-scaler"
"""A manager of its own, so that managedFields tell who last wrote a count."""


async def write_replicas(client: Client, workload: ObjectKey, replicas: int) -> None:
    """Set spec.replicas. Raises ApiError; 404 when the workload is gone."""
    body = {"spec": {"replicas": replicas}}
    await client.patch(workload, body, "scale", field_manager=SCALE_FIELD_MANAGER)
