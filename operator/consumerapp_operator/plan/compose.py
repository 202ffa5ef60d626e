"""The plan: what the world should look like for one app, from what is known of it. A function, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from consumerapp_operator.plan.accounts import accounts
from consumerapp_operator.plan.bus import bus_objects
from consumerapp_operator.plan.cache import cache_objects
from consumerapp_operator.plan.disruption import disruption_budgets
from consumerapp_operator.plan.gateway import plan_gateway
from consumerapp_operator.plan.migration import plan_migration
from consumerapp_operator.plan.model import Manifest, ObjectKey, Plan, Snapshot
from consumerapp_operator.plan.network import network_policies
from consumerapp_operator.plan.part import Part
from consumerapp_operator.plan.postgres.database import Tier
from consumerapp_operator.plan.postgres.tier import plan_database
from consumerapp_operator.plan.prune import leaving_services, to_prune
from consumerapp_operator.plan.references import problems
from consumerapp_operator.plan.service import deployment, service_objects
from consumerapp_operator.plan.worker import worker_deployment

# Rights and rules before what lives by them, configuration before what mounts it, workloads last. Databases first of
# these: all else waits for them.
_ORDER = (
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ConfigMap",
    "StatefulSet",
    "Service",
    "Job",
    "Deployment",
)


def plan(snapshot: Snapshot) -> Plan:
    """Everything the app should have, in the order in which it is to be applied.

    With a problem in the spec nothing else is planned: what runs is left alone.
    """
    if found := problems(snapshot.app):
        return Plan(problems=found)
    gateway = plan_gateway(snapshot)
    whole = sum(_parts(snapshot), Part()) + Part(gateway.objects, (), gateway.patches, gateway.waiting)
    objects = tuple(sorted(whole.objects, key=_rank))
    planned = {ObjectKey.of(manifest) for manifest in objects}
    secrets = {ObjectKey.of(secret.manifest) for secret in whole.secrets}
    return Plan(
        objects=objects,
        secrets=whole.secrets,
        prune=to_prune(snapshot, planned | secrets | whole.kept, gateway_settled=not gateway.waiting),
        patches=whole.patches,
        waiting=whole.waiting,
    )


def _parts(snapshot: Snapshot) -> Iterable[Part]:
    app = snapshot.app
    policies = network_policies(app, leaving_services(snapshot))
    yield Part(objects=(*accounts(app), *policies, *disruption_budgets(app)))
    if cache := app.spec.effective_cache:
        yield Part(objects=tuple(cache_objects(app, cache, snapshot.images.redis)))
    if app.spec.bus:
        yield Part(objects=tuple(bus_objects(app, app.spec.bus, snapshot.images.nats)))
    yield Part(objects=tuple(worker_deployment(app, worker) for worker in app.spec.workers))
    for service in app.spec.services:
        if service.database:
            yield plan_database(snapshot, Tier(app, service.name, service.database))
        yield Part(objects=tuple(service_objects(app, service)))
        yield plan_migration(snapshot, service, deployment(app, service))


def _rank(manifest: Manifest) -> int:
    """Sorting is stable, so the builders' own order stays within a kind."""
    return _ORDER.index(manifest["kind"])
