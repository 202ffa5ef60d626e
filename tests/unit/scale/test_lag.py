"""Workers follow their lag: to nothing and back."""

from __future__ import annotations

import pytest

from consumerapp_operator.api.app import ConsumerApp, read_app
from consumerapp_operator.scale.decide import decide
from consumerapp_operator.scale.history import History
from consumerapp_operator.scale.model import Decision, Load, Observation, Replicas
from consumerapp_operator.scale.workload import BUS, worker_key

KEY = worker_key("notifier")
WINDOW = 60


def app(replicas: int = 1) -> ConsumerApp:
    scaling = {"min": 0, "max": 5, "behavior": {"scaleDown": {"stabilizationWindowSeconds": WINDOW}}}
    worker = {"name": "notifier", "image": "x", "consumes": ["a.b"], "scaling": scaling}
    spec = {
        "bus": {"type": "nats", "replicas": replicas},
        "services": [{"name": "a", "image": "x"}],
        "workers": [worker],
    }
    return read_app({"metadata": {"namespace": "n", "name": "shop", "uid": "u"}, "spec": spec})


def at(now: float, desired: int, lag: float | None, history: History = History()) -> tuple[Decision, History]:  # noqa: B008
    loads = {} if lag is None else {KEY: Load(now, 0, 0, 0, None, lag=lag)}
    observation = Observation({KEY: Replicas(desired, desired)}, loads, "no bus server is ready")
    (decision,), after = decide(app(), observation, history, now)
    return decision, after


@pytest.mark.parametrize(
    ("desired", "lag", "decided"),
    [(0, 0, 0), (0, 1, 1), (0, 120, 3), (1, 1, 1), (1, 50, 1), (1, 101, 3), (1, 10_000, 5), (5, 10_000, 5)],
)
def test_up_at_once(desired: int, lag: float, decided: int) -> None:
    assert at(1000, desired, lag)[0].decided == decided


def test_down_to_nothing_only_after_a_whole_window_without_lag() -> None:
    decision, history = at(1000, 1, 0)
    assert decision.decided == 1
    assert decision.limits[0].by == "Stabilization"
    decision, history = at(1000 + WINDOW / 2, 1, 3, history)
    decision, history = at(1000 + WINDOW + 1, 1, 0, history)
    assert decision.decided == 1, "there was something to do within the window"
    decision, _ = at(1000 + 1.5 * WINDOW + 2, 1, 0, history)
    assert decision.decided == 0


@pytest.mark.parametrize("desired", [0, 1, 4])
def test_without_data_a_count_is_held_and_says_so(desired: int) -> None:
    _, history = at(1000, desired, 10)
    decision, _ = at(1000 + 10 * WINDOW, desired, None, history)
    assert decision.decided == desired
    assert (decision.trigger, "no bus server is ready" in decision.reason) == ("NoData", True)


def test_the_reason_names_the_lag() -> None:
    assert "120.0 events waiting" in at(1000, 1, 120)[0].reason


@pytest.mark.parametrize("replicas", [1, 3])
def test_the_bus_has_as_many_servers_as_the_spec_says(replicas: int) -> None:
    decisions, _ = decide(app(replicas), Observation({BUS: Replicas(1, 1)}, {}), History(), 0)
    assert [decision.decided for decision in decisions] == [replicas]
