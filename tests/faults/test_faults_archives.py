"""Image archives and layouts that are damaged, hostile or bombs: refused in one line, and nothing is left."""

from __future__ import annotations

import gzip
import json
import random
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.stored_images import (
    HARD,
    LINK,
    OCI,
    Layout,
    Part,
    configuration,
    digest,
    directory,
    file,
    saved,
    tar,
)
from tests.faults.harness import Done, World, document

OS = file("etc/os-release", b"ID=debian\nVERSION_ID=12\n")
ROOT = (directory("etc"), OS)
CANARY = b"Package: canary\n"
EVIL = "a\x1b]0;owned\x07b\x9b31mc\u202ed\u200be"


def snapshot(world: World, target: str, *options: str) -> Done:
    """Take one into `m.json`; what this machine is like does not matter."""
    return world.run("snapshot", target, "--no-syft", "--no-cache", "-o", "m.json", *options)


def docker_archive(place: Path, *layers: bytes, config: bytes | None = None) -> str:
    """A plain `docker save` archive of these layers."""
    config = configuration(layers) if config is None else config
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": f"{digest(config)[7:]}.json", "RepoTags": ["a:1"], "Layers": names}]
    parts = [file(name, layer) for name, layer in zip(names, layers, strict=True)]
    saved(place / "a.tar", *parts, file(f"{digest(config)[7:]}.json", config), manifest=manifest)
    return f"docker-archive:{place}/a.tar"


def oci_archive(place: Path, *layers: bytes) -> str:
    layout = Layout()
    layout.index(layout.image(*layers)).tar(place / "a.tar")
    return f"oci-archive:{place}/a.tar"


def oci(place: Path, *layers: bytes) -> str:
    layout = Layout()
    return f"oci:{layout.index(layout.image(*layers)).directory(place / 'layout')}"


FORMS = (docker_archive, oci_archive, oci)
Form = Callable[..., str]


def raw_member(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """One tar header with a size as given, and a right checksum."""
    header = bytearray(512)
    header[: len(name)] = name.encode()
    header[100:108] = b"0000644\0"
    header[108:116] = header[116:124] = b"0000000\0"
    header[124:136] = size.ljust(12, b"\0")
    header[136:148] = b"00000000000\0"
    header[156:157] = kind
    header[257:265] = b"ustar\x0000"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def binary_size(size: int) -> bytes:
    return b"\x80" + bytes(3) + struct.pack(">q", size)


def open_end(*parts: Part) -> bytes:
    """The members of a tar archive, without the zeros that end it."""
    raw = tar(*parts)
    while raw.endswith(bytes(512)):
        raw = raw[:-512]
    return raw


END = bytes(1024)

LAYERS: dict[str, tuple[bytes, int, str]] = {
    "a name that goes up": (tar(*ROOT, file("../../canary", CANARY)), 2, "E_TAR_HOSTILE"),
    "a name that goes up inside": (tar(*ROOT, file("etc/../../canary", CANARY)), 2, "E_TAR_HOSTILE"),
    "a hard link to nothing": (tar(*ROOT, ("x", HARD, "not/there")), 2, "E_TAR_HOSTILE"),
    "a hard link to itself": (tar(*ROOT, ("x", HARD, "x")), 2, "E_TAR_HOSTILE"),
    "a hard link out of the root": (tar(*ROOT, ("x", HARD, "../../etc/passwd")), 2, "E_TAR_HOSTILE"),
    "a path below a file": (tar(*ROOT, file("etc/os-release/x")), 2, "E_TAR_HOSTILE"),
    "a path below a whiteout": (tar(*ROOT, file("etc/.wh.x/y")), 2, "E_TAR_HOSTILE"),
    "a member of 2^62 bytes": (open_end(*ROOT) + raw_member("big", binary_size(2**62)) + END, 3, "E_LIMIT"),
    "a member of 2^40 bytes": (open_end(*ROOT) + raw_member("big", binary_size(2**40)) + END, 3, "E_LIMIT"),
    "a size below zero": (
        open_end(*ROOT) + raw_member("big", b"\xff" * 10 + b"\xfe\0") + END,
        2,
        "E_TAR_HOSTILE",
    ),
    "a header of garbage": (open_end(*ROOT) + b"\x01garbage" * 64 + END, 2, "E_ARCHIVE_DAMAGED"),
    "a chain of long names": (
        (raw_member("././@LongLink", b"00000000002\0", b"L") + b"x".ljust(512, b"\0")) * 2000,
        2,
        "E_TAR_HOSTILE",
    ),
    "a long name of 2^40 bytes": (
        raw_member("././@LongLink", binary_size(2**40), b"L") + END,
        3,
        "E_LIMIT",
    ),
    "an end after a member": (open_end(*ROOT), 2, "E_ARCHIVE_DAMAGED"),
    "an end inside a member": (open_end(*ROOT)[:-300], 2, "E_ARCHIVE_DAMAGED"),
    "an end inside its marker": (open_end(*ROOT) + bytes(512), 2, "E_ARCHIVE_DAMAGED"),
    "nothing at all": (b"", 2, "E_ARCHIVE_DAMAGED"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", LAYERS)
def test_hostile_layers_are_refused(world: World, tmp_path: Path, kind: str, form: Form) -> None:
    """The layer breaks the rules, though its digests are right: whoever made the image made it so."""
    layer, code, error = LAYERS[kind]
    snapshot(world, form(tmp_path, layer)).failed(code, error, "layer 1 of ")
    world.check()


HARMLESS: dict[str, tuple[Part, ...]] = {
    "links in a circle": (("a", LINK, "b"), ("b", LINK, "a"), ("var", LINK, "var/lib"), ("usr", LINK, "usr")),
    "links out of the root": (
        ("var", LINK, "/../../../../../../var"),
        ("usr", LINK, "../../../../../../usr"),
        ("lib", LINK, "/proc/self/root/lib"),
    ),
    "devices and pipes": (
        ("dev/sda", tarfile.BLKTYPE, b""),
        directory("var/lib/dpkg"),
        ("var/lib/dpkg/status", tarfile.CHRTYPE, b""),
        ("usr/lib/python3/dist-packages/a-1.dist-info/METADATA", tarfile.FIFOTYPE, b""),
        ("usr/lib/os-release", tarfile.FIFOTYPE, b""),
    ),
    "an absolute name": (file("/etc/canary", CANARY), file("//etc//canary2", CANARY)),
    "names that a terminal acts on": (file(f"usr/lib/{EVIL}/METADATA"), file(f"usr/lib/lib{EVIL}.so.1")),
    "a deep tree": (file("/".join(["d"] * 1500) + "/x"),),
    "one name twice": (file("etc/os-release", b"ID=debian\nVERSION_ID=99\n"), OS),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", HARMLESS)
def test_odd_members_harm_nothing(world: World, tmp_path: Path, kind: str, form: Form) -> None:
    """They may be what an image holds: no link leads out of it, and only what was wanted is unknown."""
    done = snapshot(world, form(tmp_path, tar(*ROOT, *HARMLESS[kind])))
    done.quiet()
    manifest = document(world.cwd / "m.json")
    assert (manifest["os"]["id"], manifest["os"]["version_id"]) == ("debian", "12")
    assert manifest["packages"] == []
    assert done.code == (4 if manifest["unknowns"] else 0), done
    assert bool(manifest["unknowns"]) == (kind == "devices and pipes"), manifest["unknowns"]
    world.check("m.json")


def test_nothing_of_a_link_out_of_the_root_is_read(world: World, tmp_path: Path) -> None:
    """This machine's own os-release and packages must not stand in the image's manifest."""
    layer = tar(("etc", LINK, "/../../../etc"), ("usr", LINK, "../../usr"), ("var", LINK, "/../var"))
    done = snapshot(world, docker_archive(tmp_path, layer))
    assert done.code == 0, done
    manifest = document(world.cwd / "m.json")
    assert manifest.get("os") is None
    assert manifest["packages"] == manifest["pythons"] == manifest["libraries"] == []


@pytest.mark.parametrize("form", FORMS)
def test_an_image_of_nothing_is_a_fact(world: World, tmp_path: Path, form: Form) -> None:
    """Without a layer, as `FROM scratch` alone, and with an empty one."""
    for number, layers in enumerate(((), (tar(),))):
        place = tmp_path / str(number)
        place.mkdir()
        done = snapshot(world, form(place, *layers), "--force")
        done.quiet()
        assert done.code == 0, done
        manifest = document(world.cwd / "m.json")
        assert manifest["packages"] == manifest["unknowns"] == []
        assert manifest["image"]["diff_ids"] == [digest(layer) for layer in layers]


@pytest.mark.parametrize("form", [docker_archive, oci_archive])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_refused(
    world: World, tmp_path: Path, form: Form, compress: Callable[[bytes], bytes], cut: float
) -> None:
    noise = random.Random(1)
    form(tmp_path, tar(*ROOT, *(file(f"f{number}", noise.randbytes(3000)) for number in range(40))))
    raw = compress((tmp_path / "a.tar").read_bytes())
    (tmp_path / "a.tar").write_bytes(raw[: int(len(raw) * cut)])
    scheme = "docker-archive" if form is docker_archive else "oci-archive"
    done = snapshot(world, f"{scheme}:{tmp_path}/a.tar")
    done.failed(2, "E_COMPRESSION" if compress is gzip.compress else "E_ARCHIVE_DAMAGED")
    world.check()


def test_an_archive_that_ends_cleanly_after_a_member_is_refused(world: World, tmp_path: Path) -> None:
    """`tarfile` takes it for whole; what is missing could be another manifest."""
    docker_archive(tmp_path, tar(*ROOT))
    raw = (tmp_path / "a.tar").read_bytes()
    while raw.endswith(bytes(512)):
        raw = raw[:-512]
    (tmp_path / "a.tar").write_bytes(raw)
    snapshot(world, f"docker-archive:{tmp_path}/a.tar").failed(2, "E_ARCHIVE_DAMAGED")
    world.check()


def bomb(size: int) -> bytes:
    """A gzip stream of so many zeros, made without holding them."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    return b"".join([*(pack.compress(block) for _ in range(size >> 20)), pack.flush()])


def test_a_layer_that_unpacks_without_end_hits_a_named_limit(world: World, tmp_path: Path) -> None:
    """256 MiB in 260 kB; the scale makes the limit of 32 GiB small enough for a test."""
    layout = Layout()
    layer = layout.blob(bomb(256 << 20), f"{OCI}.layer.v1.tar+gzip")
    layout.index(described(layout, layer, configuration([bytes(512)])))
    layout.tar(tmp_path / "a.tar")
    done = snapshot(world, f"oci-archive:{tmp_path}/a.tar", "--limit-scale", "0.001")
    done.failed(3, "E_LIMIT", "image_stream", "--limit-scale")
    world.check()


def test_an_archive_that_unpacks_without_end_hits_a_named_limit(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(bomb(256 << 20))
    for scheme in ("docker-archive", "oci-archive"):
        done = snapshot(world, f"{scheme}:{tmp_path}/a.tar", "--limit-scale", "0.001")
        assert done.code in (2, 3), done
        done.failed(done.code, "E_LIMIT" if done.code == 3 else "E_NOT_AN_ARCHIVE")
    world.check()


def described(layout: Layout, layer: object, config: bytes, **more: object) -> dict[str, object]:
    """A manifest of one layer, as given, with `more` fields."""
    return layout.document(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": layout.blob(config, f"{OCI}.config.v1+json"),
            "layers": [layer],
            **more,
        }
    )


def changed_blob(layout: Layout) -> None:
    layer = tar(*ROOT)
    layout.index(layout.image(layer, compression=""))
    name = f"blobs/sha256/{digest(layer)[7:]}"
    layout.files[name] = layer.replace(b"ID=debian", b"ID=fedora")


def changed_layer(layout: Layout) -> None:
    layout.index(layout.image(tar(*ROOT), config=configuration([tar(file("other"))])))


def both(layout: Layout) -> None:
    layer = layout.blob(tar(*ROOT), f"{OCI}.layer.v1.tar")
    layout.index(described(layout, layer, configuration([tar(*ROOT)]), manifests=[]))


def other_media_type(layout: Layout) -> None:
    one = layout.image(tar(*ROOT))
    layout.index({**one, "mediaType": f"{OCI}.index.v1+json"})


def missing_blob(layout: Layout) -> None:
    layer = tar(*ROOT)
    layout.index(layout.image(layer, compression=""))
    del layout.files[f"blobs/sha256/{digest(layer)[7:]}"]


def fewer_layers(layout: Layout) -> None:
    layout.index(layout.image(tar(*ROOT), config=configuration([tar(*ROOT), tar()])))


def climbing_digest(layout: Layout) -> None:
    one = layout.image(tar(*ROOT))
    layout.index({**one, "digest": "sha256:../../../../../../etc/passwd"})


def itself(layout: Layout) -> None:
    """No document can hold its own digest; a chain of indexes is as near as it comes."""
    inner = layout.image(tar(*ROOT))
    for _ in range(50):
        inner = layout.document(
            {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [inner]}
        )
    layout.index(inner)


def garbage(layout: Layout) -> None:
    layout.files["index.json"] = b'{"schemaVersion": 2, "manifests": [' + b"[" * 100_000


def escapes(layout: Layout) -> None:
    layout.index(layout.image(tar(*ROOT), name=f"one{EVIL}"), layout.image(tar(), name=f"two{EVIL}"))


LAYOUTS: dict[str, tuple[Callable[[Layout], None], str]] = {
    "a blob of other bytes": (changed_blob, "E_BLOB_DIGEST"),
    "a layer of another diff id": (changed_layer, "E_LAYER_DIGEST"),
    "layers and manifests at once": (both, "E_IMAGE_DOCUMENT"),
    "another media type than announced": (other_media_type, "E_IMAGE_DOCUMENT"),
    "no blob": (missing_blob, "E_BLOB_MISSING"),
    "fewer layers than diff ids": (fewer_layers, "E_IMAGE_DOCUMENT"),
    "a digest that is a path": (climbing_digest, "E_IMAGE_DOCUMENT"),
    "indexes without end": (itself, "E_IMAGE_DOCUMENT"),
    "an index of garbage": (garbage, "E_JSON"),
    "names that a terminal acts on": (escapes, "E_IMAGE_CHOICE"),
}


@pytest.mark.parametrize("form", ["oci", "oci-archive"])
@pytest.mark.parametrize("kind", LAYOUTS)
def test_layouts_that_lie_are_refused(world: World, tmp_path: Path, kind: str, form: str) -> None:
    spoil, code = LAYOUTS[kind]
    layout = Layout()
    spoil(layout)
    path = layout.tar(tmp_path / "a.tar") if form == "oci-archive" else layout.directory(tmp_path / "layout")
    snapshot(world, f"{form}:{path}").failed(2, code)
    world.check()


def test_members_have_a_limit_that_can_be_raised(world: World, tmp_path: Path) -> None:
    """A million members are read; the scale that makes a limit of two thousand refuses four thousand."""
    target = docker_archive(tmp_path, tar(*ROOT, *(file(f"m{number}") for number in range(4_000))))
    snapshot(world, target, "--limit-scale", "0.001").failed(3, "E_LIMIT", "tar_members", "--limit-scale")
    world.check()
    assert snapshot(world, target, "--limit-scale", "0.01").code == 0


def test_a_million_members_are_read(world: World, tmp_path: Path) -> None:
    header = raw_member("name", b"00000000000\0")
    layer = open_end(*ROOT) + header * 1_000_000 + END
    done = snapshot(world, docker_archive(tmp_path, layer))
    assert done.code == 0, done
    assert document(world.cwd / "m.json")["os"]["id"] == "debian"


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ([{"Config": "../../etc/passwd", "RepoTags": [], "Layers": []}], "E_BLOB_MISSING"),
        ([{"Config": "c.json", "RepoTags": [], "Layers": ["../../../../etc/shadow"]}], "E_BLOB_MISSING"),
        ([{"Config": "c.json", "RepoTags": [], "Layers": ["link"]}], "E_BLOB_MISSING"),
        ([{"Config": "loop", "RepoTags": [], "Layers": []}], "E_BLOB_MISSING"),
        ({"Config": "c.json"}, "E_IMAGE_DOCUMENT"),
        ([], "E_IMAGE_DOCUMENT"),
    ],
)
def test_a_saved_manifest_reaches_nothing_outside(
    world: World, tmp_path: Path, manifest: object, code: str
) -> None:
    parts = (
        file("c.json", configuration([tar(*ROOT)])),
        ("link", LINK, "/etc/passwd"),
        ("loop", LINK, "loop"),
    )
    saved(tmp_path / "a.tar", *parts, manifest=manifest)
    done = snapshot(world, f"docker-archive:{tmp_path}/a.tar")
    done.failed(2, code)
    world.check()


def test_names_and_labels_reach_no_terminal(world: World, tmp_path: Path) -> None:
    """What an image calls itself, and its variables, are shown without what a terminal acts on."""
    config = json.loads(configuration([tar(*ROOT)]))
    config["config"] |= {
        "Env": [f"OMP_X={EVIL}", f"{EVIL}=1"],
        "Labels": {EVIL: EVIL},
        "Cmd": [EVIL],
        "User": EVIL,
    }
    config["author"] = config["created_by"] = EVIL
    target = docker_archive(tmp_path, tar(*ROOT), config=json.dumps(config).encode())
    done = snapshot(world, target)
    done.quiet()
    assert done.code in (0, 4), done
    for words in (("show", "--all", "m.json"), ("check", "m.json"), ("diff", "--all", "m.json", "m.json")):
        world.run(*words).quiet()
