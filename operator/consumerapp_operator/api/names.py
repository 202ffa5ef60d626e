"""Names and labels of everything an app owns: one place, so that no two modules can disagree."""

from __future__ import annotations

from dataclasses import dataclass

GROUP = "consumerapp.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ConsumerApp"
PLURAL = "consumerapps"
FIELD_MANAGER = "consumerapp-operator"

# Recommended labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
LABEL_NAME = "app.kubernetes.io/name"  # the component's own name: order, gateway, cache
LABEL_INSTANCE = "app.kubernetes.io/instance"  # unique in the namespace: shop-order
LABEL_COMPONENT = "app.kubernetes.io/component"  # what it is: one of the COMPONENT_ constants below
LABEL_PART_OF = "app.kubernetes.io/part-of"  # the app: shop
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY = "consumerapp-operator"

# On a ConsumerApp: which operator serves it, where several run side by side (settings.py, OPERATOR_CLASS).
LABEL_CLASS = f"{GROUP}/operator-class"

# Patroni writes the role of each member here; Services select on it.
LABEL_ROLE = f"{GROUP}/role"
ROLE_PRIMARY, ROLE_REPLICA = "primary", "replica"

# Hash of the object as the plan wanted it when it was last applied; see apply/difference.py.
ANNOTATION_APPLIED = f"{GROUP}/applied-hash"
# PostgreSQL's system identifier, kept on the credentials so that it outlives the app (facts: an empty volume that
# starts first would otherwise found a new, empty cluster beside the data).
ANNOTATION_SYSTEM_IDENTIFIER = f"{GROUP}/system-identifier"
# The member that was primary last, kept there too: its volume has every acknowledged commit.
ANNOTATION_LAST_PRIMARY = f"{GROUP}/last-primary"
# On gateway pods: hash of the configuration they should load; touching the pod makes the kubelet refresh its files.
ANNOTATION_CONFIGURATION = f"{GROUP}/configuration-hash"

COMPONENT_GATEWAY = "gateway"
COMPONENT_SERVICE = "service"
COMPONENT_DATABASE = "database"
COMPONENT_CACHE = "cache"
COMPONENT_BUS = "bus"
COMPONENT_WORKER = "worker"
COMPONENT_MIGRATION = "migration"
# What belongs to a service carries the service's name; this tells the instances apart.
INSTANCE_SUFFIX = {COMPONENT_DATABASE: "-db", COMPONENT_MIGRATION: "-migrate"}

PUBLIC_PORT = 8080
INTERNAL_PORT = 9001
ADMIN_PORT = 9901
POSTGRES_PORT = 5432
PATRONI_PORT = 8008
REDIS_PORT = 6379
NATS_PORT = 4222
NATS_CLUSTER_PORT = 6222
NATS_MONITOR_PORT = 8222


@dataclass(frozen=True)
class Names:
    """Names of an app's children; `app` is the ConsumerApp's metadata.name."""

    app: str

    @property
    def gateway(self) -> str:
        return f"{self.app}-gateway"

    @property
    def internal(self) -> str:
        """The Service of the gateway's internal listener, through which services call each other."""
        return f"{self.app}-internal"

    @property
    def cache(self) -> str:
        return f"{self.app}-cache"

    @property
    def bus(self) -> str:
        return f"{self.app}-bus"

    @property
    def bus_members(self) -> str:
        """Headless Service of all bus servers, ready or not."""
        return f"{self.app}-bus-members"

    def service(self, service: str) -> str:
        return f"{self.app}-{service}"

    def database(self, service: str) -> str:
        """StatefulSet, Patroni scope, Service of the primary, and Secret with the service's credentials."""
        return f"{self.app}-{service}-db"

    def database_read(self, service: str) -> str:
        return f"{self.app}-{service}-db-read"

    def database_members(self, service: str) -> str:
        """Headless Service of all members, ready or not."""
        return f"{self.app}-{service}-db-members"

    def database_admin_secret(self, service: str) -> str:
        """Secret with the superuser's, replication's and Patroni REST passwords; no service ever sees it."""
        return f"{self.app}-{service}-db-admin"


def labels(app: str, component: str, name: str) -> dict[str, str]:
    """All labels of a child."""
    return {**selector(app, component, name), LABEL_MANAGED_BY: MANAGED_BY}


def selector(app: str, component: str, name: str) -> dict[str, str]:
    """The immutable subset that selects a component's pods.

    The instance is the name of the workload: `shop-order`, `shop-order-db` (also Patroni's scope, which it looks
    for in this label), `shop-order-migrate`.
    """
    instance = f"{app}-{name}{INSTANCE_SUFFIX.get(component, '')}"
    return {LABEL_NAME: name, LABEL_INSTANCE: instance, LABEL_COMPONENT: component, LABEL_PART_OF: app}
