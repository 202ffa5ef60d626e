"""A small shop in a cluster, as JSON, for the status to be computed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from consumerapp_operator.api.app import read_app
from consumerapp_operator.api.names import (
    API_VERSION,
    COMPONENT_DATABASE,
    COMPONENT_GATEWAY,
    COMPONENT_MIGRATION,
    COMPONENT_SERVICE,
    KIND,
    LABEL_ROLE,
    ROLE_PRIMARY,
    labels,
)
from consumerapp_operator.plan.model import Failure, ObjectKey
from consumerapp_operator.scale.model import Decision, WorkloadKey
from consumerapp_operator.status.facts import Facts

NOW = 1_800_000_000.0
Body = dict[str, Any]


def condition(kind: str, status: str, **more: str) -> Body:
    return {"type": kind, "status": status, **more}


def workload(kind: str, name: str, component: str, short: str, desired: int, ready: int, **status: Any) -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "generation": 1,
            "labels": labels("shop", component, short),
        },
        "spec": {"replicas": desired},
        "status": {
            "observedGeneration": 1,
            "replicas": desired,
            "updatedReplicas": desired,
            "readyReplicas": ready,
            **status,
        },
    }


def pod(name: str, component: str, short: str, *, ready: bool = True, role: str = "", **status: Any) -> Body:
    owner = name.rsplit("-", 1)[0]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "labels": labels("shop", component, short) | ({LABEL_ROLE: role} if role else {}),
            "ownerReferences": [{"kind": "StatefulSet", "name": owner, "uid": owner}],
        },
        "spec": {"containers": [{"name": short, "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}}}]},
        "status": {"phase": "Running", "conditions": [condition("Ready", str(ready))], **status},
    }


@dataclass
class Cluster:
    """A ConsumerApp with services `user` (with a database) and `order`, all of it running, to be changed by a test."""

    generation: int = 1
    minimum: int = 2
    status: Body = field(default_factory=dict)
    metadata: Body = field(default_factory=dict)
    spec: Body = field(default_factory=dict)
    objects: dict[str, Body] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    decisions: dict[WorkloadKey, Decision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        scaling = {"min": self.minimum, "max": 10}
        self.spec = {
            "host": "shop.example.com",
            "gateway": {"scaling": scaling},
            "defaults": {"scaling": scaling},
            "services": [{"name": "user", "image": "user:1", "database": {}}, {"name": "order", "image": "order:1"}],
            **self.spec,
        }
        self.put(
            workload("Deployment", "shop-gateway", COMPONENT_GATEWAY, "gateway", 2, 2),
            workload("Deployment", "shop-user", COMPONENT_SERVICE, "user", 2, 2),
            workload("Deployment", "shop-order", COMPONENT_SERVICE, "order", 2, 2),
            workload("StatefulSet", "shop-user-db", COMPONENT_DATABASE, "user", 2, 2),
            pod("shop-user-db-0", COMPONENT_DATABASE, "user", role=ROLE_PRIMARY),
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "shop-gateway", "namespace": "default", "uid": "s"},
                "spec": {"type": "ClusterIP", "ports": [{"port": 80}]},
            },
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": "shop-user-db-config",
                    "namespace": "default",
                    "uid": "c",
                    "annotations": {"initialize": "7423"},
                },
            },
        )

    def put(self, *objects: Body) -> None:
        for item in objects:
            self.objects[f"{item['kind']}/{item['metadata']['name']}"] = item

    def remove(self, *names: str) -> None:
        for name in names:
            del self.objects[name]

    def order(self, desired: int, ready: int, pods: Iterable[Body] = (), **status: Any) -> None:
        self.put(workload("Deployment", "shop-order", COMPONENT_SERVICE, "order", desired, ready, **status), *pods)

    def order_pod(self, **status: Any) -> Body:
        return pod("shop-order-abc-1", COMPONENT_SERVICE, "order", ready=False, **status)

    def migration(self, name: str, created: str, result: str) -> None:
        self.put(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": name,
                    "namespace": "default",
                    "uid": name,
                    "creationTimestamp": created,
                    "labels": labels("shop", COMPONENT_MIGRATION, "user"),
                },
                "status": {"conditions": [condition(result, "True", message="too many attempts")]},
            }
        )

    def facts(self, *, readable: bool = True) -> Facts:
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {
                "name": "shop",
                "namespace": "default",
                "uid": "app",
                "generation": self.generation,
                **self.metadata,
            },
            "spec": self.spec,
            "status": self.status,
        }
        return Facts(
            body=body,
            app=read_app(body) if readable else None,
            children={ObjectKey.of(item): item for item in self.objects.values()},
            problems=self.problems,
            waiting=self.waiting,
            failures=self.failures,
            decisions=self.decisions,
        )
