"""What a person sees, as plain text."""

from __future__ import annotations

import io
import json
from typing import Any

from rich.console import Console, RenderableType

from consumerapp_operator.api.names import API_VERSION, COMPONENT_GATEWAY, COMPONENT_SERVICE, KIND
from consumerapp_operator.cli.decisions import explain, explainable, happenings
from consumerapp_operator.cli.fields import Field
from consumerapp_operator.cli.overview import Seen, overview
from consumerapp_operator.cli.pages import events_page, explain_page, plan_page, status_page
from consumerapp_operator.cli.preview import Action, Change, Preview
from consumerapp_operator.plan.model import ObjectKey
from tests.unit.status.cluster import Cluster, pod

DECISION = {
    "trigger": "Concurrency", "observed": "9.0 requests in flight", "target": "5", "current": 2, "wanted": 4,
    "decided": 3, "limits": [{"by": "Max", "to": 3, "why": "the maximum is 3"}],
    "reason": "2 → 3: 18 requests in flight over 2 replicas is 9.0 each, target 5", "at": "2026-01-01T00:00:00Z",
}  # fmt: skip


def text(page: RenderableType) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=200).print(page)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def body(**status: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"namespace": "default", "name": "shop", "uid": "u", "generation": 1},
        "spec": Cluster().spec,
        "status": status,
    }


def event(at: str, reason: str, message: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"creationTimestamp": at}, "lastTimestamp": at, "reason": reason, "message": message, **more}


def seen() -> Seen:
    cluster = Cluster()
    stuck = pod("shop-order-1", COMPONENT_SERVICE, "order", ready=False, podIP="10.0.0.2")
    stuck["status"]["containerStatuses"] = [
        {"name": "order", "ready": False, "restartCount": 4, "state": {"waiting": {"reason": "InvalidImageName"}}}
    ]
    primary, replica = cluster.objects["Pod/shop-user-db-0"], pod("shop-user-db-1", "database", "user", role="replica")
    for member, position in ((primary, 5000), (replica, 4000)):
        member["metadata"]["annotations"] = {"status": json.dumps({"xlog_location": position})}
    pods = [
        pod("shop-gateway-1", COMPONENT_GATEWAY, "gateway"),
        pod("shop-order-0", COMPONENT_SERVICE, "order", podIP="10.0.0.1"), stuck, primary, replica,
    ]  # fmt: skip
    children = {ObjectKey.of(item): item for item in (*cluster.objects.values(), *pods)}
    ejected = {"order": {"10.0.0.1": (), "10.0.0.2": ("its health check fails",)}}
    status = {
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "PodsFailing", "message": "service order: 1 of 2 ready"},
            {"type": "CapacityLimited", "status": "True", "reason": "Max", "message": "order is at its maximum"},
        ],
        "url": "http://shop.example.com",
        "services": [{"name": "order", "ready": 1, "desired": 2, "lastDecision": DECISION}],
    }
    return Seen(body(**status), children, pods, [ejected, {"order": {"10.0.0.1": ()}}])


def test_an_app_is_a_tree() -> None:
    assert text(status_page(overview(seen()))) == [
        "shop (default)  Ready: False PodsFailing",
        "├── service order: 1 of 2 ready",
        "├── answers at http://shop.example.com",
        "├── CapacityLimited: order is at its maximum",
        "├── gateway  2/2 ready",
        "│   └── ● shop-gateway-1  ready",
        "├── service user  2/2 ready",
        "├── service order  2/2 ready",
        "│   ├── 2 → 3: 18 requests in flight over 2 replicas is 9.0 each, target 5",
        "│   ├── ● shop-order-0  ready  in rotation",
        "│   └── ○ shop-order-1  InvalidImageName  4 restarts  its health check fails (1 of 2 gateway pods); "
        "not known to the gateway (1 of 2 gateway pods)",
        "│       └── container order of pod shop-order-1 does not start: InvalidImageName: no message; "
        "correct the image's name",
        "└── database user  2/2 ready",
        "    ├── ● shop-user-db-0  ready  primary",
        "    └── ● shop-user-db-1  ready  replica  1000 bytes behind",
    ]


def test_an_app_that_nobody_has_looked_at_says_so() -> None:
    lines = text(status_page(overview(Seen(body(), {}))))
    assert lines[0] == "shop (default)  Ready: Unknown NotSeen"
    assert "is one running" in lines[1]


def test_a_plan_tells_data_and_restarts_last() -> None:
    found = Preview(
        "shop", "town",
        spec=(Field("spec.services[b].image", "b:1", "b:2"),),
        changes=(
            Change("Job", "shop-b-migrate-1", Action.CREATE, note="a migration that runs once"),
            Change("Deployment", "shop-b", Action.CHANGE, (Field("spec.template.x", None, "2"),), restarts=True),
            Change("Service", "shop-c", Action.DELETE),
        ),
        data=("volume data-shop-b-db-0 grows from 1Gi to 2Gi",),
    )  # fmt: skip
    assert text(plan_page(found)) == [
        "ConsumerApp town/shop",
        "    spec.services[b].image: b:1 → b:2",
        "+ create Job shop-b-migrate-1  (a migration that runs once)",
        "~ change Deployment shop-b  pods restart",
        "    spec.template.x: absent → 2",
        "- delete Service shop-c",
        "pods restart, one after the other: shop-b",
        "data: volume data-shop-b-db-0 grows from 1Gi to 2Gi",
        "ConsumerApp town/shop: 1 to create, 1 to change, 1 to delete; 1 restart",
    ]


def test_a_refused_plan_and_one_without_changes() -> None:
    refused = Preview("shop", "town", problems=("spec.host: too long",))
    assert text(plan_page(refused)) == ["ConsumerApp town/shop would be refused:", "  spec.host: too long"]
    assert text(plan_page(Preview("shop", "town"))) == ["ConsumerApp town/shop: nothing changes"]


EVENTS = [
    event("2026-01-01T00:02:00Z", "Scaled", "service order: 2 → 3: more"),
    event("2026-01-01T00:01:00Z", "Scaled", "service order: 1 → 2: some", count=2),
    event("2026-01-01T00:00:00Z", "Scaled", "service order-history: 1 → 2: other"),
    event("2026-01-01T00:03:00Z", "NotReady", "x", type="Warning"),
]


def test_a_count_is_explained_with_its_history() -> None:
    found = explain(seen().body, "order", EVENTS)
    assert found is not None
    assert text(explain_page(found)) == [
        "service order: 2 wanted, 1 ready (min 2, max 10)",
        "2 → 3: 18 requests in flight over 2 replicas is 9.0 each, target 5",
        "  decided at  2026-01-01T00:00:00Z",
        "  signal      Concurrency: 9.0 requests in flight measured per replica",
        "  target      5 per replica",
        "  replicas    2 before, 4 asked for, now 3",
        "  limited by  Max to 3: the maximum is 3",
        "earlier moves (Kubernetes keeps Events for an hour):",
        "2026-01-01T00:01:00Z  Scaled  service order: 1 → 2: some (×2)",
        "2026-01-01T00:02:00Z  Scaled  service order: 2 → 3: more",
    ]


def test_what_can_be_explained() -> None:
    status = {"gateway": {"ready": 1, "desired": 1}, "services": [{"name": "user"}], "databases": [{"name": "user"}]}
    assert explainable(body(**status)) == ("gateway", "user", "user-db")
    assert explain(body(**status), "nobody", []) is None
    replicas = explain(body(databases=[{"name": "user", "members": 3, "ready": 2}]), "user-db", [])
    assert replicas is not None
    assert (replicas.title, replicas.desired, replicas.ready) == ("read replicas of user's database", 2, 1)
    assert "no decision yet" in text(explain_page(replicas))[1]


def test_events_come_in_time_order() -> None:
    assert [item.at[14:16] for item in happenings(EVENTS)] == ["00", "01", "02", "03"]
    assert text(events_page(happenings(EVENTS)))[-1] == "2026-01-01T00:03:00Z  NotReady  x"
    assert text(events_page(())) == ["no Events (Kubernetes keeps them for an hour)"]
