"""Every installed file held against what its package says of it: changed, missing, unowned, owned twice.

A path counts as unchanged when it is as any package that lists it says: where two packages write one file,
the later wins, and `owned-twice` tells of it. Links are followed to their content. Nothing is judged whose
directory could not be listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reprocheck.collect import file_lists_dpkg, file_lists_python, rpm
from reprocheck.collect.file_lists import Listed, Lists, Places, Reader
from reprocheck.collect.file_lists_apk import apk_files
from reprocheck.collect.file_lists_conda import conda_files
from reprocheck.collect.file_lists_dpkg import dpkg_files
from reprocheck.collect.file_lists_python import is_bytecode, python_files
from reprocheck.collect.observed import Observed
from reprocheck.collect.python_sites import SITE_NAMES
from reprocheck.collect.reading import unknown
from reprocheck.collect.unowned import unowned_files
from reprocheck.limits import Limits
from reprocheck.model.filetree import Entry, portable
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.package import PythonEnvironment
from reprocheck.model.unknown import Unknown
from reprocheck.ports import Algorithm, ContainerView, ViewError

_READERS: tuple[Reader, ...] = (dpkg_files, apk_files, conda_files, python_files)

_Rows = dict[str, list[Listed]]
_OF_RPM = ("/usr/lib/python", "/usr/lib64/python")
_Kind = Literal["changed", "missing", "owned-twice"]
_Question = tuple[str, Algorithm]
_Answers = dict[_Question, str | ViewError]


def wants(path: str) -> bool:
    """Files that are read only to check the others: digest lists, diversions, what dpkg left out."""
    return file_lists_dpkg.wants(path) or file_lists_python.wants(path)


def check_integrity(
    view: ContainerView, observed: Observed, limits: Limits, *, places: tuple[str, ...] | None = None
) -> tuple[Integrity, tuple[Unknown, ...]]:
    """Check the files of all packages in `observed`.

    `places` are the directories to judge when the view holds only a part of the file system; None judges
    everything. Raises nothing for what the files hold.
    """
    lists = Lists(places=Places(view.tree))
    rows, complete = _gather(view, observed, limits, lists, places)
    tally = _judge(view, rows, lists.unknowns)
    faults = tally.faults
    listed_system = any(package.type in ("deb", "apk") for package in observed.packages)
    if complete:
        # An rpm database lists files as well, but without being compared here: what it may own is not judged.
        unread = () if listed_system or not _has_rpm(view) else _OF_RPM
        found = unowned_files(
            view.tree,
            observed.pythons,
            is_owned=rows.__contains__,
            unjudged=lists.unjudged,
            beyond=unread,
            system=places is None and listed_system,
        )
        faults += [FileFault(kind="unowned", path=portable(path)) for path in sorted(set(found))]
    lists.without.update(package.purl for package in observed.packages if package.type == "rpm")
    integrity = Integrity(
        checked=tally.checked,
        without_digest=tally.without_digest,
        faults=_bounded(faults, limits, lists.unknowns),
        packages_without_list=tuple(sorted(lists.without)),
        left_out=tally.left_out,
        places=tuple(sorted(portable(place) for place in places or ())),
    )
    unknowns = sorted(set(lists.unknowns), key=lambda item: (item.section, item.where, item.reason))
    return integrity, tuple(unknowns)


def _has_rpm(view: ContainerView) -> bool:
    files = (rpm.SQLITE, *rpm.OTHER_FORMS)
    return any(view.tree.exists(f"{place}/{file}") for place in rpm.DIRECTORIES for file in files)


@dataclass(slots=True)
class _Tally:
    checked: int = 0
    without_digest: int = 0
    left_out: int = 0
    faults: list[FileFault] = field(default_factory=list)


def _judge(view: ContainerView, rows: _Rows, unknowns: list[Unknown]) -> _Tally:
    """Hold every listed path against the file that is there."""
    answers = _ask(view, rows)
    hidden = _unlisted(view)
    tally = _Tally()
    for path in sorted(rows):
        listed = rows[path]
        entry = view.tree.entries.get(path)
        # Without a digest nobody says whether a directory was meant, and those may be shared.
        is_file = any(row.digest for row in listed) or (entry is not None and entry.kind != "directory")
        # Packages of one name and version for two architectures share files (`Multi-Arch: same`).
        if is_file and not is_bytecode(path) and len({row.owner.partition("?")[0] for row in listed}) > 1:
            tally.faults.append(_fault("owned-twice", path, listed))
        if _is_missing(view, path, listed):
            if all(row.optional for row in listed):
                tally.left_out += 1
            elif not path.startswith(hidden):
                tally.faults.append(_fault("missing", path, listed))
            continue
        verdict = _compare(path, listed, answers)
        if isinstance(verdict, Unknown):
            unknowns.append(verdict)
        elif verdict is not None:
            tally.checked += 1
            tally.faults += verdict
        else:
            tally.without_digest += is_file
    return tally


def _gather(
    view: ContainerView, observed: Observed, limits: Limits, lists: Lists, places: tuple[str, ...] | None
) -> tuple[_Rows, bool]:
    """Rows by path, and whether they are all."""
    inside = tuple(f"{place.rstrip('/')}/" for place in places or ())
    rows: _Rows = {}
    count = 0
    for reader in _READERS:
        for row in reader(view, observed.packages, limits, lists):
            if places is not None and not row.path.startswith(inside):
                continue
            count += 1
            if count > limits.integrity_files:
                budget = f"the limit integrity_files ({limits.integrity_files}; see --limit-scale)"
                reason = f"come after {budget}; they were not checked, and no file was called unowned"
                lists.unknowns.append(unknown("integrity", "further files", reason))
                return rows, False
            rows.setdefault(row.path, []).append(row)
    return rows, True


def _is_missing(view: ContainerView, path: str, listed: list[Listed]) -> bool:
    """A link that leads nowhere is there as long as nobody gives the digest of what it leads to."""
    if _at(view, path) is not None:
        return False
    return path not in view.tree.entries or any(row.digest for row in listed)


def _at(view: ContainerView, path: str) -> Entry | None:
    """Follow a link; nothing else need be resolved, since the directories of listed paths are real."""
    entry = view.tree.entries.get(path)
    return entry if entry is not None and entry.kind != "link" else view.tree.resolve(path)


def _is_file(view: ContainerView, path: str) -> bool:
    entry = _at(view, path)
    return entry is not None and entry.kind == "file"


def _ask(view: ContainerView, rows: _Rows) -> _Answers:
    """Compute every digest that a package gives, each once, in the order of the paths."""
    questions: list[_Question] = sorted(
        {
            (path, row.algorithm)
            for path, listed in rows.items()
            for row in listed
            if row.algorithm != "" and _is_file(view, path)
        }
    )
    return dict(zip(questions, view.digests(questions), strict=True))


def _compare(path: str, listed: list[Listed], answers: _Answers) -> list[FileFault] | Unknown | None:
    """Return the fault of a file that is there, [] when it is as listed; None where nobody gives a digest."""
    first: tuple[Listed, str] | None = None
    for row in listed:
        if row.algorithm == "":
            continue
        answer = answers.get((path, row.algorithm), "")  # none where a directory took the file's place
        if isinstance(answer, ViewError):
            return unknown("integrity", path, str(answer))
        if answer == row.digest:
            return []
        first = first or (row, answer)
    if first is None:
        return None
    row, answer = first
    actual = f"{row.algorithm}:{answer}" if answer else ""
    return [_fault("changed", path, listed, expected=f"{row.algorithm}:{row.digest}", actual=actual)]


def _fault(
    kind: _Kind, path: str, listed: list[Listed], *, expected: str = "", actual: str = ""
) -> FileFault:
    if kind == "missing":
        row = next((row for row in listed if row.digest), None)
        expected = f"{row.algorithm}:{row.digest}" if row is not None else ""
    return FileFault(
        kind=kind,
        path=portable(path),
        owners=_owners(listed),
        expected=expected,
        actual=actual,
        configuration=kind != "owned-twice" and all(row.configuration for row in listed),
    )


def _owners(listed: list[Listed]) -> tuple[str, ...]:
    return tuple(sorted({row.owner for row in listed}))


def _unlisted(view: ContainerView) -> tuple[str, ...]:
    """Directories that a view of a disk could not list: nobody knows what is missing in them."""
    rows: tuple[tuple[str, str], ...] = getattr(view, "unreadable", ())
    return tuple(f"{path.rstrip('/')}/" for path, _ in rows)


def _bounded(faults: list[FileFault], limits: Limits, unknowns: list[Unknown]) -> tuple[FileFault, ...]:
    ordered = sorted(faults, key=lambda fault: (fault.kind, fault.path))
    most = limits.integrity_faults
    if len(faults) > most:
        reason = f"come after the limit integrity_faults ({most}; see --limit-scale)"
        unknowns.append(unknown("integrity", f"{len(faults) - most} further faults", reason))
    return tuple(ordered[:most])


def places_of(pythons: tuple[PythonEnvironment, ...]) -> tuple[str, ...]:
    """Directories to judge where only some environments were looked at: their site directories."""
    found = {
        place for python in pythons for place in python.search_path if place.rpartition("/")[2] in SITE_NAMES
    }
    return tuple(sorted(found))
