"""What a node is sent holds everything it lacks, under the right digests, and nothing it has."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from cluster import transfer
from cluster.archive import Image, Layer, write


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Two images on a common layer, in the format of docker before 25."""
    (tmp_path / "base").write_bytes(b"base" * 1000)
    (tmp_path / "code").write_bytes(b"code")
    base: Layer = {"base": tmp_path / "base"}
    images = [Image(["shop/a:1"], [base]), Image(["shop/b:1", "shop/c:1"], [base, {"code": tmp_path / "code"}])]
    write(tmp_path / "saved.tar", images, "amd64")
    return tmp_path / "saved.tar"


def sent(saved: Path, present: frozenset[str] = frozenset()) -> dict[str, bytes]:
    out = io.BytesIO()
    transfer.write(saved, out, present)
    out.seek(0)
    files = {}
    with tarfile.open(fileobj=out) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            assert member.name not in files
            files[member.name] = file.read()
    return files


def test_blobs_have_the_digests_they_are_named_by(saved: Path) -> None:
    blobs = {name: content for name, content in sent(saved).items() if name.startswith("blobs/")}
    assert len(blobs) == 6  # two layers, two configs, two manifests
    for name, content in blobs.items():
        assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def test_every_name_leads_to_its_layers(saved: Path) -> None:
    files = sent(saved)
    layers = {}
    for entry in json.loads(files["index.json"])["manifests"]:
        manifest = json.loads(files["blobs/" + entry["digest"].replace(":", "/")])
        for blob in (manifest["config"], *manifest["layers"]):
            assert len(files["blobs/" + blob["digest"].replace(":", "/")]) == blob["size"]
        layers[entry["annotations"][transfer.NAME]] = [layer["digest"] for layer in manifest["layers"]]
    assert {name: len(digests) for name, digests in layers.items()} == {
        "docker.io/shop/a:1": 1,
        "docker.io/shop/b:1": 2,
        "docker.io/shop/c:1": 2,
    }
    assert layers["docker.io/shop/a:1"] == layers["docker.io/shop/b:1"][:1]


def test_what_the_node_has_is_left_out_and_still_referred_to(saved: Path) -> None:
    everything = sent(saved)
    largest = max(everything, key=lambda name: len(everything[name]))
    less = sent(saved, frozenset({"sha256:" + largest.rsplit("/", 1)[1]}))
    assert set(everything) - set(less) == {largest}
    assert less["index.json"] == everything["index.json"]


def test_an_oci_layout_is_only_filtered(saved: Path, tmp_path: Path) -> None:
    everything = sent(saved)
    layout = tmp_path / "layout.tar"
    with open(layout, "wb") as file:
        transfer.write(saved, file, frozenset())
    assert sent(layout) == everything
    largest = max(everything, key=lambda name: len(everything[name]))
    less = sent(layout, frozenset({"sha256:" + largest.rsplit("/", 1)[1]}))
    assert less == {name: content for name, content in everything.items() if name != largest}


def test_a_layer_saved_as_a_link_is_found(saved: Path, tmp_path: Path) -> None:
    """Docker 20 saves a layer that a second image has as `<id>/layer.tar -> ../<other id>/layer.tar`."""
    linked = tmp_path / "linked.tar"
    with tarfile.open(saved) as source, tarfile.open(linked, "w") as target:
        for member in source:
            content = source.extractfile(member)
            if member.name == "manifest.json":
                manifest = json.loads(source.extractfile(member).read())  # type: ignore[union-attr]
                link = tarfile.TarInfo("other/layer.tar")
                link.type, link.linkname = tarfile.SYMTYPE, f"../{manifest[0]['Layers'][0]}"
                target.addfile(link)
                manifest[0]["Layers"] = ["other/layer.tar"]
                text = json.dumps(manifest).encode()
                member.size, content = len(text), io.BytesIO(text)
            target.addfile(member, content)
    assert sent(linked) == sent(saved)
