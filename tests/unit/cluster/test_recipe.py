"""Cache keys change with what a result is made of and with nothing else; results are whole or absent."""

from pathlib import Path

import pytest

from cluster import recipe


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/main.go").write_text("package main")
    (folder / "go.mod").write_text("module x")
    return folder


def test_same_input_gives_same_key(source: Path) -> None:
    before = recipe.key("v1", files=[source])
    (source / "go.mod").touch()
    assert recipe.key("v1", files=[source]) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "go.mod").write_text("module y"),
        lambda folder: (folder / "new").write_text(""),
        lambda folder: (folder / "go.mod").unlink(),
        lambda folder: (folder / "go.mod").rename(folder / "go.sum"),
        lambda folder: (folder / "go.mod").chmod(0o755),
        lambda folder: (folder / "deep/main.go").rename(folder / "main.go"),
    ],
    ids=["content", "new file", "file gone", "renamed", "executable", "moved"],
)
def test_a_change_of_files_changes_the_key(source: Path, change: object) -> None:
    before = recipe.key("v1", files=[source])
    assert callable(change)
    change(source)
    assert recipe.key("v1", files=[source]) != before


@pytest.mark.parametrize("name", ["__pycache__/x.pyc", "deep/main_test.go", ".mypy_cache/y"])
def test_what_is_in_no_result_leaves_the_key(source: Path, name: str) -> None:
    before = recipe.key("v1", files=[source])
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).write_text("anything")
    assert recipe.key("v1", files=[source]) == before


def test_values_are_kept_apart() -> None:
    assert recipe.key("ab", "c") != recipe.key("a", "bc")


def test_a_missing_file_counts(tmp_path: Path) -> None:
    before = recipe.key(files=[tmp_path / "lock"])
    (tmp_path / "lock").write_text("x")
    assert recipe.key(files=[tmp_path / "lock"]) != before


def test_staged_result_appears_only_when_finished(tmp_path: Path) -> None:
    final = tmp_path / "results" / "one"
    with recipe.staged(final) as temporary:
        temporary.mkdir()
        (temporary / "file").write_text("new")
        assert not final.exists()
    assert (final / "file").read_text() == "new"
    assert list(final.parent.iterdir()) == [final]


def test_interrupted_result_leaves_the_old_one_and_is_removed_the_next_time(tmp_path: Path) -> None:
    final = tmp_path / "one"
    final.write_text("old")

    def interrupted() -> None:
        with recipe.staged(final) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert final.read_text() == "old"
    with recipe.staged(final) as temporary:
        assert not temporary.exists()
        temporary.write_text("new")
    assert final.read_text() == "new"


def test_keep_only_removes_other_versions(tmp_path: Path) -> None:
    for version in ("a", "b", "c"):
        (tmp_path / version).mkdir()
    recipe.keep_only(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_removing_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    recipe.remove(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["real"]


def test_mounts_below_are_named_last_mounted_first() -> None:
    table = [
        "proc /proc proc rw 0 0",
        "tmpfs /cache/tree/dev tmpfs rw 0 0",
        "tmpfs /cache/tree/dev/shm tmpfs rw 0 0",
        "tmpfs /cache/tree-2 tmpfs rw 0 0",
        "/dev/vda /cache/tree ext4 rw 0 0",
    ]
    assert recipe.mounts_below("/cache/tree", table) == ["/cache/tree/dev/shm", "/cache/tree/dev"]
