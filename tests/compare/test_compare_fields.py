"""No field of a manifest differs in silence: the walk over all structs forgets no new field."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from reprocheck.compare import compare
from reprocheck.compare.uncompared import UNCOMPARED
from reprocheck.model.base import Value, replace
from reprocheck.model.context import (
    DataFile,
    DataSet,
    HubFile,
    HubRepository,
    Job,
    Label,
    Repository,
    Submodule,
)
from reprocheck.model.host import Driver, Gpu, NumaNode
from reprocheck.model.image import OperatingSystem, Source
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, ObservedProcess, StateFlag
from reprocheck.model.manifest import Digests, Manifest, UnknownField
from reprocheck.model.package import (
    DirectUrl,
    Framework,
    LinkNeed,
    LoaderChoice,
    NativeLibrary,
    PathFile,
    Remnant,
    VersionClaim,
    WheelFile,
)
from reprocheck.model.run import (
    Change,
    IgnoredKey,
    Input,
    Mount,
    NamedNumber,
    Output,
    TensorDigest,
    Tolerance,
    ToleranceRule,
)
from reprocheck.model.unknown import Unknown
from tests.strategies import (
    make_conda,
    make_cpu,
    make_deb,
    make_host,
    make_image,
    make_manifest,
    make_pypi,
    make_python,
    make_run,
    make_variable,
    sha,
)

OID = "a" * 40


def everything() -> Manifest:
    """Return a manifest in which every field of every struct has a value that can be changed."""
    claim = VersionClaim(version="1", source="string")
    wheel = make_pypi(
        "numpy",
        "1.26.4",
        build="1",
        installer="pip",
        requested=True,
        direct_url=DirectUrl(url="https://example.org/x", vcs="git", commit=OID, requested_revision="main"),
        requires=("x",),
        extras=("y",),
        requires_python=">=3.9",
        owner="pkg:deb/debian/python3-numpy@1",
    )
    bare = make_pypi("bare", files_sha256=None, requires=("x",), requires_python=">=3")
    conda = make_conda(
        "zlib", subdir="linux-64", sha256=sha("1"), md5="0" * 32, depends=("libgcc",), pip_name="zlib"
    )
    deb = make_deb("libc6", depends=("libgcc-s1",), provides=("libc",))
    python = make_python(
        base="/usr/bin/python3",
        abi="cp311",
        platform="x86_64-linux-gnu",
        path_files=(PathFile(path="/s/x.pth", adds=("/y",), missing=("/z",)),),
        customizations=("/s/sitecustomize.py",),
    )
    library = NativeLibrary(
        kind="openmp",
        name="libgomp.so.1",
        path="/usr/lib/libgomp.so.1",
        version="12.2",
        owner="pkg:deb/debian/libgomp1@12",
        source="deb",
        others=(claim,),
        soname="libgomp.so.1",
        build_id="01",
        sha256=sha("1"),
    )
    gpu = Gpu(
        index=0, name="NVIDIA A100", compute_capability="8.0", memory_mib=1, mig="x", ecc="x", vbios="1"
    )
    host = make_host(
        cpu=make_cpu(quota_millicpus=1, sockets=1, cores=2),
        gpus=(gpu,),
        driver=Driver(version="550", cuda_maximum="12.4", user_mode="550", others=(claim,)),
        name="node",
        memory_limit_bytes=1,
        numa=(NumaNode(index=0, cpus="0-3", memory_bytes=1),),
    )
    output = Output(
        name="/out/m.json",
        size=1,
        sha256=sha("1"),
        format="json",
        content=f"sha256:{sha('2')}",
        structure=f"sha256:{sha('3')}",
        tensors=(TensorDigest(name="w", dtype="f4", shape=(1,), sha256=sha("4")),),
        numbers=(NamedNumber(key="/a", value="1.0"),),
        ignored_keys=("/t",),
    )
    run = make_run(
        withheld_arguments=(1,),
        inputs=(Input(path="/data", kind="directory", files=1, bytes=1, sha256=sha("1")),),
        outputs=(output,),
        ignore_outputs=("*.log",),
        ignore_keys=(IgnoredKey(file="m.json", key="/t"),),
        tolerance=Tolerance(
            rtol="1e-6",
            atol="1e-6",
            rules=(ToleranceRule(output="*.json", key="/loss", rtol="1", atol="1", max_ulp=4),),
        ),
        mounts=(Mount(target="/m", kind="bind", writable=True, role="unread"),),
        changes=(Change(path="/app/x.py", kind="added"),),
        resources=msgspec.structs.replace(
            make_run().resources, nano_cpus=1, memory_bytes=1, shm_bytes=1, gpus="all"
        ),
    )
    repository = Repository(
        path=".",
        commit=OID,
        branch="main",
        remote="https://example.org/x.git",
        dirty=True,
        patch_sha256=sha("1"),
        changed=("a.py",),
        untracked=1,
        untracked_sha256=sha("2"),
        submodules=(Submodule(path="s", recorded=OID, checked_out=OID),),
        lfs_pointers=("w.bin",),
    )
    loaded = Loaded(
        observer="hook",
        processes=(ObservedProcess(executable="/usr/bin/python3.11", python="3.11.2", seen="both"),),
        libraries=(
            LoadedLibrary(
                path="/usr/lib/libgomp.so.1",
                soname="libgomp.so.1",
                build_id="01",
                sha256=sha("1"),
                kind="openmp",
                owner="pkg:deb/debian/libgomp1@12",
                origin="image",
            ),
        ),
        modules=(ImportedModule(name="numpy", distribution="numpy", version="1.26.4", path="/s/numpy"),),
        state=(StateFlag(name="x", value="1"),),
    )
    return make_manifest(
        digests=Digests(
            content=f"sha256:{sha('1')}", manifest=f"sha256:{sha('2')}", identity=f"sha256:{sha('3')}"
        ),
        image=make_image(variant="v1", entrypoint=("x",), user="1"),
        os=OperatingSystem(
            id="debian", version_id="12", name="Debian", codename="bookworm", libc="glibc 2.36"
        ),
        packages=(wheel, bare, conda, deb),
        pythons=(python,),
        libraries=(library,),
        environment=(make_variable("LANG", "C.UTF-8", origin="image"),),
        host=host,
        run=run,
        unknowns=(Unknown(section="packages", where="x", reason="y"),),
        source=Source(kind="image"),
        shadowed=(make_pypi("old", effective=False),),
        wheels=(WheelFile(path="/w.whl", name="w", version="1", tags=("py3-none-any",)),),
        remnants=(Remnant(path="/~x", reason="old"),),
        frameworks=(
            Framework(
                name="torch", version="2", location="/s", cuda="12", hip="6", cudnn="9", git=OID, pins=("x",)
            ),
        ),
        linking=(
            LinkNeed(
                owner="pkg:pypi/x@1",
                soname="libx.so.1",
                consumer="/x.so",
                wanted="X_1",
                provider="/p",
                offered="X_0",
            ),
        ),
        loading=(
            LoaderChoice(soname="a.so", consumer="/c.so", path="/a.so", rule="cache", shadowed=("/b.so",)),
        ),
        hub=(
            HubRepository(
                hub="huggingface",
                kind="model",
                repository="org/net",
                revision=OID,
                refs=("main",),
                place="/cache",
                files=(HubFile(path="w", size=1, digest="sha256:1"),),
                files_sha256=sha("1"),
                incomplete=("x",),
            ),
        ),
        integrity=Integrity(
            checked=1,
            without_digest=1,
            faults=(
                FileFault(kind="changed", path="/x", owners=("pkg:a",), expected="md5:1", actual="md5:2"),
            ),
            packages_without_list=("pkg:b",),
            left_out=1,
            places=("/opt",),
        ),
        code=(repository,),
        data=(
            DataSet(
                name="d",
                kind="directory",
                files=1,
                bytes=1,
                sha256=sha("1"),
                listing=(DataFile(path="a", size=1, sha256=sha("2")),),
                listing_sha256=sha("3"),
            ),
        ),
        labels=(Label(name="site", value="x"),),
        job=Job(
            scheduler="slurm",
            id="1",
            rank="0",
            local_rank="0",
            world_size="2",
            node_rank="0",
            nodes="2",
            facts=(Label(name="SLURM_X", value="1"),),
        ),
        loaded=loaded,
        unknown_fields=(UnknownField(path=("host", "new"), json="1"),),
    )


def others(value: Any, hint: Any) -> Iterator[Any]:
    """Yield values of the same type that are not this one."""
    hint = _plain(hint)
    if get_origin(hint) in (Union, types.UnionType):
        if type(None) in get_args(hint) and value is not None:
            yield None
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
        hint = _plain(hint)
    if get_origin(hint) is Literal:
        yield next(option for option in get_args(hint) if option != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        yield f"{'e' if value[:1] != 'e' else 'd'}{value[1:]}"
    elif isinstance(value, tuple) and not (value and isinstance(value[0], Value)):
        yield (*value, "another") if not value or isinstance(value[0], str) else (*value, 7)


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if hasattr(hint, "__metadata__") else hint


def changes(value: Value) -> Iterator[tuple[str, Any]]:
    """Yield (Class.field, changed copy) for every field of a value and of all values in it."""
    hints = get_type_hints(type(value), include_extras=True)
    for name in value.__struct_fields__:
        field = getattr(value, name)
        label = f"{type(value).__name__}.{name}"
        for other in others(field, hints[name]):
            yield label, replace(value, **{name: other})
        if isinstance(field, Value):
            for inner, changed in changes(field):
                yield inner, replace(value, **{name: changed})
        if isinstance(field, tuple) and field and isinstance(field[0], Value):
            yield label, replace(value, **{name: field[1:]})
            for place, item in enumerate(field):
                for inner, changed in changes(item):
                    yield inner, replace(value, **{name: (*field[:place], changed, *field[place + 1 :])})


def is_told(before: Manifest, after: Manifest) -> bool:
    same, delta = compare(before, before), compare(before, after)
    return bool(delta.differences) or (delta.unknowns, delta.left_out) != (same.unknowns, same.left_out)


FULL = everything()
CHANGED = [(label, changed) for label, changed in changes(FULL)]


def structs(kind: Any, seen: dict[str, type[Any]]) -> dict[str, type[Any]]:
    """Return every struct that can stand in a value of this type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind.__name__ not in seen:
            seen[kind.__name__] = kind
            for hint in get_type_hints(kind).values():
                structs(hint, seen)
    else:
        for argument in get_args(kind):
            structs(argument, seen)
    return seen


OUTSIDE = {"Source", "Observation", "StoredLayer", "Coverage", "Tool", "Disagreement"}
"""Structs below `source` and `observation`, which are not compared as a whole."""
BELOW = OUTSIDE | {"TensorDigest", "NamedNumber"}
"""And those below a field that stands on the list."""


def test_the_walk_meets_every_field_of_every_struct() -> None:
    met = {label for label, _ in CHANGED}
    known = structs(Manifest, {})
    fields = {
        f"{name}.{field}"
        for name, kind in known.items()
        if name not in OUTSIDE
        for field, hint in get_type_hints(kind).items()
        if field in kind.__struct_fields__ and not _is_struct(hint)  # a struct's own fields are walked
    }
    assert fields - met == set()


def _is_struct(hint: Any) -> bool:
    return bool(getattr(hint, "__struct_fields__", ()))


@pytest.mark.parametrize("label", sorted({label for label, _ in CHANGED}))
def test_a_field_that_differs_is_told_or_stands_on_the_list(label: str) -> None:
    told = [is_told(FULL, changed) for own, changed in CHANGED if own == label]
    struct = label.partition(".")[0]
    if label in UNCOMPARED or struct in BELOW:
        assert not all(told), f"{label} is compared: it does not belong on the list"
    else:
        assert all(told), f"{label} differs in silence"


def test_the_list_names_real_fields_with_reasons() -> None:
    known = structs(Manifest, {})
    for label, reason in UNCOMPARED.items():
        struct, _, field = label.partition(".")
        assert field in known[struct].__struct_fields__
        assert reason
