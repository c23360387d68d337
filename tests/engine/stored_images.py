"""Stored images made by hand: layers, OCI layouts and `docker save` archives, right and wrong ones."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reprocheck.engine.oci_image import StoredImage
from reprocheck.engine.view import View
from reprocheck.limits import DEFAULT, Limits
from reprocheck.ports import Interest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FILE, DIRECTORY, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE

Part = tuple[str, bytes, bytes | str]
"""Name, tar type, content or link target."""

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"
HERE = {"os": "linux", "architecture": "amd64"}
ENVIRONMENT = ["PATH=/usr/bin", "LANG=C.UTF-8"]


def file(name: str, content: bytes = b"") -> Part:
    return name, FILE, content


def directory(name: str) -> Part:
    return name, DIRECTORY, b""


def tar(*parts: Part, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar stream of these members, in this order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, kind, content in parts:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.mode = 0o755 if kind == DIRECTORY else 0o644
            if isinstance(content, str):
                member.linkname = content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def packed(raw: bytes, compression: str) -> bytes:
    """Compress as `gzip`, `zstd`, or not at all."""
    if compression == "gzip":
        return gzip.compress(raw, mtime=0)
    return zstd.compress(raw) if compression == "zstd" else raw


def packed_with_checksum(raw: bytes) -> bytes:
    """Compress as a zstd frame with a checksum at its end."""
    return zstd.compress(raw, options={zstd.CompressionParameter.checksum_flag: 1})


def digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def configuration(layers: Iterable[bytes], **changes: object) -> bytes:
    """The configuration of an image with these plain layers."""
    document: dict[str, object] = {
        **HERE,
        "config": {"Env": ENVIRONMENT, "Cmd": ["python3"], "WorkingDir": "/work", "User": "1000"},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
    }
    return json.dumps({**document, **changes}).encode()


@dataclass
class Layout:
    """An OCI layout as names and bytes, to be written as a directory or as a tar file."""

    files: dict[str, bytes] = field(default_factory=lambda: {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'})

    def blob(self, raw: bytes, media_type: str, **more: object) -> dict[str, object]:
        """Add a blob; gives its descriptor."""
        self.files[f"blobs/sha256/{hashlib.sha256(raw).hexdigest()}"] = raw
        return {"mediaType": media_type, "digest": digest(raw), "size": len(raw), **more}

    def image(
        self,
        *layers: bytes,
        compression: str = "gzip",
        config: bytes | None = None,
        name: str = "",
        **more: object,
    ) -> dict[str, object]:
        """Add an image; gives the descriptor of its manifest."""
        suffix = f"+{compression}" if compression else ""
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": self.blob(configuration(layers) if config is None else config, f"{OCI}.config.v1+json"),
            "layers": [self.blob(packed(raw, compression), f"{OCI}.layer.v1.tar{suffix}") for raw in layers],
        }
        return self.document(manifest, **{**(named(name) if name else {}), **more})

    def document(self, document: Mapping[str, object], **more: object) -> dict[str, object]:
        """Add a manifest or an index; gives its descriptor."""
        return self.blob(json.dumps(document).encode(), str(document["mediaType"]), **more)

    def index(self, *descriptors: object) -> Layout:
        """Set `index.json`."""
        document = {"schemaVersion": 2, "manifests": descriptors}
        self.files["index.json"] = json.dumps(document).encode()
        return self

    def directory(self, where: Path) -> Path:
        for name, raw in self.files.items():
            where.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            where.joinpath(name).write_bytes(raw)
        return where

    def tar(self, where: Path, *, compression: str = "") -> Path:
        where.write_bytes(packed(tar(*(file(*item) for item in self.files.items())), compression))
        return where


def named(name: str) -> dict[str, object]:
    """The annotation that gives an image its name in a layout."""
    return {"annotations": {"org.opencontainers.image.ref.name": name}}


def saved(where: Path, *parts: Part, manifest: object, compression: str = "") -> Path:
    """Write a `docker save` archive; its manifest comes last, as docker writes it."""
    raw = tar(*parts, file("manifest.json", json.dumps(manifest).encode()))
    where.write_bytes(packed(raw, compression))
    return where


def read(image: StoredImage, *, limits: Limits = DEFAULT) -> View:
    """Merge the layers, everything kept."""
    return image.read(interest=Interest(keep=lambda _path: True), limits=limits)


def rows(view: View) -> set[tuple[str, str, str, int, int]]:
    return {(e.path, e.kind, e.target, e.size, e.mode) for e in view.tree.entries.values()}
