"""Migrations: a Job per image and command, and the Deployment of a new image held back until its Job is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import (
    COMPONENT_DATABASE,
    COMPONENT_MIGRATION,
    LABEL_INSTANCE,
    Names,
    labels,
    selector,
)
from consumerapp_operator.api.service import Service
from consumerapp_operator.plan.environment import environment
from consumerapp_operator.plan.live import has_condition, has_labels, has_ready_primary
from consumerapp_operator.plan.model import Manifest, ObjectKey, Snapshot
from consumerapp_operator.plan.part import Part
from consumerapp_operator.plan.pods import metadata, resources, restricted_container, restricted_pod, temporary_volume

HASH_LENGTH = 8
# Three attempts in all: a failover in the middle of the first must not need someone.
BACKOFF_LIMIT = 2


def plan_migration(snapshot: Snapshot, service: Service, deployment: Manifest) -> Part:
    """The service's Deployment, or what has to come before it."""
    app = snapshot.app
    if service.database is None or service.database.migrate is None:
        return Part(objects=(deployment,))
    name = job_name(app.name, service)
    key = ObjectKey("batch/v1", "Job", app.namespace, name)
    live = snapshot.children.get(key)
    if live is None and not has_ready_primary(snapshot, selector(app.name, COMPONENT_DATABASE, service.name)):
        return _withheld(
            snapshot, service, deployment, f"migration of {service.name} waits for the primary of its database"
        )
    job = _job(app, service, name, service.database.migrate.command)
    if live is not None and has_condition(live, "Complete"):
        return Part(objects=(job, deployment))
    if live is not None and has_condition(live, "Failed"):
        line = (
            f"migration of {service.name} failed: see `kubectl -n {app.namespace} logs job/{name}`; what ran before "
            f"goes on. Correct the image, or delete the Job to try again"
        )
    else:
        line = f"migration of {service.name} is running (job/{name})"
    return Part(objects=(job,)) + _withheld(snapshot, service, deployment, line)


def job_name(app: str, service: Service) -> str:
    """Name of the Job for the service's present image and command; meaningless without `database.migrate`."""
    command = service.database.migrate.command if service.database and service.database.migrate else []
    identity = json.dumps([service.image, command])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:HASH_LENGTH]
    return f"{selector(app, COMPONENT_MIGRATION, service.name)[LABEL_INSTANCE]}-{digest}"


def _withheld(snapshot: Snapshot, service: Service, deployment: Mapping[str, Any], line: str) -> Part:
    """Until the new Job is done the Deployment stays as it is, and so do older Jobs: they tell what has been done."""
    older = {
        key
        for key, manifest in snapshot.children.items()
        if key.kind == "Job" and has_labels(manifest, selector(snapshot.app.name, COMPONENT_MIGRATION, service.name))
    }
    return Part(waiting=(line,), kept=frozenset({ObjectKey.of(deployment), *older}))


def _job(app: ConsumerApp, service: Service, name: str, command: list[str]) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(app, COMPONENT_MIGRATION, service.name, name),
        "spec": {
            "backoffLimit": BACKOFF_LIMIT,
            "template": {
                "metadata": {"labels": labels(app.name, COMPONENT_MIGRATION, service.name)},
                "spec": {
                    **restricted_pod(),
                    "serviceAccountName": Names(app.name).service(service.name),
                    # A failed pod stays, and its log with it.
                    "restartPolicy": "Never",
                    "containers": [
                        {
                            "name": "migrate",
                            "image": service.image,
                            "command": list(command),
                            **restricted_container(),
                            "env": environment(app, service),
                            "resources": resources(app.spec.resources_of(service)),
                            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                        }
                    ],
                    "volumes": [temporary_volume()],
                },
            },
        },
    }
