"""What a new user sees: the demo, and the shop it leaves running."""

from __future__ import annotations

import base64
import gzip
import json
from urllib.request import Request, urlopen

from tests.e2e.lab import Demo, Lab
from walkthrough import shop
from walkthrough.kubectl import Kubectl

# The shop's NodePort, which cluster/kind.yaml maps to the loopback.
PUBLIC = "http://127.0.0.1:30080"


def test_every_promise_of_the_demo_holds(demo: Demo) -> None:
    missed = [check for check in demo.report["checks"] if not check["held"] and check["fatal"]]
    assert not missed, demo.output
    assert demo.exit_code == 0, demo.output


def test_no_customers_request_fails_and_no_order_is_lost(demo: Demo) -> None:
    assert demo.report["requests"] > 500
    assert demo.report["failed"] == 0
    assert demo.report["orders_stored"] == demo.report["orders_acknowledged"] > 20
    assert 0 < demo.report["p50_ms"] <= demo.report["p95_ms"]


def test_counts_are_reported_as_seconds_and_counts(demo: Demo) -> None:
    replicas = demo.report["replicas"]
    assert {"gateway", "user", "product", "order", "payment"} <= set(replicas)
    for name, samples in replicas.items():
        seconds = [sample[0] for sample in samples]
        assert seconds == sorted(seconds), name
        assert all(count >= 0 for _, count in samples), name


def test_each_change_of_a_count_has_a_reason(demo: Demo) -> None:
    assert demo.report["changes"]
    for change in demo.report["changes"]:
        assert len(change["reason"].split()) > 3, change
        assert change["before"] != change["after"], change


def test_get_shows_in_one_line_whether_it_serves(demo: Demo, kubectl: Kubectl) -> None:
    assert demo.report["ready_s"] > 0
    heading, line = kubectl.run("get", "capp", "-n", shop.NAMESPACE).strip().split("\n")
    assert heading.split() == ["NAME", "READY", "REASON", "SERVICES", "LIMITED", "URL", "AGE"]
    assert line.split()[:4] == ["shop", "True", "Serving", "4/4"]


def test_describe_tells_a_stranger_what_runs_and_why(demo: Demo, kubectl: Kubectl) -> None:
    assert demo.report["ready_s"] > 0
    text = kubectl.run("describe", "capp", shop.APP, "-n", shop.NAMESPACE)
    for word in ("Spec Valid", "Data Ready", "Services Ready", "Gateway Ready", "Metrics Available"):
        assert word.replace(" ", "") in text, f"no condition {word} in:\n{text}"
    for service in ("user", "product", "order", "payment"):
        assert service in text
    for word in ("Last Decision", "Reason:", "Observed:", "Events:"):
        assert word in text, f"no {word!r} in:\n{text}"


def test_explain_describes_the_fields(kubectl: Kubectl) -> None:
    text = kubectl.run("explain", "consumerapp.spec.services.calls")
    assert "Services that this one calls" in text


def test_status_agrees_with_the_cluster(demo: Demo, kubectl: Kubectl) -> None:
    assert demo.report["ready_s"] > 0
    lab = Lab(kubectl, shop.NAMESPACE, shop.APP)
    status = lab.resource()["status"]
    for service in status["services"]:
        found = lab.get("deployment", service["name"])
        assert service["desired"] == found["spec"]["replicas"]
        assert service["ready"] == found["status"]["readyReplicas"]
    for database in status["databases"]:
        primary = lab.kubectl.get("pod", database["primary"], "-n", shop.NAMESPACE)
        assert primary["metadata"]["labels"]["consumerapp.io/role"] == "primary"


def test_a_browser_gets_compressed_answers_and_may_read_them(demo: Demo) -> None:
    assert demo.report["ready_s"] > 0
    origin = "https://shop.example.com"
    for accepted in (origin, "https://elsewhere.example.com"):
        request = Request(f"{PUBLIC}/api/products", headers={"Origin": accepted, "Accept-Encoding": "gzip"})
        with urlopen(request, timeout=10) as answer:
            assert gzip.decompress(answer.read()).startswith(b"{")
            allowed = answer.headers.get("Access-Control-Allow-Origin")
        assert allowed == (origin if accepted == origin else None)


def test_nothing_secret_is_told(demo: Demo, kubectl: Kubectl) -> None:
    assert demo.report["ready_s"] > 0
    lab = Lab(kubectl, shop.NAMESPACE, shop.APP)
    told = json.dumps([lab.resource(), kubectl.get("events", "-n", shop.NAMESPACE)])
    told += kubectl.run("logs", "-n", "consumerapp-system", "-l", "app.kubernetes.io/component=operator", "--tail=-1")
    told += json.dumps(lab.list("deployments,statefulsets,configmaps,jobs"))
    secrets = lab.list("secrets")
    assert len(secrets) == 8
    for secret in secrets:
        for key, value in secret["data"].items():
            if "password" in key:
                for form in (value, base64.b64decode(value).decode()):
                    assert form not in told, f"{secret['metadata']['name']}: {key}"
