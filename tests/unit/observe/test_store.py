"""The store: who owns what, what is news, and what is older than what is known."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.api.names import API_VERSION, KIND, LABEL_PART_OF
from consumerapp_operator.observe.store import AppKey, Store
from consumerapp_operator.plan.model import ObjectKey
from consumerapp_operator.scale.model import Decision, Limit, WorkloadKey, WorkloadKind

SHOP = AppKey("default", "shop")
ORDER = WorkloadKey(WorkloadKind.SERVICE, "order")


def app(version: int = 1, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "shop", "namespace": "default", "uid": "app", "resourceVersion": str(version)}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def child(name: str, version: int = 1, *, uid: str = "u", app: str | None = "shop", **data: str) -> dict[str, Any]:
    labels = {LABEL_PART_OF: app} if app else {}
    metadata = {
        "name": name,
        "namespace": "default",
        "uid": uid,
        "resourceVersion": str(version),
        "labels": labels,
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def key(name: str) -> ObjectKey:
    return ObjectKey("v1", "ConfigMap", "default", name)


class Notes(list[AppKey]):
    def __call__(self, owner: AppKey) -> None:
        self.append(owner)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def store(notes: Notes) -> Store:
    return Store(notes)


def test_an_object_is_found_under_its_owner(store: Store, notes: Notes) -> None:
    store.put(app())
    store.put(child("a", x="1"))
    assert store.keys() == [SHOP]
    assert list(store.children(SHOP)) == [key("a")]
    assert notes == [SHOP, SHOP]


def test_what_is_no_part_of_an_app_is_not_kept(store: Store, notes: Notes) -> None:
    assert not store.put(child("a", app=None))
    assert notes == []


def test_the_same_again_is_no_news(store: Store, notes: Notes) -> None:
    store.put(child("a", 1, x="1"))
    assert not store.put(child("a", 2, x="1"))
    assert notes == [SHOP]


def test_an_older_version_is_ignored(store: Store) -> None:
    store.put(child("a", 5, x="new"))
    assert not store.put(child("a", 4, x="old"))
    assert store.children(SHOP)[key("a")]["data"] == {"x": "new"}


def test_a_new_object_of_the_same_name_counts_whatever_its_version(store: Store) -> None:
    store.put(child("a", 5, uid="first"))
    assert store.put(child("a", 4, uid="second"))


def test_a_deletion_of_the_former_object_does_not_take_the_new_one(store: Store) -> None:
    store.put(child("a", 5, uid="second"))
    assert not store.remove(child("a", 6, uid="first"))
    assert key("a") in store.children(SHOP)
    assert store.remove(child("a", 7, uid="second"))
    assert key("a") not in store.children(SHOP)


def test_a_deletion_is_news(store: Store, notes: Notes) -> None:
    store.put(child("a"))
    notes.clear()
    store.remove(child("a", 2))
    assert notes == [SHOP]


def test_an_object_whose_label_was_taken_away_is_removed_by_its_name(store: Store) -> None:
    store.put(child("a"))
    assert store.remove(child("a", 2, app=None))
    assert store.children(SHOP) == {}


def test_an_object_that_changes_owner_leaves_the_first_one(store: Store, notes: Notes) -> None:
    store.put(child("a"))
    notes.clear()
    store.put(child("a", 2, app="other"))
    assert store.children(SHOP) == {}
    assert list(store.children(AppKey("default", "other"))) == [key("a")]
    assert set(notes) == {SHOP, AppKey("default", "other")}


def test_ghosts_are_what_a_complete_list_did_not_show(store: Store, notes: Notes) -> None:
    store.put(child("gone"))
    store.put(child("there"))
    mark = store.mark()
    store.put(child("created-meanwhile"))
    notes.clear()
    assert store.prune_ghosts({key("there")}, {"ConfigMap"}, mark) == [key("gone")]
    assert set(store.children(SHOP)) == {key("there"), key("created-meanwhile")}
    assert notes == [SHOP]


def test_ghosts_are_looked_for_among_the_listed_kinds_only(store: Store) -> None:
    store.put(app())
    assert store.prune_ghosts((), {"ConfigMap"}, store.mark()) == []
    assert store.prune_ghosts((), {KIND}, store.mark()) == [ObjectKey(API_VERSION, KIND, "default", "shop")]
    assert store.keys() == []


def decision(at: float, observed: str = "3", decided: int = 2, limits: tuple[Limit, ...] = ()) -> Decision:
    return Decision(ORDER, at, 2, decided, decided, "Concurrency", observed, "10", limits, "because")


def test_a_decision_is_news_only_if_more_than_the_measurement_moved(store: Store, notes: Notes) -> None:
    store.decide(SHOP, [decision(1)])
    assert notes == [SHOP]
    store.decide(SHOP, [decision(2, observed="3.1")])
    assert notes == [SHOP]
    assert store.decisions[SHOP][ORDER].at == 2, "yet the last one is what is shown"
    store.decide(SHOP, [decision(3, decided=3)])
    store.decide(SHOP, [decision(4, decided=3, limits=(Limit("Max", 3, "max"),))])
    assert notes == [SHOP, SHOP, SHOP]


def test_decisions_go_with_the_app(store: Store) -> None:
    store.put(app())
    store.decide(SHOP, [decision(1)])
    store.remove(app(2))
    assert store.decisions == {}
