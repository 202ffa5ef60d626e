"""Which way to a cluster follows from what is there."""

import pytest

from cluster.choice import Choice, Findings, Way, choose, needs_own_docker


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        (Findings("", True, True), Choice(Way.PLAIN, own_docker=False)),
        (Findings("", True, False), Choice(Way.MADE_IMAGE, own_docker=False)),
        (Findings("", False, True), Choice(Way.PLAIN, own_docker=True)),
        (Findings("", False, False), Choice(Way.MADE_IMAGE, own_docker=True)),
        (Findings("kind", True, True), Choice(Way.PLAIN, own_docker=False)),
        (Findings("current", True, True), Choice(Way.CURRENT, own_docker=False)),
        (Findings("current", False, False), Choice(Way.CURRENT, own_docker=False)),
    ],
    ids=str,
)
def test_only_what_is_missing_is_replaced(findings: Findings, expected: Choice) -> None:
    assert choose(findings) == expected
    assert needs_own_docker(findings) == expected.own_docker


def test_an_unknown_target_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"KUBECONFIG_TARGET=mine .*`current`"):
        choose(Findings("mine", docker_answers=True))
