"""Packages: one component as a package manager installed it."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Name, Sha256, Value

PackageType = Literal["deb", "rpm", "apk", "pypi", "conda"]


class DirectUrl(Value, frozen=True, kw_only=True):
    """Where a distribution came from if not an index (PEP 610 `direct_url.json`), without credentials."""

    url: str
    vcs: str = ""
    commit: str = ""
    requested_revision: str = ""
    archive_sha256: str = ""
    subdirectory: str = ""
    editable: bool = False


class Distribution(Value, frozen=True, kw_only=True):
    """What only a Python distribution has."""

    environment: str
    """`PythonEnvironment.executable` of the environment it was found for ('' when it belongs to none)."""
    location: str
    """The directory on the search path that holds its metadata directory."""
    metadata: str
    """Name of the metadata directory or file, e.g. `numpy-2.1.0.dist-info`."""
    effective: bool = True
    """False when an earlier entry of the search path shadows it (an import would not find it)."""
    tags: tuple[str, ...] = ()
    """Wheel tags as in the WHEEL file, e.g. `cp311-cp311-manylinux_2_17_x86_64`."""
    build: str = ""
    """Wheel build tag."""
    installer: str = ""
    requested: bool = False
    direct_url: DirectUrl | None = None
    requires: tuple[str, ...] = ()
    """Requires-Dist lines as written."""
    extras: tuple[str, ...] = ()
    """Provides-Extra."""
    requires_python: str = ""
    changelog: str = ""
    """Address of its change log, or of the releases of its repository, as METADATA tells (Project-URL)."""
    has_record: bool = False
    files: int = 0
    """Files that RECORD lists."""
    files_sha256: Sha256 | None = None
    """SHA-256 over the sorted `path,hash` pairs of RECORD: equal versions with other content differ here."""


class Conda(Value, frozen=True, kw_only=True):
    """What only a conda package has (conda-meta/*.json)."""

    prefix: str
    build: str
    channel: str
    subdir: str = ""
    sha256: str = ""
    md5: str = ""
    depends: tuple[str, ...] = ()
    pip_name: str = ""
    """Name of the Python distribution that this package installed, when it has one."""


class Package(Value, frozen=True, kw_only=True):
    """One installed component. `name`, `version` and `purl` are always present."""

    name: Name
    """As its own metadata writes it."""
    version: str
    """Full version: epoch, release and local part included."""
    purl: str
    """Package URL (ECMA-427)."""
    type: PackageType
    architecture: str = ""
    source_name: str = ""
    source_version: str = ""
    depends: tuple[str, ...] = ()
    """OS packages: one entry per dependency group as written (`libc6 (>= 2.34)`, `a | b`)."""
    provides: tuple[str, ...] = ()
    """As written; of rpm packages also those of their files that another package depends on by path."""
    conflicts: tuple[str, ...] = ()
    """OS packages: what must not be installed beside it, as written (Debian's Conflicts and Breaks). Only
    lines that name something installed: nothing depends on the others."""
    multi_arch: str = ""
    """Debian's Multi-Arch; told only where packages of several architectures are installed, since nothing
    depends on it elsewhere."""
    owner: str = ""
    """purl of the package whose file list holds this one's metadata (Debian's python3-numpy owns numpy)."""
    python: Distribution | None = None
    conda: Conda | None = None


class PathFile(Value, frozen=True, kw_only=True):
    """A `.pth` file: site.py adds each line to the search path; it executes one that begins with `import`."""

    path: Name
    adds: tuple[str, ...] = ()
    """Directories that it adds and that exist, links resolved, in order."""
    missing: tuple[str, ...] = ()
    """Lines that name nothing."""
    executes: bool = False
    """Whether a line is executed at every start of the interpreter."""


class PythonEnvironment(Value, frozen=True, kw_only=True):
    """One interpreter with its search path."""

    executable: Name
    """Absolute path in the target, e.g. `/usr/bin/python3.11`; identifies the environment."""
    prefix: str
    kind: Literal["system", "venv", "conda"]
    implementation: str
    """`cpython`, `pypy`, or '' when it could not be told."""
    version: str
    """As precise as it could be told without running it: `3.11.2` or `3.11`."""
    search_path: tuple[str, ...] = ()
    """Directories that hold distributions, in import order."""
    base: str = ""
    """For a venv: the interpreter it was made from."""
    active: bool = False
    """The one that a bare `python3` (or VIRTUAL_ENV, CONDA_PREFIX) selects in the target."""
    abi: str = ""
    """ABI tag of wheels that it takes (`cp311`, `cp313t`, `pypy310_pp73`), '' when it could not be told."""
    platform: str = ""
    """Platform of its shared objects (`x86_64-linux-gnu`), from its own extension modules; '' if untold."""
    path_files: tuple[PathFile, ...] = ()
    """`.pth` files on its search path, in the order in which site.py reads them."""
    customizations: tuple[str, ...] = ()
    """`sitecustomize` and `usercustomize` modules on its search path: they run at every start."""


class WheelFile(Value, frozen=True, kw_only=True):
    """A wheel that lies about; nothing says that it is installed."""

    path: Name
    name: str
    version: str
    tags: tuple[str, ...] = ()


class Remnant(Value, frozen=True, kw_only=True):
    """Metadata that describes no installed distribution: left behind, emptied or half removed."""

    path: Name
    reason: str


class VersionClaim(Value, frozen=True, kw_only=True):
    """A version and where it was read."""

    version: str
    source: str
    """`file-name`, `soname`, `version.json`, `version.txt`, `string`, `wheel`, `deb`, `rpm`, `conda`, ..."""


class Framework(Value, frozen=True, kw_only=True):
    """The build of a deep-learning framework, from a file that its build wrote; nothing was imported."""

    name: Name
    """`torch`, `tensorflow`, `jax`, ..."""
    version: str
    location: str
    """The site directory that holds it."""
    cuda: str = ""
    """CUDA that it was built for, '' for a CPU build or when it does not say."""
    hip: str = ""
    cudnn: str = ""
    git: str = ""
    """Commit that it was built from."""
    debug: bool = False
    pins: tuple[str, ...] = ()
    """Requirements on native packages as its metadata writes them (`nvidia-cudnn-cu12==9.1.0.70; ...`)."""
    source: str = ""
    """File that told it, e.g. `torch/version.py`."""
    architectures: tuple[str, ...] = ()
    """GPUs that its kernels were compiled for, as the build names them: `sm_90` is machine code for compute
    capability 9.0, `compute_90` is PTX for it and later ones. Empty when the build does not say."""


class LoaderChoice(Value, frozen=True, kw_only=True):
    """Which copy of a native library the dynamic loader would take, told without running anything.

    Order of ld.so(8): DT_RPATH (without DT_RUNPATH), LD_LIBRARY_PATH, DT_RUNPATH, ld.so.cache, default paths.
    """

    soname: Name
    consumer: Name
    """Path of the library that needs it."""
    path: str
    """The copy that would be taken, '' when none is found."""
    rule: Literal["rpath", "LD_LIBRARY_PATH", "runpath", "cache", "default", "none"]
    shadowed: tuple[str, ...] = ()
    """Other copies that a later rule would have given, in the loader's order."""


class LinkNeed(Value, frozen=True, kw_only=True):
    """What shared objects of one Python distribution ask of the loader, told without running anything.

    Either a library that no rule of the loader finds (`provider` is ''), or the newest version of one family
    of symbols (`GLIBC`, `GLIBCXX`, `CXXABI`, ...) that is wanted of a library which was found; or NumPy's C
    API of 1.x (`soname` is `numpy`, `wanted` is `NUMPY_1`), where an object takes no other.
    """

    owner: str
    """purl of the package that installed the objects, '' when none claims them."""
    soname: Name
    consumer: Name
    """The first of the objects, by path, that asks for it."""
    wanted: str = ""
    """Symbol version, e.g. `GLIBC_2.34`; '' where the library itself is not found."""
    provider: str = ""
    """The copy that the loader would take."""
    offered: str = ""
    """The newest version of the same family that `provider` defines."""
    met: bool = False
    elsewhere: str = ""
    """A file of that name where the loader does not look."""
    imported: bool = False
    """Whether an import leads to the object: it is an extension module, or one needs it. The others are
    opened by name while a program runs, if ever."""


class NativeLibrary(Value, frozen=True, kw_only=True):
    """A native library that can change results: CUDA stack, BLAS, OpenMP."""

    kind: str
    """`cuda-runtime`, `cudnn`, `cublas`, `nccl`, `openblas`, `mkl`, `openmp`, ..."""
    name: str
    """File name, e.g. `libcudnn.so.9`."""
    path: str
    version: str = ""
    owner: str = ""
    """purl of the package that installed it, '' when none claims it."""
    source: str = ""
    """How the version was told: `file-name`, `version.json`, `string`, `wheel`, `deb`."""
    others: tuple[VersionClaim, ...] = ()
    """What other sources say of its version where they disagree with `version`; sorted."""
    soname: str = ""
    """DT_SONAME."""
    build_id: str = ""
    """GNU build id in hexadecimal."""
    sha256: str = ""
    """Of the file's bytes, '' above the limit `library_whole`."""
