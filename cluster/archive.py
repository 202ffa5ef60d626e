"""Writes images as one docker archive (what `docker load` and `ctr images import` take), from files alone."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EPOCH = "1970-01-01T00:00:00Z"
FOLDERS = ("tmp",)  # empty, writable for all


@dataclass(frozen=True)
class Link:
    """A symbolic link in a layer."""

    target: str


# path in the image → the file to put there, or a link. The same object in two images is stored once.
Layer = Mapping[str, Path | Link]


@dataclass(frozen=True)
class Image:
    """One image, under one or more names."""

    names: Sequence[str]
    layers: Sequence[Layer]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()


def write(archive: Path, images: Sequence[Image], architecture: str) -> None:
    """Writes the images. The same input gives the same bytes, and so the same digests."""
    digests: dict[int, str] = {}
    manifest = []
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as out:
        for image in images:
            for layer in image.layers:
                if id(layer) not in digests:
                    digests[id(layer)] = _add_layer(out, layer, archive.with_suffix(".layer"))
            layers = [digests[id(layer)] for layer in image.layers]
            config = json.dumps(_config(image, layers, architecture)).encode()
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add_bytes(out, name, config)
            manifest.append({
                "Config": name,
                "RepoTags": list(image.names),
                "Layers": [f"{digest}/layer.tar" for digest in layers],
            })  # fmt: skip
        _add_bytes(out, "manifest.json", json.dumps(manifest).encode())


def _config(image: Image, layers: Sequence[str], architecture: str) -> dict[str, object]:
    return {
        "architecture": architecture,
        "os": "linux",
        "created": EPOCH,
        "config": {"Env": [PATH], "Entrypoint": list(image.entrypoint), "Cmd": list(image.command)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in layers]},
        "history": [{"created": EPOCH, "created_by": "cluster/archive.py"} for _ in layers],
    }


def _add_layer(out: tarfile.TarFile, layer: Layer, scratch: Path) -> str:
    with tarfile.open(scratch, "w", format=tarfile.GNU_FORMAT) as tar:
        for folder in FOLDERS:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        for name, source in sorted(layer.items()):
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.mode = 0o755
            if isinstance(source, Link):
                entry.type, entry.linkname = tarfile.SYMTYPE, source.target
                tar.addfile(entry)
            else:
                entry.size = source.stat().st_size
                with open(source, "rb") as file:
                    tar.addfile(entry, file)
    with open(scratch, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        entry = tarfile.TarInfo(f"{digest}/layer.tar")
        entry.size = scratch.stat().st_size
        file.seek(0)
        out.addfile(entry, file)
    scratch.unlink()
    return digest


def _add_bytes(out: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    out.addfile(entry, io.BytesIO(content))
