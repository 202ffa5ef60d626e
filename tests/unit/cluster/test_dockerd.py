"""Stopping takes back what docker left in the machine's firewall, and nothing of anybody else's."""

from cluster.dockerd import left_behind

BEFORE = [
    "-P FORWARD ACCEPT",
    "-N KUBE-FORWARD",
    "-A FORWARD -j KUBE-FORWARD",
    "-A FORWARD -o br-other -j ACCEPT",
]


def test_rules_go_first_then_chains() -> None:
    now = [
        *BEFORE,
        "-N DOCKER",
        "-N DOCKER-USER",
        "-A FORWARD -j DOCKER-USER",
        "-A FORWARD -i br-1234 ! -o br-1234 -j ACCEPT",
        "-A DOCKER-USER -j RETURN",
    ]
    assert left_behind(BEFORE, now) == [
        ["-D", "FORWARD", "-j", "DOCKER-USER"],
        ["-D", "FORWARD", "-i", "br-1234", "!", "-o", "br-1234", "-j", "ACCEPT"],
        ["-D", "DOCKER-USER", "-j", "RETURN"],
        ["-X", "DOCKER"],
        ["-X", "DOCKER-USER"],
    ]


def test_what_was_there_before_and_what_is_not_dockers_stays() -> None:
    assert left_behind(BEFORE, [*BEFORE, "-N MINE", "-A FORWARD -j MINE"]) == []


def test_another_dockers_rules_stay() -> None:
    theirs = ["-N DOCKER", "-A FORWARD -o br-1 -j DOCKER"]
    assert left_behind(theirs, theirs) == []


def test_quoted_comments_stay_one_argument() -> None:
    rule = '-A POSTROUTING -m comment --comment "DOCKER two words" -j RETURN'
    assert left_behind([], [rule]) == [
        ["-D", "POSTROUTING", "-m", "comment", "--comment", "DOCKER two words", "-j", "RETURN"]
    ]
