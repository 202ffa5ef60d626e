"""The docker archives written here are what the format asks for, and the same for the same input."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cluster.archive import Image, Layer, Link, write


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    program = tmp_path / "program"
    program.write_bytes(b"binary")
    shared: Layer = {"usr/bin/program": program, "usr/bin/alias": Link("program")}
    images = [
        Image(["registry.example/one:1", "registry.example/two:1"], [shared], entrypoint=["/usr/bin/program"]),
        Image(["registry.example/three:1"], [shared, {"other": program}], command=["other"]),
    ]
    write(tmp_path / "images.tar", images, "amd64")
    return tmp_path / "images.tar"


def read(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


def manifest(archive: Path) -> Any:
    return json.loads(read(archive, "manifest.json"))


def test_layers_and_configs_have_the_digests_they_are_named_by(archive: Path) -> None:
    for image in manifest(archive):
        config = read(archive, image["Config"])
        assert image["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
        diffs = json.loads(config)["rootfs"]["diff_ids"]
        found = [f"sha256:{hashlib.sha256(read(archive, layer)).hexdigest()}" for layer in image["Layers"]]
        assert found == diffs


def test_names_and_commands(archive: Path) -> None:
    one, three = manifest(archive)
    assert one["RepoTags"] == ["registry.example/one:1", "registry.example/two:1"]
    assert json.loads(read(archive, one["Config"]))["config"]["Entrypoint"] == ["/usr/bin/program"]
    assert json.loads(read(archive, three["Config"]))["config"]["Cmd"] == ["other"]


def test_a_shared_layer_is_stored_once(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        layers = [name for name in tar.getnames() if name.endswith("layer.tar")]
    assert len(layers) == len(set(layers)) == 2


def test_a_layer_holds_files_links_and_a_folder_for_temporary_files(archive: Path, tmp_path: Path) -> None:
    layer = tmp_path / "layer.tar"
    layer.write_bytes(read(archive, manifest(archive)[0]["Layers"][0]))
    with tarfile.open(layer) as tar:
        assert tar.getmember("tmp").mode == 0o1777
        assert tar.getmember("usr/bin/alias").linkname == "program"
        assert tar.getmember("usr/bin/program").mode == 0o755
        assert {member.uid for member in tar.getmembers()} == {0}


def test_the_same_input_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    first = archive.read_bytes()
    (tmp_path / "program").touch()
    shared: Layer = {"usr/bin/program": tmp_path / "program", "usr/bin/alias": Link("program")}
    again = [
        Image(["registry.example/one:1", "registry.example/two:1"], [shared], entrypoint=["/usr/bin/program"]),
        Image(["registry.example/three:1"], [shared, {"other": tmp_path / "program"}], command=["other"]),
    ]
    write(tmp_path / "again.tar", again, "amd64")
    assert (tmp_path / "again.tar").read_bytes() == first
