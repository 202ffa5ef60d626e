"""The kinds the operator works with, and where the API server keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from consumerapp_operator.api.names import (
    GROUP,
    KIND,
    LABEL_CLASS,
    LABEL_MANAGED_BY,
    LABEL_PART_OF,
    MANAGED_BY,
    PLURAL,
    VERSION,
)


@dataclass(frozen=True)
class Kind:
    """One kind of namespaced object."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
        """URL path of the collection (of all namespaces without `namespace`), or of one object or its
        subresource.
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        tail = f"/{name}" if name else ""
        return f"{root}{scope}/{self.plural}{tail}" + (f"/{subresource}" if subresource else "")


APP = Kind(GROUP, VERSION, KIND, PLURAL)
POD = Kind("", "v1", "Pod", "pods")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
EVENT = Kind("", "v1", "Event", "events")

CHILDREN = (
    Kind("apps", "v1", "Deployment", "deployments"),
    Kind("apps", "v1", "StatefulSet", "statefulsets"),
    Kind("batch", "v1", "Job", "jobs"),
    Kind("", "v1", "Service", "services"),
    Kind("", "v1", "ConfigMap", "configmaps"),
    Kind("", "v1", "Secret", "secrets"),
    Kind("", "v1", "ServiceAccount", "serviceaccounts"),
    Kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    POD,
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
)
"""Everything an app may own, its pods' volumes included; all of it carries CHILD_SELECTOR's labels."""

CHILD_SELECTOR = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_PART_OF}"


def app_selector(operator_class: str) -> str:
    """The apps that an operator of this class serves; without a class, those that ask for none."""
    return f"{LABEL_CLASS}={operator_class}" if operator_class else f"!{LABEL_CLASS}"


_BY_NAME = {(kind.api_version, kind.kind): kind for kind in (APP, LEASE, EVENT, *CHILDREN)}


def kind_of(api_version: str, kind: str) -> Kind:
    """Raises KeyError for a kind the operator has no business with: it would lack the permission as well."""
    return _BY_NAME[api_version, kind]
