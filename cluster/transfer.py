"""Turns what `docker save` writes into an OCI layout without the layers that a node already has.

A change of code is a layer of kilobytes on top of hundreds of megabytes, and `ctr images import` copies and
hashes whatever it is given.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import IO, Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
NAME = "io.containerd.image.name"
BLOBS = "blobs/sha256/"


def write(saved: Path, out: IO[bytes], present: Collection[str]) -> None:
    """Writes all images in the archive `saved`, less the blobs whose digests ("sha256:…") are `present`."""
    with tarfile.open(saved) as source, tarfile.open(fileobj=out, mode="w|") as target:
        if "index.json" in source.getnames():
            _filtered(source, target, present)  # docker 25 and later save an OCI layout by themselves
        else:
            _converted(source, target, present)


def _filtered(source: tarfile.TarFile, target: tarfile.TarFile, present: Collection[str]) -> None:
    for member in source:
        if f"sha256:{member.name.removeprefix(BLOBS)}" not in present:
            target.addfile(member, source.extractfile(member) if member.isfile() else None)


def _converted(source: tarfile.TarFile, target: tarfile.TarFile, present: Collection[str]) -> None:
    written = set(present)

    def blob(digest: str, size: int, content: IO[bytes]) -> None:
        if digest not in written:
            written.add(digest)
            _add(target, BLOBS + digest.removeprefix("sha256:"), size, content)

    index = []
    for image in json.loads(_open(source, "manifest.json").read()):
        config = _open(source, image["Config"]).read()
        # The config names the layers' digests in the order in which the archive names their files.
        digests = json.loads(config)["rootfs"]["diff_ids"]
        layers = []
        for digest, name in zip(digests, image["Layers"], strict=True):
            size = _file(source, name).size
            layers.append(_descriptor(LAYER, digest, size))
            blob(digest, size, _open(source, name))
        described = _descriptor(CONFIG, _digest(config), len(config))
        manifest = _json(schemaVersion=2, mediaType=MANIFEST, config=described, layers=layers)
        for content in (config, manifest):
            blob(_digest(content), len(content), io.BytesIO(content))
        described = _descriptor(MANIFEST, _digest(manifest), len(manifest))
        index += [{**described, "annotations": {NAME: f"docker.io/{tag}"}} for tag in image["RepoTags"]]
    files = {
        "oci-layout": _json(imageLayoutVersion="1.0.0"),
        "index.json": _json(schemaVersion=2, manifests=index),
    }
    for name, content in files.items():
        _add(target, name, len(content), io.BytesIO(content))


def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(_file(archive, name))
    assert file is not None
    return file


def _file(archive: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    """The file by that name: docker saves a layer once, and links to it from the other images that have it."""
    member = archive.getmember(name)
    while member.issym():
        path: list[str] = []
        for part in (PurePosixPath(member.name).parent / member.linkname).parts:
            path = path[:-1] if part == ".." else [*path, part]
        member = archive.getmember("/".join(path))
    return member


def _json(**values: object) -> bytes:
    return json.dumps(values).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _add(target: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    target.addfile(entry, content)
