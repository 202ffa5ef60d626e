"""The three steps of a change, and the law that they keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consumerapp_operator.plan.gateway.configuration import (
    Configuration,
    Desired,
    desired_configuration,
    published_configuration,
)
from consumerapp_operator.plan.gateway.stages import Step, next_step
from consumerapp_operator.plan.model import LoadedConfiguration
from tests.unit.plan.gateway.shop import app_of


def _desired(*names: str, port: int = 8080) -> Desired:
    services = [{"name": name, "image": "i:1", "port": port} for name in names]
    return desired_configuration(app_of(services=services))


def _loaded(configuration: Configuration) -> LoadedConfiguration:
    return LoadedConfiguration(
        listeners=configuration.listeners.version,
        routes=configuration.routes.version,
        clusters=configuration.clusters.version,
        reachable=frozenset(configuration.clusters.resources),
    )


def _clusters_routed_to(routes: Mapping[str, Any]) -> set[str]:
    """Names of services that routes of one or more configurations lead to."""
    return {
        route["route"]["cluster"]
        for configuration in routes.values()
        for host in configuration["virtual_hosts"]
        for route in host["routes"]
        if "stat_prefix" in route
    }


NOBODY: dict[str, LoadedConfiguration | None] = {}


def test_the_first_configuration_is_published_at_once() -> None:
    desired = _desired("order")
    step = next_step(None, desired, NOBODY)
    assert step.waiting == ()
    assert step.configuration.routes.resources == desired.routes
    assert step.configuration.clusters.resources == desired.clusters
    assert step.configuration.clusters.version.startswith("1-")


def test_nothing_changes_when_nothing_is_to_change() -> None:
    published = next_step(None, _desired("order"), NOBODY).configuration
    assert next_step(published, _desired("order"), {"a": _loaded(published)}) == Step(published)
    assert next_step(published, _desired("order"), {"a": None}) == Step(published), "nobody need be asked"


def test_a_replaced_service_takes_three_steps() -> None:
    old, desired = next_step(None, _desired("order"), NOBODY).configuration, _desired("sale")

    first = next_step(old, desired, {"a": _loaded(old)})
    assert set(first.configuration.clusters.resources) == {"order", "sale"}
    assert first.configuration.routes == old.routes
    assert first.waiting == (
        f"routes change when every gateway pod has loaded clusters {first.configuration.clusters.version}",
    )

    second = next_step(first.configuration, desired, {"a": _loaded(first.configuration)})
    assert second.configuration.clusters == first.configuration.clusters
    assert second.configuration.routes.resources == desired.routes
    assert second.waiting == (
        f"clusters no longer used go when every gateway pod has loaded routes {second.configuration.routes.version}",
    )

    third = next_step(second.configuration, desired, {"a": _loaded(second.configuration)})
    assert third.configuration.routes == second.configuration.routes
    assert third.configuration.clusters.resources == desired.clusters
    assert third.waiting == ()


def test_a_step_waits_for_every_pod_and_names_those_it_waits_for() -> None:
    old, desired = next_step(None, _desired("order"), NOBODY).configuration, _desired("sale")
    published = next_step(old, desired, {"a": _loaded(old)}).configuration
    pods = {"a": _loaded(published), "b": _loaded(old), "c": None}
    assert next_step(published, desired, pods) == Step(
        published,
        (
            f"gateway pod b has not loaded clusters {published.clusters.version} yet",
            "gateway pod c does not say what it has loaded",
        ),
    )


def test_clusters_stay_until_every_pod_has_left_the_old_routes() -> None:
    old, desired = next_step(None, _desired("order", "sale"), NOBODY).configuration, _desired("sale")
    published = next_step(old, desired, {"a": _loaded(old)}).configuration
    assert published.routes.resources == desired.routes
    waiting = next_step(published, desired, {"a": _loaded(published), "b": _loaded(old)})
    assert set(waiting.configuration.clusters.resources) == {"order", "sale"}
    assert waiting.waiting == (f"gateway pod b has not loaded routes {published.routes.version} yet",)


def test_a_cluster_that_changes_is_replaced_in_place() -> None:
    published = next_step(None, _desired("order"), NOBODY).configuration
    step = next_step(published, _desired("order", port=9090), {"a": _loaded(published)})
    assert step.waiting == ()
    assert step.configuration.clusters.resources == _desired("order", port=9090).clusters
    assert step.configuration.clusters.version.startswith("2-")


def test_a_version_that_was_published_before_never_comes_back() -> None:
    """Else a pod's answer from before could pass for one to what is published now."""
    first = next_step(None, _desired("order"), NOBODY).configuration
    pods = {"a": _loaded(first)}
    second = next_step(first, _desired("order", port=9090), pods).configuration
    third = next_step(second, _desired("order"), pods).configuration
    assert third.clusters.resources == first.clusters.resources
    assert third.clusters.version != first.clusters.version


def test_a_lost_configuration_takes_a_number_above_what_pods_have() -> None:
    loaded = LoadedConfiguration(listeners="3-x", routes="7-x", clusters="5-x")
    assert next_step(None, _desired("order"), {"a": loaded}).configuration.routes.version.startswith("8-")


def test_an_edited_configuration_is_put_right_at_once() -> None:
    published = next_step(None, _desired("order"), NOBODY).configuration
    files = published.files()
    files["cds.yaml"] = files["cds.yaml"].replace("LEAST_REQUEST", "RANDOM")
    edited = published_configuration(files)
    assert edited is not None
    step = next_step(edited, _desired("order"), {"a": _loaded(published)})
    assert step.waiting == ()
    assert step.configuration.clusters.resources == published.clusters.resources
    assert step.configuration.clusters.version != published.clusters.version


def _path(service: str, *others: str) -> Desired:
    calls: dict[str, list[str]] = {name: [] for name in (service, *others)}
    return desired_configuration(app_of(calls, gateway={"routes": [{"path": "/a", "service": service}]}))


def test_a_path_moves_when_every_pod_reaches_the_new_service() -> None:
    desired = _path("sale")
    old = next_step(None, _path("order"), NOBODY).configuration
    published = next_step(old, desired, {"a": _loaded(old)}).configuration
    there, not_there = _loaded(published), replace(_loaded(published), reachable=frozenset({"order"}))
    held = next_step(published, desired, {"a": there, "b": not_there})
    assert held == Step(
        published, ("requests move to service sale when every gateway pod has a healthy replica of it",)
    )
    moved = next_step(published, desired, {"a": there, "b": there})
    assert moved.configuration.routes.resources == desired.routes


def test_a_move_that_waits_holds_back_no_other_change() -> None:
    old = next_step(None, _path("order"), NOBODY).configuration
    routes = [{"path": "/a", "service": "sale"}, {"path": "/b", "service": "new"}]
    desired = desired_configuration(app_of({"sale": ["new"], "new": []}, gateway={"routes": routes}))
    published = next_step(old, desired, {"a": _loaded(old)}).configuration
    step = next_step(published, desired, {"a": replace(_loaded(published), reachable=frozenset())})
    public = {
        (route["match"]["path_separated_prefix"], route["route"]["cluster"])
        for route in step.configuration.routes.resources["public"]["virtual_hosts"][0]["routes"]
        if "stat_prefix" in route
    }
    assert public == {("/a", "order"), ("/b", "new")}
    assert step.configuration.routes.resources["internal"] == desired.routes["internal"]
    assert len(step.waiting) == 1


@dataclass
class _Pod:
    """What one Envoy holds of each file, as indices into what was published; each moves by itself, forwards."""

    at: dict[str, int]
    reaches: frozenset[str] = frozenset()
    confirmed: LoadedConfiguration | None = None


@dataclass
class _World:
    """Published configurations in order, and the pods that follow them."""

    history: list[Configuration]
    pods: list[_Pod] = field(default_factory=list)

    def publish(self, configuration: Configuration) -> None:
        if configuration != self.history[-1]:
            self.history.append(configuration)

    def loaded(self, pod: _Pod) -> LoadedConfiguration:
        public = self.history[pod.at["public"]].routes.version
        internal = self.history[pod.at["internal"]].routes.version
        return LoadedConfiguration(
            listeners=self.history[-1].listeners.version,
            routes=public if public == internal else "",
            clusters=self.history[pod.at["clusters"]].clusters.version,
            reachable=pod.reaches,
        )

    def check(self) -> None:
        """The law: each pod has a cluster for each of its routes."""
        for pod in self.pods:
            clusters = set(self.history[pod.at["clusters"]].clusters.resources)
            for name in ("public", "internal"):
                routes = {name: self.history[pod.at[name]].routes.resources[name]}
                assert _clusters_routed_to(routes) <= clusters

    def starts(self) -> None:
        """A new pod reads everything that is published now."""
        newest = len(self.history) - 1
        self.pods.append(_Pod(dict.fromkeys(("public", "internal", "clusters"), newest)))

    def load(self, *files: str) -> None:
        """All pods load the newest of these files."""
        for pod in self.pods:
            pod.at.update(dict.fromkeys(files, len(self.history) - 1))

    def step(self, desired: Desired) -> Step:
        step = next_step(self.history[-1], desired, {str(n): pod.confirmed for n, pod in enumerate(self.pods)})
        self.publish(step.configuration)
        return step

    def settle(self, desired: Desired) -> None:
        """All pods load, reach and confirm whatever is published: the change must come to its end."""
        for _ in range(4):
            self.load("public", "internal", "clusters")
            self.check()
            for pod in self.pods:
                pod.reaches = frozenset("abc")
                pod.confirmed = self.loaded(pod)
            step = self.step(desired)
        assert step.waiting == ()
        assert self.history[-1].routes.resources == desired.routes
        assert self.history[-1].clusters.resources == desired.clusters


_CALLS: list[dict[str, list[str]]] = [
    {"a": []},
    {"b": []},
    {"a": ["b"], "b": []},
    {"b": ["c"], "c": []},
    {"a": ["c"], "c": []},
]
_ROOTS = ("a", "b", "a", "c", "c")  # the service behind / moves from one to another
_CORS = {"cors": {"allowOrigins": ["https://shop.example.com"]}}
_FOR_CLIENTS: list[dict[str, Any]] = [{}, _CORS, {"compression": {}}, {}, {**_CORS, "compression": {}}]
_SPECS = [
    desired_configuration(app_of(calls, gateway={"routes": [{"path": "//", "service": root}], **for_clients}))
    for calls, root, for_clients in zip(_CALLS, _ROOTS, _FOR_CLIENTS, strict=True)
]
# A change is through only after many events in the right order, so whole sweeps are events, too.
_EVENTS = (
    *("spec", "start", "load", "confirm", "reach", "all load clusters", "all load routes"),
    *("all confirm", "all confirm", "reconcile", "reconcile", "reconcile"),
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_pod_ever_routes_to_a_cluster_it_has_not_loaded(data: st.DataObject) -> None:
    """Pods load files in any order and at any time, answer late or never, start in the middle, and the spec changes
    again before a change is through."""
    desired = _SPECS[0]
    world = _World([next_step(None, desired, NOBODY).configuration])
    world.starts()
    for event in data.draw(st.lists(st.sampled_from(_EVENTS), max_size=40), "events"):
        match event:
            case "load":
                pod = data.draw(st.sampled_from(world.pods))
                file = data.draw(st.sampled_from(sorted(pod.at)))
                pod.at[file] = data.draw(st.integers(pod.at[file], len(world.history) - 1))
            case "all load clusters":
                world.load("clusters")
            case "all load routes":
                world.load("public", "internal")
            case "confirm":
                pod = data.draw(st.sampled_from(world.pods))
                pod.confirmed = world.loaded(pod)
            case "all confirm":
                for pod in world.pods:
                    pod.confirmed = world.loaded(pod)
            case "reach":
                reached = data.draw(st.frozensets(st.sampled_from("abc")))
                for pod in world.pods:
                    pod.reaches = reached
            case "reconcile":
                world.step(desired)
            case "spec":
                desired = data.draw(st.sampled_from(_SPECS))
            case "start":
                world.starts()
        world.check()
    world.settle(desired)


def test_an_answer_from_before_does_not_pass_for_one_from_now() -> None:
    """Routes go from a to b and back to a. A pod that is on b and last said a must not lose the cluster of b."""
    a, b = _SPECS[0], _SPECS[1]
    world = _World([next_step(None, a, NOBODY).configuration])
    world.starts()
    (pod,) = world.pods
    world.step(b)  # adds cluster b
    world.load("clusters")
    pod.reaches = frozenset("ab")
    pod.confirmed = world.loaded(pod)  # clusters a and b, routes a
    world.step(b)
    world.load("public", "internal")  # routes b, and does not say so any more
    world.step(a)
    world.step(a)
    world.load("clusters")
    world.check()
