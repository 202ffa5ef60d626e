"""What a member may do at the API server: keep Patroni's four ConfigMaps, and label itself and its peers."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.plan.postgres.database import MAX_MEMBERS, Tier
from consumerapp_operator.plan.postgres.dcs import KINDS, configmap_name


def rbac_objects(tier: Tier) -> list[dict[str, Any]]:
    """Role and RoleBinding; the ServiceAccount is in accounts.py. Nothing can be created or deleted."""
    api = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": f"{api}/v1",
            "kind": "Role",
            "metadata": tier.metadata(tier.scope),
            "rules": [
                # By label selector: names cannot restrict these verbs.
                _rule("configmaps", "list", "watch"),
                _rule("configmaps", "get", "patch", names=[configmap_name(tier, kind) for kind in KINDS]),
                _rule("pods", "list", "watch"),
                _rule("pods", "get", "patch", names=[f"{tier.scope}-{ordinal}" for ordinal in range(MAX_MEMBERS)]),
            ],
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": tier.metadata(tier.scope),
            "roleRef": {"apiGroup": api, "kind": "Role", "name": tier.scope},
            "subjects": [{"kind": "ServiceAccount", "name": tier.scope, "namespace": tier.app.namespace}],
        },
    ]


def _rule(resource: str, *verbs: str, names: list[str] | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}
    if names:
        rule["resourceNames"] = names
    return rule
