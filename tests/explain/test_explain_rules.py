"""Every rule can fire, and fires for nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.explain import RULES, rank, tables
from reprocheck.model.base import replace
from reprocheck.model.context import HubRepository, Job, Label, Repository
from reprocheck.model.host import Driver
from reprocheck.model.image import OperatingSystem
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, ObservedProcess, StateFlag
from reprocheck.model.manifest import Digests
from reprocheck.model.package import Framework, LinkNeed, LoaderChoice, NativeLibrary, Remnant
from reprocheck.model.run import Change, Mount, Resources, Tolerance
from tests.strategies import (
    make_conda,
    make_cpu,
    make_deb,
    make_gpu,
    make_host,
    make_image,
    make_input,
    make_manifest,
    make_output,
    make_pypi,
    make_python,
    make_run,
    make_variable,
    sha,
)

Side = dict[str, Any]
OTHER_ROOMS = {
    "PKG-301",
    "PKG-302",
    "DRV-211",
    "ENV-608",
    "OUT-806",
    "RUN-007",
    "CPU-106",
    "DAT-707",
    *(f"IMG-50{n}" for n in range(1, 7)),
}


REPOSITORY = Repository(path=".", commit="a" * 40)
HUB = HubRepository(hub="torch", kind="code", repository="a/b", revision="1")
FRAMEWORK = Framework(name="torch", version="2", location="/s", cuda="12.1")
CHOICE = LoaderChoice(soname="libcudnn.so.9", consumer="/c", path="/a", rule="runpath")
LIBRARY = LoadedLibrary(path="/a/libcudnn.so.9", kind="cudnn", sha256=sha("1"))
MODULE = ImportedModule(name="numpy", distribution="numpy", version="1")


def loaded(**fields: Any) -> Side:
    return {"loaded": Loaded(**{"observer": "hook", "processes": (), "libraries": ()} | fields)}


def integrity(*faults: FileFault) -> Side:
    return {"integrity": Integrity(checked=1, without_digest=0, faults=faults)}


def packages(*found: Any) -> Side:
    return {"packages": found}


def run(**fields: Any) -> Side:
    return {"run": make_run(**fields)}


def cpu(**fields: Any) -> Side:
    return {"host": make_host(cpu=make_cpu(**fields))}


def gpus(*found: Any) -> Side:
    return {"host": make_host(gpus=found)}


def variable(name: str, value: str = "1", **fields: Any) -> Side:
    return {"environment": (make_variable(name, value, **fields),)}


def output(**fields: Any) -> Side:
    return run(outputs=(make_output(**fields),))


def digests(letter: str) -> Side:
    return {"digests": Digests(content=f"sha256:{sha(letter)}", manifest=f"sha256:{sha('0')}")}


def library(**fields: Any) -> Side:
    base = {"kind": "cudnn", "name": "libcudnn.so.9", "path": "/l", "version": "9.0"}
    return {"libraries": (NativeLibrary(**base | fields),)}


LAYERS = make_image(diff_ids=(f"sha256:{sha('f')}",))

CASES: list[tuple[str, Side, Side]] = [
    ("RUN-001", variable("PYTHONHASHSEED", "0"), variable("PYTHONHASHSEED", "1")),
    ("RUN-021", {}, run(argv=("python3",))),
    (
        "RUN-022",
        run(inputs=(make_input("/t.py", kind="file"),)),
        run(inputs=(make_input("/t.py", kind="file", sha256=sha("9")),)),
    ),
    ("RUN-023", {}, run(exit_code=1)),
    ("RUN-024", {}, run(working_dir="/elsewhere")),
    ("RUN-025", {}, run(network="bridge")),
    ("RUN-026", {}, run(resources=Resources(memory_bytes=1))),
    ("RUN-027", {}, run(engine="local")),
    ("RUN-028", {}, run(privileged_run=True)),
    ("RUN-029", {}, run(tolerance=Tolerance())),
    ("CPU-101", {}, cpu(level="x86-64-v3")),
    ("CPU-101", {}, cpu(features=("avx",))),
    ("CPU-103", packages(make_conda("mkl", "1")), packages(make_conda("mkl", "2"))),
    ("CPU-103", library(kind="openblas"), library(kind="openblas", version="2")),
    ("CPU-104", variable("OMP_NUM_THREADS", "2"), variable("OMP_NUM_THREADS", "8")),
    ("CPU-110", packages(make_deb("libc6", "2.27-1")), packages(make_deb("libc6", "2.28-1"))),
    ("CPU-110", {"os": OperatingSystem(id="x", libc="a")}, {"os": OperatingSystem(id="x", libc="b")}),
    ("CPU-111", {}, cpu(architecture="aarch64")),
    ("CPU-111", {}, {"image": make_image(architecture="arm64")}),
    ("CPU-112", {}, cpu(allowed=2)),
    ("CPU-112", {}, run(resources=Resources(nano_cpus=10**9))),
    ("CPU-113", packages(make_deb("libgomp1", "12-1")), packages(make_deb("libgomp1", "13-1"))),
    ("CPU-114", {}, cpu(model="other")),
    ("CPU-115", {}, cpu(microcode="0x1")),
    ("CPU-116", {}, {"host": make_host(kernel="6.2")}),
    ("CPU-117", {}, {"host": make_host(memory_bytes=1)}),
    ("GPU-201", gpus(make_gpu()), gpus(make_gpu(compute_capability="9.0"))),
    ("GPU-203", {}, run(resources=Resources(gpus="all"))),
    ("GPU-209", gpus(make_gpu()), gpus(make_gpu(name="NVIDIA H100"))),
    ("GPU-210", gpus(make_gpu()), gpus(make_gpu(vbios="1"))),
    (
        "DRV-218",
        {"host": make_host(driver=Driver(version="535"))},
        {"host": make_host(driver=Driver(version="550"))},
    ),
    ("PKG-316", packages(make_pypi("numpy")), packages(make_pypi("numpy", files_sha256=sha("f")))),
    ("PKG-330", packages(make_pypi("torch", "2.3")), packages(make_pypi("torch", "2.4"))),
    ("PKG-330", packages(make_pypi("nvidia-zz", "2")), packages(make_pypi("nvidia-zz", "3"))),
    ("PKG-331", packages(make_pypi("mine", "1")), packages(make_pypi("mine", "2"))),
    ("PKG-332", packages(make_deb("curl", "1-1")), packages(make_deb("curl", "2-1"))),
    ("PKG-333", packages(), packages(make_pypi("mine"))),
    ("PKG-334", packages(make_pypi("pip", "1")), packages(make_pypi("pip", "2"))),
    ("PKG-335", {}, {"pythons": (make_python(version="3.11.3"),)}),
    ("PKG-336", {}, {"pythons": ()}),
    ("PKG-337", {}, {"pythons": (make_python(active=False),)}),
    ("PKG-338", library(), library(version="9.1")),
    ("PKG-339", {"pythons": (make_python("/a/python"),)}, {"pythons": (make_python("/b/python"),)}),
    ("PKG-339", packages(make_pypi("x")), packages(make_pypi("x", location="/y"))),
    ("IMG-511", {}, {"image": LAYERS}),
    ("IMG-512", {}, run(changes=(Change(path="/a.py", kind="modified"),))),
    ("IMG-513", {}, run(mounts=(Mount(target="/x", kind="bind", writable=False, role="unread"),))),
    ("IMG-514", {}, {"os": OperatingSystem(id="alpine", libc="glibc 2.36")}),
    ("IMG-515", {}, {"image": make_image(entrypoint=("x",))}),
    ("IMG-516", digests("1"), digests("2")),
    ("ENV-601", variable("LC_ALL", "C"), variable("LC_ALL", "C.UTF-8")),
    ("ENV-602", variable("TZ", "UTC"), variable("TZ", "CET")),
    ("ENV-607", {"environment": ()}, variable("ATEN_CPU_CAPABILITY", "default")),
    ("ENV-609", variable("HOSTNAME", "a"), variable("HOSTNAME", "b")),
    ("ENV-609", variable("ZZ", "a", origin="host"), variable("ZZ", "b", origin="host")),
    ("ENV-610", variable("SEED", "1"), variable("SEED", "2")),
    ("ENV-611", variable("SEED"), variable("SEED", origin="image")),
    ("DAT-708", {}, run(inputs=(make_input(sha256=sha("9")),))),
    ("DAT-710", packages(make_pypi("Pillow", "8")), packages(make_pypi("Pillow", "9"))),
    ("DAT-711", packages(make_pypi("scikit_learn", "1")), packages(make_pypi("scikit_learn", "2"))),
    ("DAT-713", {}, run(inputs=())),
    ("DAT-714", {}, run(inputs=(make_input(writable=True),))),
    ("OUT-801", output(format="torch"), output(format="torch", sha256=sha("9"))),
    ("OUT-802", output(format="npz"), output(format="npz", sha256=sha("9"))),
    ("OUT-803", output(format="hdf5"), output(format="hdf5", sha256=sha("9"))),
    ("OUT-811", output(), output(sha256=sha("9"))),
    ("OUT-812", output(content=None), output(content=None, sha256=sha("9"))),
    ("OUT-813", {}, run(outputs=())),
    ("RUN-036", {"code": (REPOSITORY,)}, {"code": (replace(REPOSITORY, commit="b" * 40),)}),
    ("RUN-031", {"code": (REPOSITORY,)}, {"code": (replace(REPOSITORY, dirty=True, patch_sha256=sha("1")),)}),
    ("RUN-032", {"code": (REPOSITORY,)}, {"code": (replace(REPOSITORY, branch="b"),)}),
    (
        "RUN-033",
        loaded(state=(StateFlag(name="x", value="1"),)),
        loaded(state=(StateFlag(name="x", value="2"),)),
    ),
    ("RUN-034", {"job": Job(scheduler="", world_size="1")}, {"job": Job(scheduler="", world_size="2")}),
    ("RUN-035", {"labels": (Label(name="site", value="a"),)}, {}),
    ("DAT-709", {"code": (REPOSITORY,)}, {"code": (replace(REPOSITORY, lfs_pointers=("w",)),)}),
    ("DAT-715", {"hub": (HUB,)}, {"hub": (replace(HUB, revision="2"),)}),
    ("PKG-340", {"frameworks": (FRAMEWORK,)}, {"frameworks": (replace(FRAMEWORK, cuda="12.4"),)}),
    ("PKG-341", loaded(libraries=(LIBRARY,)), loaded(libraries=(replace(LIBRARY, sha256=sha("2")),))),
    ("PKG-342", loaded(modules=(MODULE,)), loaded(modules=(replace(MODULE, version="2"),))),
    ("PKG-343", integrity(), integrity(FileFault(kind="changed", path="/x"))),
    ("PKG-344", {}, {"pythons": (make_python(customizations=("/x/sitecustomize.py",)),)}),
    ("PKG-345", {}, {"remnants": (Remnant(path="/~x", reason="left"),)}),
    (
        "PKG-347",
        loaded(processes=(ObservedProcess(executable="/a", python="3.11.2", seen="hook"),)),
        loaded(processes=(ObservedProcess(executable="/b", python="3.11.2", seen="hook"),)),
    ),
    ("PKG-348", packages(make_deb("x")), packages(make_deb("x", provides=("y",)))),
    (
        "PKG-349",
        {},
        {"linking": (LinkNeed(owner="pkg:pypi/x@1", soname="libx.so.1", consumer="/x.so"),)},
    ),
    ("PKG-350", packages(make_deb("x")), packages(make_deb("x", architecture="i386"))),
    ("DRV-219", {"loading": (CHOICE,)}, {"loading": (replace(CHOICE, path="/b"),)}),
]


def codes(before: Side, after: Side) -> list[str]:
    a, b = make_manifest(**before), make_manifest(**after)
    return [finding.code for finding in rank(compare(a, b), a, b).findings]


@pytest.mark.parametrize(("code", "before", "after"), CASES)
def test_the_rule_fires_alone_and_not_without_its_cause(code: str, before: Side, after: Side) -> None:
    assert codes(before, after) == [code]
    assert codes(after, before) == [code]
    assert codes(after, after) == []


def test_layers_beside_a_listed_difference_are_no_cause_of_their_own() -> None:
    changed = {"image": LAYERS, "packages": (make_pypi("mine"),)}
    assert "IMG-510" in codes({}, changed)
    assert "IMG-511" not in codes({}, changed)


def test_every_rule_has_a_case() -> None:
    assert {rule.code for rule in RULES} == {code for code, _, _ in CASES} | {"IMG-510"}


def test_codes_are_unique_sorted_and_belong_to_no_other_room() -> None:
    found = [rule.code for rule in RULES]
    assert found == sorted(set(found))
    assert OTHER_ROOMS.isdisjoint(found)
    assert not [code for code in found if code.startswith(("DEP-", "PRV-"))]
    assert all(re.fullmatch(r"(RUN|CPU|GPU|DRV|PKG|IMG|ENV|DAT|OUT)-[0-9]{3}", code) for code in found)


def test_every_row_says_why_from_where_and_when() -> None:
    facts = [(row.why, row.source, row.date) for row in (*tables.variables(), *tables.packages())]
    facts += [(rule.why, rule.source, rule.date) for rule in RULES]
    facts += [(row.why, row.source, row.date) for row in tables.noise()]
    for why, source, date in facts:
        assert why
        assert source
        assert re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", date)


def test_every_row_of_the_tables_has_a_known_code_and_no_pattern_twice() -> None:
    known = {rule.code for rule in RULES}
    assert {row.code for row in (*tables.variables(), *tables.packages())} <= known
    patterns = [p for row in tables.variables() for p in row.patterns]
    patterns_of = [(t, p) for row in tables.packages() for p in row.patterns for t in row.types]
    assert len(patterns) == len(set(patterns))
    assert len(patterns_of) == len(set(patterns_of))


def test_a_name_wins_over_a_pattern_and_a_long_pattern_over_a_short() -> None:
    threads, other, isa = (
        tables.variable(name) for name in ("OMP_NUM_THREADS", "OMP_PROC_BIND", "ONEDNN_MAX_CPU_ISA")
    )
    assert threads is not None
    assert other is not None
    assert isa is not None
    assert (threads.code, other.code) == ("CPU-104", "ENV-607")
    assert isa.weight > 90
    assert tables.variable("ONE") is None
    assert tables.variable("OMP_*") is not threads


def test_the_listed_variables_are_all_known_to_change_numbers() -> None:
    listed = [
        "ATEN_CPU_CAPABILITY",
        "ONEDNN_MAX_CPU_ISA",
        "MKL_CBWR",
        "NPY_DISABLE_CPU_FEATURES",
        "OPENBLAS_CORETYPE",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PYTHONHASHSEED",
        "CUBLAS_WORKSPACE_CONFIG",
        "NVIDIA_TF32_OVERRIDE",
        "TF_DETERMINISTIC_OPS",
        "XLA_FLAGS",
        "NCCL_ALGO",
        "CUDA_VISIBLE_DEVICES",
        "TORCH_LOGS",
        "PYTORCH_X",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "PYTHONPATH",
        "LANG",
        "LC_ALL",
        "TZ",
    ]
    rows = [tables.variable(name) for name in listed]
    assert all(row is not None and row.weight > 0 for row in rows)


def test_the_data_files_name_no_place_of_a_build_machine() -> None:
    folder = Path(tables.__file__).parent / "data"
    for path in sorted(folder.glob("*.json")):
        text = path.read_text("utf-8")
        assert json.loads(text)
        assert "/work" not in text
        assert "/opt/" not in text
