"""Manifests for tests: one complete builder, and hypothesis strategies built on it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reprocheck.model.context import (
    DataFile,
    DataSet,
    HubRepository,
    Job,
    Label,
    Repository,
    Submodule,
)
from reprocheck.model.environment import Variable
from reprocheck.model.host import Cpu, Driver, Gpu, Host
from reprocheck.model.image import Image, OperatingSystem, Source
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, StateFlag
from reprocheck.model.manifest import MANIFEST_VERSION, Manifest, Observation, Tool
from reprocheck.model.package import (
    Conda,
    Distribution,
    Framework,
    LinkNeed,
    LoaderChoice,
    NativeLibrary,
    Package,
    PythonEnvironment,
    Remnant,
    WheelFile,
)
from reprocheck.model.run import Change, Input, Mount, Output, Resources, RunRecord
from reprocheck.model.unknown import Unknown

PYTHON = "/usr/bin/python3.11"
SITE = "/usr/local/lib/python3.11/dist-packages"


def sha(letter: str) -> str:
    """Return a SHA-256 made of one hexadecimal digit."""
    return letter * 64


def make_cpu(**overrides: Any) -> Cpu:
    """Return a CPU with AVX-512."""
    fields: dict[str, Any] = {
        "architecture": "x86_64",
        "vendor": "GenuineIntel",
        "model": "Intel(R) Xeon(R) Platinum 8481C",
        "microcode": "0x2b0004b1",
        "level": "x86-64-v4",
        "features": ("avx", "avx2", "avx512f", "fma"),
        "logical": 4,
        "allowed": 4,
    }
    return Cpu(**fields | overrides)


def make_gpu(**overrides: Any) -> Gpu:
    """Return an accelerator."""
    fields: dict[str, Any] = {
        "index": 0,
        "name": "NVIDIA A100-SXM4-40GB",
        "compute_capability": "8.0",
        "memory_mib": 40960,
    }
    return Gpu(**fields | overrides)


def make_host(**overrides: Any) -> Host:
    """Return a machine without an accelerator."""
    fields: dict[str, Any] = {
        "system": "Linux",
        "kernel": "6.1.0-18-amd64",
        "cpu": make_cpu(),
        "memory_bytes": 16 * 2**30,
        "gpus": (),
        "driver": None,
    }
    return Host(**fields | overrides)


def make_pypi(name: str, version: str = "1.0", **overrides: Any) -> Package:
    """Return a Python distribution; keywords of `Distribution` and of `Package` are told apart."""
    python: dict[str, Any] = {
        "environment": PYTHON,
        "location": SITE,
        "metadata": f"{name}-{version}.dist-info",
        "tags": ("py3-none-any",),
        "has_record": True,
        "files": 3,
        "files_sha256": sha("0"),
    }
    package: dict[str, Any] = {
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.lower()}@{version}",
        "type": "pypi",
    }
    for key, value in overrides.items():
        (python if key in Distribution.__struct_fields__ else package)[key] = value
    return Package(python=Distribution(**python), **package)


def make_deb(name: str, version: str = "1.0-1", **overrides: Any) -> Package:
    """Return a Debian package."""
    fields: dict[str, Any] = {
        "name": name,
        "version": version,
        "purl": f"pkg:deb/debian/{name}@{version}?arch=amd64",
        "type": "deb",
        "architecture": "amd64",
        "source_name": name,
        "source_version": version,
    }
    return Package(**fields | overrides)


def make_conda(name: str, version: str = "1.0", build: str = "h0_0", **overrides: Any) -> Package:
    """Return a conda package; keywords of `Conda` and of `Package` are told apart."""
    conda: dict[str, Any] = {"prefix": "/opt/conda", "build": build, "channel": "conda-forge"}
    package: dict[str, Any] = {
        "name": name,
        "version": version,
        "purl": f"pkg:conda/{name}@{version}",
        "type": "conda",
    }
    for key, value in overrides.items():
        (conda if key in Conda.__struct_fields__ else package)[key] = value
    return Package(conda=Conda(**conda), **package)


def make_python(executable: str = PYTHON, **overrides: Any) -> PythonEnvironment:
    """Return a system interpreter."""
    fields: dict[str, Any] = {
        "executable": executable,
        "prefix": "/usr",
        "kind": "system",
        "implementation": "cpython",
        "version": "3.11.2",
        "search_path": (SITE,),
        "active": True,
    }
    return PythonEnvironment(**fields | overrides)


def make_variable(name: str, value: str | None = "1", **overrides: Any) -> Variable:
    """Return a variable given to the run; without a value it is withheld."""
    fields: dict[str, Any] = {
        "name": name,
        "value": value,
        "origin": "run",
        "state": "recorded" if value is not None else "withheld",
    }
    return Variable(**fields | overrides)


def make_input(path: str = "/data", **overrides: Any) -> Input:
    """Return a hashed input directory."""
    fields: dict[str, Any] = {"path": path, "kind": "directory", "files": 2, "bytes": 10, "sha256": sha("1")}
    return Input(**fields | overrides)


def make_output(name: str = "/out/model.safetensors", **overrides: Any) -> Output:
    """Return an output with a content digest."""
    fields: dict[str, Any] = {
        "name": name,
        "size": 100,
        "sha256": sha("2"),
        "format": "safetensors",
        "content": f"sha256:{sha('3')}",
    }
    return Output(**fields | overrides)


def make_run(**overrides: Any) -> RunRecord:
    """Return a finished run with one input and one output."""
    fields: dict[str, Any] = {
        "engine": "docker",
        "argv": ("python3", "/app/train.py"),
        "working_dir": "/app",
        "user": "",
        "network": "none",
        "resources": Resources(),
        "inputs": (make_input(),),
        "output_patterns": ("/out",),
        "outputs": (make_output(),),
        "exit_code": 0,
    }
    return RunRecord(**fields | overrides)


def make_image(**overrides: Any) -> Image:
    """Return an image of two layers."""
    fields: dict[str, Any] = {
        "diff_ids": (f"sha256:{sha('a')}", f"sha256:{sha('b')}"),
        "os": "linux",
        "architecture": "amd64",
        "command": ("python3",),
        "working_dir": "/app",
    }
    return Image(**fields | overrides)


def make_manifest(**overrides: Any) -> Manifest:
    """Return a small, complete manifest of an image with one run in it."""
    fields: dict[str, Any] = {
        "schema_version": MANIFEST_VERSION,
        "digests": None,
        "image": make_image(),
        "os": OperatingSystem(id="debian", version_id="12", codename="bookworm", libc="glibc 2.36"),
        "packages": (
            make_deb("libc6", "2.36-9+deb12u7"),
            make_pypi("numpy", "1.26.4", tags=("cp311-cp311-manylinux_2_17_x86_64",)),
        ),
        "pythons": (make_python(),),
        "libraries": (
            NativeLibrary(kind="openmp", name="libgomp.so.1", path="/usr/lib/libgomp.so.1", version="12.2"),
        ),
        "environment": (make_variable("LANG", "C.UTF-8", origin="image"),),
        "host": make_host(),
        "run": make_run(),
        "unknowns": (),
        "source": Source(kind="image", engine="docker 20.10.24", reference="train:latest"),
        "observation": Observation(tools=(Tool(name="reprocheck", version="0.1"),)),
    }
    return Manifest(**fields | overrides)


_TEXT = st.text(max_size=6)
_NAMES = st.sampled_from(["numpy", "NumPy", "torch", "libc6", "a.b", "A_b", "é\u202e"]) | st.text(
    min_size=1, max_size=4
)
_VERSIONS = st.sampled_from(["1.0", "1.0+cu118", "2!1.0", "1:2.0-1~rc", "1.0.post1", "", "9" * 5000]) | _TEXT
_SHAS = st.sampled_from([None, sha("0"), sha("1")])
_ENVIRONMENTS = st.sampled_from(["", PYTHON, "/opt/venv/bin/python"])
_REQUIRES = st.sampled_from(
    ["numpy==1.0", "torch>=2; extra == 'x'", "a-b~=1.0", "((((", "numpy @ file:///x", ""]
)


@st.composite
def pypi_packages(draw: st.DrawFn) -> Package:
    """Python distributions, well and badly formed."""
    return make_pypi(
        draw(_NAMES),
        draw(_VERSIONS),
        environment=draw(_ENVIRONMENTS),
        location=draw(st.sampled_from([SITE, "/opt/venv/lib"])),
        effective=draw(st.booleans()),
        tags=tuple(draw(st.lists(_TEXT, max_size=1))),
        requires=tuple(draw(st.lists(_REQUIRES | _TEXT, max_size=3))),
        files_sha256=draw(_SHAS),
    )


def packages() -> st.SearchStrategy[Package]:
    """Packages of every type."""
    deb = st.builds(
        make_deb, _NAMES, _VERSIONS, architecture=st.sampled_from(["amd64", "i386"]), source_name=_TEXT
    )
    rpm = st.builds(make_deb, _NAMES, _VERSIONS, type=st.sampled_from(["rpm", "apk"]))
    conda = st.builds(make_conda, _NAMES, _VERSIONS, build=_TEXT, channel=_TEXT)
    return pypi_packages() | deb | rpm | conda


def variables() -> st.SearchStrategy[Variable]:
    """Environment variables of every origin and state."""
    recorded = st.builds(
        Variable,
        name=st.sampled_from(["LANG", "OMP_NUM_THREADS", "SEED", "HOSTNAME"]) | _NAMES,
        value=_TEXT,
        origin=st.sampled_from(["image", "run", "container", "host"]),
    )
    hidden = st.builds(
        Variable,
        name=st.sampled_from(["LANG", "TOKEN"]),
        value=st.none(),
        origin=st.sampled_from(["run", "container", "host"]),
        state=st.sampled_from(["withheld", "secret"]),
    )
    return recorded | hidden


def libraries() -> st.SearchStrategy[NativeLibrary]:
    """Native libraries."""
    return st.builds(
        NativeLibrary,
        kind=st.sampled_from(["openblas", "cudnn"]),
        name=st.sampled_from(["libopenblas.so.0", "libcudnn.so.8", "libcudnn.so.9"]),
        path=st.sampled_from(["/a", "/b"]),
        version=_TEXT,
        owner=st.sampled_from(["", "pkg:pypi/numpy@1.0"]),
    )


def hosts() -> st.SearchStrategy[Host]:
    """Machines with and without accelerators."""
    cpus = st.builds(
        make_cpu,
        architecture=st.sampled_from(["x86_64", "aarch64"]),
        level=st.sampled_from(["", "x86-64-v3", "x86-64-v4"]),
        features=st.lists(st.sampled_from(["avx2", "avx512f", "sve"]), unique=True).map(tuple),
        quota_millicpus=st.none() | st.just(2000),
    )
    gpus = st.builds(make_gpu, index=st.integers(0, 2), compute_capability=st.sampled_from(["8.0", "9.0"]))
    return st.builds(
        make_host,
        cpu=cpus,
        gpus=st.lists(gpus, max_size=2).map(tuple),
        driver=st.none() | st.builds(Driver, version=st.sampled_from(["535.54", "550.1"])),
    )


def runs() -> st.SearchStrategy[RunRecord]:
    """Recorded runs."""
    paths = st.sampled_from(["/data", "/app/train.py", "/x"])
    inputs = st.builds(make_input, paths, sha256=_SHAS, kind=st.sampled_from(["file", "directory"]))
    contents = st.none() | st.just(f"sha256:{sha('4')}")
    names = st.sampled_from(["/out/a.pt", "/out/b.json"])
    outputs = st.builds(make_output, names, sha256=st.just(sha("2")) | st.just(sha("5")), content=contents)
    changes = st.builds(Change, path=paths, kind=st.sampled_from(["added", "modified", "deleted"]))
    mounts = st.builds(
        Mount, target=paths, kind=st.just("bind"), writable=st.booleans(), role=st.just("unread")
    )
    return st.builds(
        make_run,
        argv=st.lists(_TEXT, max_size=2).map(tuple),
        inputs=_few(inputs, lambda x: x.path),
        outputs=_few(outputs, lambda x: x.name),
        changes=_few(changes, lambda x: x.path),
        mounts=_few(mounts, lambda x: x.target),
        resources=st.builds(Resources, nano_cpus=st.none() | st.just(10**9)),
        exit_code=st.sampled_from([None, 0, 1]),
        ignore_outputs=st.sampled_from([(), ("/out/*.json",)]),
        withheld_arguments=st.sampled_from([(), (1,)]),
    )


def _few(items: st.SearchStrategy[Any], key: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=2, unique_by=key).map(tuple)


_WORDS = st.sampled_from(["", "a", "b"])
_PATHS = st.sampled_from(["/a", "/b", "x.so.1"])
_COUNTS = st.integers(0, 2)


def _around() -> dict[str, st.SearchStrategy[Any]]:
    """Sections that stand around an environment, each often empty."""
    repositories = st.builds(
        Repository,
        path=_PATHS,
        commit=_WORDS,
        dirty=st.booleans(),
        patch_sha256=_WORDS,
        untracked=_COUNTS,
        submodules=_few(
            st.builds(Submodule, path=_PATHS, recorded=_WORDS, checked_out=_WORDS), lambda x: x.path
        ),
        lfs_pointers=st.sampled_from([(), ("w.bin",)]),
    )
    files = st.builds(DataFile, path=_PATHS, size=_COUNTS, sha256=st.sampled_from([sha("0"), sha("1")]))
    data = st.builds(
        DataSet,
        name=_PATHS,
        kind=st.sampled_from(["file", "directory"]),
        files=_COUNTS,
        bytes=_COUNTS,
        sha256=st.sampled_from([sha("0"), sha("1")]),
        listing=_few(files, lambda x: x.path),
    )
    hub = st.builds(
        HubRepository,
        hub=st.sampled_from(["huggingface", "torch"]),
        kind=st.just("model"),
        repository=st.sampled_from(["a/b", "c"]),
        revision=_WORDS,
        files_sha256=_WORDS,
        incomplete=st.sampled_from([(), ("x",)]),
    )
    loaded = st.builds(
        Loaded,
        observer=_WORDS,
        processes=st.just(()),
        libraries=st.lists(
            st.builds(LoadedLibrary, path=_PATHS, sha256=_WORDS, build_id=_WORDS, owner=_WORDS, kind=_WORDS),
            max_size=2,
        ).map(tuple),
        modules=st.lists(
            st.builds(ImportedModule, name=_PATHS, distribution=_WORDS, version=_WORDS), max_size=2
        ).map(tuple),
        state=st.lists(st.builds(StateFlag, name=_PATHS, value=_WORDS, process=_COUNTS), max_size=2).map(
            tuple
        ),
    )
    faults = st.builds(
        FileFault,
        kind=st.sampled_from(["changed", "missing", "unowned", "owned-twice"]),
        path=_PATHS,
        actual=_WORDS,
    )
    integrity = st.builds(
        Integrity,
        checked=_COUNTS,
        without_digest=_COUNTS,
        faults=_few(faults, lambda x: (x.path, x.kind)),
    )
    frameworks = st.builds(
        Framework, name=st.sampled_from(["torch", "jax"]), version=_WORDS, location=_PATHS, cuda=_WORDS
    )
    loading = st.builds(
        LoaderChoice,
        soname=_PATHS,
        consumer=_PATHS,
        path=_WORDS,
        rule=st.sampled_from(["rpath", "LD_LIBRARY_PATH", "none"]),
    )
    linking = st.builds(
        LinkNeed,
        owner=_WORDS,
        soname=_PATHS,
        consumer=_PATHS,
        wanted=_WORDS,
        provider=_WORDS,
        met=st.booleans(),
    )
    labels = st.builds(Label, name=_PATHS, value=_WORDS)
    job = st.builds(
        Job, scheduler=st.sampled_from(["slurm", ""]), rank=_WORDS, facts=_few(labels, lambda x: x.name)
    )
    return {
        "code": _few(repositories, lambda x: x.path),
        "data": _few(data, lambda x: x.name),
        "hub": st.lists(hub, max_size=2).map(tuple),
        "loaded": st.none() | loaded,
        "integrity": st.none() | integrity,
        "frameworks": st.lists(frameworks, max_size=2).map(tuple),
        "loading": st.lists(loading, max_size=2).map(tuple),
        "linking": st.lists(linking, max_size=2).map(tuple),
        "labels": _few(labels, lambda x: x.name),
        "job": st.none() | job,
        "wheels": _few(st.builds(WheelFile, path=_PATHS, name=_WORDS, version=_WORDS), lambda x: x.path),
        "remnants": _few(st.builds(Remnant, path=_PATHS, reason=_WORDS), lambda x: x.path),
    }


def manifests() -> st.SearchStrategy[Manifest]:
    """Manifests with and without each optional section, in any order of their parts."""
    return st.builds(
        make_manifest,
        packages=st.lists(packages(), max_size=5).map(tuple),
        pythons=_few(st.builds(make_python, _ENVIRONMENTS.filter(bool)), lambda x: x.executable),
        libraries=st.lists(libraries(), max_size=3).map(tuple),
        environment=st.lists(variables(), max_size=4).map(tuple),
        **_around(),
        image=st.none() | st.builds(make_image, architecture=st.sampled_from(["amd64", "arm64"])),
        os=st.none() | st.builds(OperatingSystem, id=_TEXT, libc=_TEXT),
        host=st.none() | hosts(),
        run=st.none() | runs(),
        unknowns=_few(
            st.builds(Unknown, section=st.just("packages"), where=_TEXT, reason=_TEXT), lambda x: x.where
        ),
    )
