"""An app in a namespace of its own, and what tests do to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.waiting import until
from walkthrough import orders, shop
from walkthrough.kubectl import Kubectl, KubectlError

ECHO = (Path(__file__).parent / "echo.py").read_text(encoding="utf-8")
IMAGE = "consumerapp/user:0.1.0"  # any image with Python will do for ECHO
OTHER_IMAGE = "consumerapp/product:0.1.0"
SMALL = {"requests": {"cpu": "5m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}}
DATABASE = {"requests": {"cpu": "5m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
ALONE = {"min": 1, "max": 1}

Spec = dict[str, Any]


@dataclass(frozen=True)
class Lab:
    """One app under test. `kubectl` reaches the cluster; everything happens in `namespace`."""

    kubectl: Kubectl
    namespace: str
    app: str

    def run(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 120) -> str:
        return self.kubectl.run("-n", self.namespace, *arguments, stdin=stdin, timeout_seconds=timeout_seconds)

    def get(self, kind: str, name: str) -> Any:
        """The object; names are without the app's own. Raises KubectlError."""
        return self.kubectl.get(kind, f"{self.app}-{name}", "-n", self.namespace)

    def list(self, kinds: str, selector: str = "") -> list[Any]:
        """Objects of the app."""
        of_app = f"app.kubernetes.io/part-of={self.app}" + (f",{selector}" if selector else "")
        found: list[Any] = self.kubectl.get(kinds, "-n", self.namespace, "-l", of_app)
        return found

    def exists(self, kind: str, name: str) -> bool:
        try:
            self.get(kind, name)
        except KubectlError as error:
            if "NotFound" in error.why:
                return False
            raise
        return True

    def apply(self, spec: Mapping[str, Any], *arguments: str) -> str:
        """`kubectl apply` of the app with this spec. Raises KubectlError with the API server's words."""
        return self.kubectl.apply(manifest(self.app, self.namespace, spec), *arguments)

    def resource(self) -> Any:
        return self.kubectl.get("capp", self.app, "-n", self.namespace)

    def condition(self, kind: str) -> Mapping[str, Any]:
        """The condition if it was computed from the spec as it is now, else empty."""
        app = self.resource()
        found = shop.condition(app.get("status") or {}, kind)
        return found if found.get("observedGeneration") == app["metadata"]["generation"] else {}

    def wait_condition(self, kind: str, status: str, words: str = "", seconds: float = 60) -> Mapping[str, Any]:
        """The condition once it has that status and its reason or message contains `words`."""

        def holds() -> Mapping[str, Any] | None:
            found = self.condition(kind)
            text = f"{found.get('reason')}: {found.get('message')}"
            return found if found.get("status") == status and words in text else None

        return until(f"{self.app}: {kind}={status} with {words!r}", holds, seconds)

    def wait_ready(self, seconds: float = 120) -> None:
        """Ready for the spec as it is now, and every Deployment rolled out."""
        shop.wait_ready(self.kubectl, lambda _: None, namespace=self.namespace, app=self.app, deadline_seconds=seconds)
        until("every Deployment rolled out", self._rolled_out, seconds)

    def psql(self, service: str, statement: str) -> str:
        return orders.query(self.kubectl, self.namespace, self.app, service, statement)

    def exec(self, service: str, source: str, *arguments: str) -> str:
        """What a Python program prints in a pod of the service. Raises KubectlError."""
        pod = self.list("pods", f"app.kubernetes.io/name={service},app.kubernetes.io/component=service")[0]
        return self.run("exec", pod["metadata"]["name"], "--", "python", "-c", source, *arguments).strip()

    def children(self) -> dict[str, str]:
        """`Kind/name` → uid of everything of the app, pods and ReplicaSets aside: they come and go."""
        kinds = (
            "deployments,statefulsets,services,configmaps,secrets,serviceaccounts,networkpolicies,jobs,"
            "poddisruptionbudgets,persistentvolumeclaims,roles,rolebindings"
        )
        return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["uid"] for item in self.list(kinds)}

    def delete(self) -> None:
        """Deletes the app and waits until it and all that it owns is gone."""
        uid = self.resource()["metadata"]["uid"]
        self.run("delete", "capp", self.app, "--timeout=60s")

        def gone() -> bool:
            kinds = "deployments,statefulsets,services,pods,networkpolicies"
            owned = [
                item["metadata"]["name"]
                for item in self.kubectl.get(kinds, "-n", self.namespace)
                if (item["kind"] == "Pod" and self.app == label(item, "app.kubernetes.io/part-of"))
                or any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", []))
            ]
            return not owned

        until(f"everything that {self.app} owned is gone", gone, 120)

    def _rolled_out(self) -> bool:
        return all(
            item["status"].get("observedGeneration") == item["metadata"]["generation"]
            and item["status"].get("updatedReplicas", 0)
            == item["status"].get("replicas", 0)
            == item["status"].get("availableReplicas", 0)
            == item["spec"]["replicas"]
            for item in self.list("deployments")
        )


def label(item: Mapping[str, Any], name: str) -> str:
    return str((item["metadata"].get("labels") or {}).get(name, ""))


def manifest(app: str, namespace: str, spec: Mapping[str, Any] | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "apiVersion": "consumerapp.io/v1alpha1",
        "kind": "ConsumerApp",
        "metadata": {"name": app, "namespace": namespace},
    }
    return body if spec is None else {**body, "spec": spec}


def echo(name: str, *, calls: Sequence[str] = (), image: str = IMAGE, **fields: Any) -> Spec:
    """A service without a database that answers everything."""
    return {"name": name, "image": image, "command": ["python", "-c", ECHO], "calls": list(calls), **fields}


def payment(**database: Any) -> Spec:
    """A real service with a database."""
    migrate = {"command": ["python", "-m", "payment", "migrate"]}
    return {
        "name": "payment",
        "image": "consumerapp/payment:0.1.0",
        "database": {"replicas": 0, "migrate": migrate, "resources": DATABASE, **database},
    }


def app_spec(*services: Spec, **fields: Any) -> Spec:
    """A spec that costs little: one small replica of each."""
    return {
        "gateway": {"scaling": ALONE, "resources": SMALL},
        "defaults": {"resources": SMALL, "scaling": ALONE},
        "services": list(services),
        **fields,
    }


def pod(namespace: str, name: str, source: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """A pod outside of any app that runs a Python program, under the restricted Pod Security Standard."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "main",
                    "image": "consumerapp/traffic:0.1.0",
                    "command": ["python", "-c", source],
                    "env": [{"name": key, "value": value} for key, value in environment.items()],
                    "resources": SMALL,
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }


LAB_SPEC: Spec = app_spec(
    echo("front", calls=["back"], scaling={"min": 2, "max": 2}),
    echo("back"),
    payment(),
    gateway={
        "scaling": ALONE,
        "resources": SMALL,
        "routes": [{"path": "/front", "service": "front"}, {"path": "/payment", "service": "payment"}],
    },
)


@dataclass(frozen=True)
class Demo:
    """A finished demo: its exit code, what it printed, and build/demo.json."""

    exit_code: int
    output: str
    report: dict[str, Any]
