"""What a gateway's statistics say of the configuration it has loaded."""

from __future__ import annotations

import pytest

from consumerapp_operator.plan.gateway import parse_loaded
from consumerapp_operator.plan.model import LoadedConfiguration

ANSWER = """\
cluster.order-2.membership_healthy: 2
cluster.sale.membership_healthy: 0
cluster.local_admin.membership_healthy: 1
cluster_manager.cds.version_text: "3-c"
http.internal.rds.internal.version_text: "2-r"
http.public.rds.public.version_text: "2-r"
listener_manager.lds.version_text: "1-l"
cluster_manager.warming_clusters: 0
listener_manager.total_listeners_warming: 0
"""
REACHABLE = frozenset({"order-2"})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("", "", LoadedConfiguration("1-l", "2-r", "3-c", REACHABLE), id="all is loaded"),
        pytest.param(
            "order-2.membership_healthy: 2",
            "order-2.membership_healthy: 0",
            LoadedConfiguration("1-l", "2-r", "3-c"),
            id="no replica is healthy",
        ),
        pytest.param(
            "warming_clusters: 0",
            "warming_clusters: 1",
            LoadedConfiguration("1-l", "2-r", "", REACHABLE),
            id="clusters warm",
        ),
        pytest.param(
            "listeners_warming: 0",
            "listeners_warming: 1",
            LoadedConfiguration("", "2-r", "3-c", REACHABLE),
            id="listeners warm",
        ),
        pytest.param(
            'public.version_text: "2-r"',
            'public.version_text: "4-r"',
            LoadedConfiguration("1-l", "", "3-c", REACHABLE),
            id="one route file is loaded",
        ),
        pytest.param(
            '"3-c"', '""', LoadedConfiguration("1-l", "2-r", "", REACHABLE), id="nothing was accepted since the start"
        ),
        pytest.param(ANSWER, "", LoadedConfiguration("", "", ""), id="an empty answer"),
        pytest.param(ANSWER, "<html>: 0\n", LoadedConfiguration("", "", ""), id="an answer of something else"),
    ],
)
def test_an_answer_confirms_what_is_wholly_loaded(old: str, new: str, expected: LoadedConfiguration) -> None:
    assert parse_loaded(ANSWER.replace(old, new) if old else ANSWER) == expected
