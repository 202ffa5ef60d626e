"""What the machine lacks is named, with what to do."""

import socket
from pathlib import Path

import pytest

from cluster import machine
from cluster.commands import ClusterError, CommandError, Commands, output, succeeds


def test_too_little_disk_names_folder_numbers_and_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=rf"{tmp_path}: .* GB free, 1000000000 GB needed.*XDG_CACHE_HOME"):
        machine.require_disk(tmp_path / "not" / "there" / "yet", gigabytes=10**9)


def test_enough_disk_passes(tmp_path: Path) -> None:
    machine.require_disk(tmp_path, gigabytes=0)


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ClusterError, match=rf"127\.0\.0\.1:{port}, .* is in use"):
            machine.require_free_port(port)
    machine.require_free_port(port)


@pytest.mark.parametrize(
    ("word", "release"),
    [("go1.26.8", (1, 26)), ("go1.21", (1, 21)), ("go1.27rc1", (1, 27)), ("go1.19.8", (1, 19))],
)
def test_go_release(word: str, release: tuple[int, int]) -> None:
    assert machine.go_release(word) == release


def test_a_failed_command_shows_the_end_of_its_output_and_where_the_rest_is(tmp_path: Path) -> None:
    script = "for i in $(seq 100); do echo line $i; done; exit 3"
    with pytest.raises(CommandError) as failure:
        Commands(tmp_path).run("step", "sh", "-c", script)
    assert failure.value.code == 3
    assert "line 100" in str(failure.value)
    assert "line 1\n" not in str(failure.value)
    assert str(tmp_path / "step.log") in str(failure.value)
    assert "line 1\n" in (tmp_path / "step.log").read_text()


def test_ended_commands_end_now_and_later(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    commands.end_all()
    with pytest.raises(CommandError):
        commands.run("step", "sleep", "60")


def test_lines_arrive_as_they_come(tmp_path: Path) -> None:
    lines: list[str] = []
    Commands(tmp_path).run("step", "sh", "-c", "echo a; echo b >&2", on_line=lines.append)
    assert lines == ["a", "b"]


def test_a_missing_program_and_a_slow_one_are_told_apart() -> None:
    with pytest.raises(ClusterError, match="no-such-program: not found"):
        output("no-such-program")
    with pytest.raises(ClusterError, match=r"sleep 5: no answer within 0 s"):
        output("sleep", "5", timeout_s=0.1)
    assert not succeeds("false")
    assert succeeds("true")
