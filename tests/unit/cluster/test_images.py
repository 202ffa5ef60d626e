"""Which images there are, what goes into them, and which of them a node has to be given."""

import re
from pathlib import Path

import pytest

from cluster import delivery, images
from cluster.commands import ClusterError
from cluster.settings import TARGETS, layout

CHECKOUT = layout().checkout


def test_every_target_is_a_stage_of_the_dockerfile() -> None:
    stages = re.findall(r"^FROM .* AS (\S+)$", (CHECKOUT / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert set(TARGETS) <= set(stages)


def test_inputs_are_what_the_dockerfile_copies() -> None:
    text = (CHECKOUT / "Dockerfile").read_text()
    copied = [CHECKOUT / path for path in re.findall(r"^COPY (?!--from)(\S+)", text, flags=re.MULTILINE)]
    inputs = images.inputs(CHECKOUT)
    assert copied
    assert [path for path in copied if not {path, *path.parents} & set(inputs)] == []


def test_no_target_named_means_all_in_the_files_order() -> None:
    assert images.wanted_targets([]) == list(TARGETS)
    assert images.wanted_targets(["user", "operator"]) == ["operator", "user"]


def test_an_unknown_target_is_named_with_those_that_exist() -> None:
    with pytest.raises(ClusterError, match=r"no such image: orders\. There are: operator, gateway"):
        images.wanted_targets(["orders"])


@pytest.mark.parametrize(
    ("present", "remembered", "expected"),
    [
        ([], {}, ["a", "b"]),
        (["docker.io/a", "docker.io/b"], {"a": "1", "b": "2"}, []),
        (["docker.io/a", "docker.io/b"], {"a": "1", "b": "old"}, ["b"]),
        (["docker.io/a"], {"a": "1", "b": "2"}, ["b"]),
        (["docker.io/a", "docker.io/b"], {}, ["a", "b"]),
        (["a", "b"], {"a": "1", "b": "2"}, []),
    ],
    ids=["empty node", "all there", "one changed", "one thrown away", "nothing remembered", "short names"],
)
def test_only_changed_images_are_loaded(present: list[str], remembered: dict[str, str], expected: list[str]) -> None:
    assert delivery.to_load({"a": "1", "b": "2"}, present, remembered) == expected


def test_build_context_has_no_folder_of_certificates_from_an_earlier_machine(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca/stale.crt").write_text("x")
    images.write_authorities(tmp_path / "ca", tmp_path / "none")
    assert list((tmp_path / "ca").iterdir()) == []
