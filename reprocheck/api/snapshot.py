"""Snapshot: what an environment holds, without executing anything of it."""

from __future__ import annotations

import glob
import os
import platform
import stat
from functools import partial
from pathlib import Path

from reprocheck.api.active import ActivePython, find_active
from reprocheck.api.assemble import assemble, see_machine
from reprocheck.api.context import ContextOptions, gather, name_host
from reprocheck.api.outside import Outside
from reprocheck.api.sight import DEFAULT_PATH, Sight, interest, look
from reprocheck.api.targets import parse_target
from reprocheck.collect.environment import describe_environment
from reprocheck.collect.hub import cache_directories
from reprocheck.engine.directory import open_directory
from reprocheck.engine.meanwhile import Meanwhile
from reprocheck.engine.view import View
from reprocheck.errors import UsageFault
from reprocheck.model.base import Frozen, field
from reprocheck.model.image import Source
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import IgnoredKey
from reprocheck.model.unknown import Unknown


class SnapshotOptions(Frozen, frozen=True, kw_only=True):
    """What to look at beyond the packages."""

    outputs: tuple[str, ...] = ()
    env_values: frozenset[str] = frozenset()
    all_values: bool = False
    ignore_outputs: tuple[str, ...] = ()
    ignore_keys: tuple[IgnoredKey, ...] = ()
    keep: bool = True
    with_syft: bool = True
    integrity: bool = False
    """Hold every installed file against what its package says of it."""
    context: ContextOptions = field(default_factory=ContextOptions)
    probe: bool = False
    """Look at what the processes of a running container have loaded."""


def snapshot(target: str | None, options: SnapshotOptions, outside: Outside) -> Manifest:
    """Return the sealed manifest of a target (see `parse_target`)."""
    parsed = parse_target(target)
    if parsed.scheme in ("docker", "podman"):
        from reprocheck.api.snapshot_docker import snapshot_docker

        return snapshot_docker(parsed, options, outside)
    if options.probe:
        raise probe_needs_container(target)
    if parsed.scheme in ("docker-archive", "oci-archive", "oci"):
        from reprocheck.api.snapshot_archive import snapshot_archive

        return snapshot_archive(parsed, options, outside)
    if options.outputs:
        raise UsageFault(
            "E_OUTPUTS_NEED_CONTAINER",
            f"--output was given, but {target or 'this machine'} is no container",
            hint="Record the run with `reprocheck run`, or name the container that ran.",
        )
    if parsed.scheme in ("rootfs", "env") and (options.env_values or options.all_values):
        raise UsageFault(
            "E_NO_ENVIRONMENT",
            f"--env-value was given, but {target} is a directory and has no environment variables",
            hint="Leave it out, or snapshot the machine or the container.",
        )
    if parsed.scheme == "probe":
        from reprocheck.api.snapshot_probe import snapshot_probe

        return snapshot_probe(parsed.reference, options, outside)
    if parsed.scheme == "rootfs":
        return _rootfs(parsed.reference, options, outside)
    if parsed.scheme == "env":
        return _environment(parsed.reference, options, outside)
    return snapshot_local(options, outside)


def probe_needs_container(target: str | None) -> UsageFault:
    """Say that `--probe` was given for something that has no processes."""
    return UsageFault(
        "E_PROBE_TARGET",
        f"--probe was given, but {target or 'this machine'} is no container",
        hint="Name a running container, or leave --probe out.",
    )


class LocalFiles(Frozen, frozen=True, kw_only=True):
    """This machine's files as far as they bear on packages, being listed meanwhile."""

    active: ActivePython | None
    view: Meanwhile[View]


def local_files(outside: Outside, *, integrity: bool = False) -> LocalFiles:
    """Begin to list this machine's packages and the Python environment that the user works in."""
    active = find_active(outside)
    caches = cache_directories(outside.environ, outside.home)
    only = (*_system_paths(), *(active.paths() if active else ()), *caches)
    asked = interest(digests=integrity, limits=outside.limits)
    listing = partial(open_directory, "/", only=only, interest=asked, limits=outside.limits)
    return LocalFiles(active=active, view=Meanwhile(listing))


def local_scene(
    files: LocalFiles, outside: Outside, *, with_syft: bool, integrity: bool = False
) -> tuple[Source, Sight, tuple[Unknown, ...]]:
    """See what the files hold. Raises CouldNotRun (E_LIMIT)."""
    view = files.view.result()
    sight = look(
        view,
        outside,
        with_syft=with_syft,
        integrity=integrity,
        path_variable=outside.environ.get("PATH", ""),
        library_path=outside.environ.get("LD_LIBRARY_PATH", ""),
        virtual_env=files.active.prefix if files.active else "",
        only_prefix=files.active.prefix if files.active else "",
    )
    return Source(kind="local", reader="directory"), sight, _unreadable(view.unreadable)


def snapshot_local(options: SnapshotOptions, outside: Outside) -> Manifest:
    """Snapshot this machine and the active Python environment."""
    files = local_files(outside, integrity=options.integrity)
    variables = tuple(sorted(outside.environ.items()))
    context = gather(options.context, outside, here=True, variables=variables)
    source, sight, unknowns = local_scene(
        files, outside, with_syft=options.with_syft, integrity=options.integrity
    )
    host, host_unknowns = see_machine(outside)
    return assemble(
        outside=outside,
        source=source,
        image=None,
        sight=sight,
        environment=describe_environment(
            host=variables,
            add_values=options.env_values,
            all_values=options.all_values,
            limits=outside.limits,
        ),
        host=name_host(host, options.context),
        unknowns=(*host_unknowns, *unknowns),
        private=options.all_values,
        context=context,
    )


def _environment(prefix: str, options: SnapshotOptions, outside: Outside) -> Manifest:
    context = gather(options.context, outside, here=True)
    root = _existing_directory(prefix, outside, scheme="env")
    has_python = any(glob.glob(f"{glob.escape(root)}/bin/{name}") for name in ("python*", "pypy*"))
    if not has_python and not Path(root, "conda-meta").is_dir():
        raise UsageFault(
            "E_TARGET",
            f"{prefix} is neither a venv nor a conda prefix: it has no bin/python and no conda-meta",
            hint="Name the directory that holds bin/ (for a venv, the one with pyvenv.cfg).",
        )
    active = ActivePython.of_prefix(root)
    view = open_directory(
        "/",
        only=("/etc/os-release", "/usr/lib/os-release", *_libc_paths(), *active.paths()),
        interest=interest(digests=options.integrity, limits=outside.limits),
        limits=outside.limits,
    )
    sight = look(
        view,
        outside,
        with_syft=options.with_syft,
        integrity=options.integrity,
        virtual_env=root,
        only_prefix=root,
    )
    host, host_unknowns = see_machine(outside)
    return assemble(
        outside=outside,
        source=Source(
            kind="environment", reference=prefix, reader="directory", missing=("environment variables",)
        ),
        image=None,
        sight=sight,
        environment=(),
        host=name_host(host, options.context),
        unknowns=(*host_unknowns, *_unreadable(view.unreadable)),
        context=context,
    )


def _rootfs(directory: str, options: SnapshotOptions, outside: Outside) -> Manifest:
    context = gather(options.context, outside, here=False)
    root = _existing_directory(directory, outside, scheme="rootfs")
    if all(os.path.isfile(f"{root}/{name}") for name in ("oci-layout", "index.json")):
        raise UsageFault(
            "E_TARGET",
            f"rootfs:{directory} holds an OCI layout, and no root file system",
            hint=f"Write oci:{directory}.",
        )
    view = open_directory(
        root, interest=interest(digests=options.integrity, limits=outside.limits), limits=outside.limits
    )
    sight = look(
        view,
        outside,
        with_syft=options.with_syft,
        integrity=options.integrity,
        path_variable=DEFAULT_PATH,
    )
    host, host_unknowns = see_machine(outside)
    return assemble(
        outside=outside,
        source=Source(
            kind="rootfs", reference=directory, reader="directory", missing=("image configuration",)
        ),
        image=None,
        sight=sight,
        environment=(),
        host=name_host(host, options.context),
        unknowns=(*host_unknowns, *_unreadable(view.unreadable)),
        context=context,
    )


def _existing_directory(text: str, outside: Outside, *, scheme: str) -> str:
    path = outside.absolute(text)
    try:
        is_directory = stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise UsageFault(
            "E_TARGET", f"{scheme}:{text} cannot be read: {reason}", hint="Check the path."
        ) from None
    if not is_directory:
        raise UsageFault("E_TARGET", f"{scheme}:{text} is not a directory", hint="Name a directory.")
    return os.path.realpath(path)


def _system_paths() -> tuple[str, ...]:
    """Where a Linux system keeps its package databases and the libraries that bear on results."""
    triplet = f"{platform.machine()}-linux-gnu"
    return (
        "/etc/os-release",
        "/usr/lib/os-release",
        "/etc/ld.so.cache",
        "/var/lib/dpkg",
        "/lib/apk/db",
        "/usr/lib/apk/db",
        "/var/lib/rpm",
        "/usr/lib/sysimage/rpm",
        "/usr/share/rpm",
        f"/usr/lib/{triplet}",
        "/usr/lib64",
        *_libc_paths(),
        *sorted(glob.glob("/usr/local/cuda*")),
    )


def _libc_paths() -> tuple[str, ...]:
    """Where the C library lies; not all of /lib, which may hold millions of files."""
    glibc = (f"/lib/{platform.machine()}-linux-gnu/libc.so.6", "/lib64/libc.so.6")
    return (*(path for path in glibc if os.path.exists(path)), *sorted(glob.glob("/lib/ld-musl-*")))


def _unreadable(rows: tuple[tuple[str, str], ...]) -> tuple[Unknown, ...]:
    return tuple(Unknown(section="packages", where=path, reason=reason) for path, reason in rows)
