"""What is installed, for people: packages, frameworks, native libraries, the loader's choices, integrity."""

from __future__ import annotations

from collections import Counter

from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, LoaderChoice, NativeLibrary
from reprocheck.render.blocks import Row, block, capped
from reprocheck.render.style import Style
from reprocheck.render.table import table
from reprocheck.render.wording import plural

_SHOWN = 12
_FAULTS = 5


def software(manifest: Manifest, style: Style, *, everything: bool) -> str:
    """Packages are counted, and listed on request; what decides results is named in any case."""
    counts = Counter(package.type for package in manifest.packages)
    rows: list[Row] = [(kind, plural(counts[kind], "package")) for kind in sorted(counts)]
    if manifest.shadowed:
        rows.append(("shadowed", f"{plural(len(manifest.shadowed), 'distribution')} that no import finds"))
    rows += [
        ("python", f"{p.executable} {p.version} ({p.kind}{', active' if p.active else ''})")
        for p in manifest.pythons
    ]
    rows += [("framework", _framework(item)) for item in manifest.frameworks]
    libraries = [("library", _library(item)) for item in manifest.libraries]
    rows += capped(libraries, most=_SHOWN, everything=everything)
    rows += _loader(manifest.loading, everything=everything)
    rows += _aside(manifest, everything=everything)
    text = block("Software", rows, style)
    if everything:
        listing = [
            (p.type, p.name, p.version, p.python.environment if p.python else "") for p in manifest.packages
        ]
        text += "\n\n" + table(listing, headers=("type", "name", "version", "environment"))
    return text


def _framework(item: Framework) -> str:
    build = [f"CUDA {item.cuda}" if item.cuda else "", f"ROCm {item.hip}" if item.hip else ""]
    build += [f"cuDNN {item.cudnn}" if item.cudnn else "", "debug" if item.debug else ""]
    told = ", ".join(part for part in build if part) or "CPU or untold"
    return f"{item.name} {item.version} (built for {told}) {item.location}"


def _library(item: NativeLibrary) -> str:
    others = "; ".join(f"{claim.source} says {claim.version}" for claim in item.others)
    return " ".join(
        part for part in (item.kind, item.version, item.path, f"({others})" if others else "") if part
    )


def _loader(choices: tuple[LoaderChoice, ...], *, everything: bool) -> list[Row]:
    """Choices that shadow another copy, one row for all libraries that get the same; the rest is counted."""
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    lost: dict[str, list[str]] = {}
    for choice in choices:
        if choice.rule == "none":
            lost.setdefault(choice.soname, []).append(choice.consumer)
        elif choice.shadowed:
            key = (choice.soname, choice.path, choice.rule, choice.shadowed)
            groups.setdefault(key, []).append(choice.consumer)
    rows = [
        ("loader", f"{soname} → {path} by {rule}, before {', '.join(shadowed)} ({_names(consumers)})")
        for (soname, path, rule, shadowed), consumers in sorted(groups.items())
    ]
    rows = capped(rows, most=_SHOWN, everything=everything)
    missing = [("loader", f"{name} → not found, wanted by {_wanted_by(lost[name])}") for name in sorted(lost)]
    rows += capped(missing, most=3, everything=everything)
    plain = len(choices) - sum(map(len, groups.values())) - sum(map(len, lost.values()))
    if plain:
        rows.append(("loader", f"{plural(plain, 'choice')} with one candidate only"))
    return rows


def _names(consumers: list[str]) -> str:
    """Say who loads it, by name alone: the row names two paths already."""
    name = min(consumers).rpartition("/")[2]
    return f"for {name}" if len(consumers) == 1 else f"for {plural(len(consumers), 'library', 'libraries')}"


def _wanted_by(consumers: list[str]) -> str:
    more = len(consumers) - 1
    return min(consumers) + (f" and {plural(more, 'other library', 'other libraries')}" if more else "")


def _aside(manifest: Manifest, *, everything: bool) -> list[Row]:
    """What lies about without being installed."""
    if everything:
        rows = [("wheel", f"{wheel.path} (not installed)") for wheel in manifest.wheels]
        return rows + [("remnant", f"{remnant.path}: {remnant.reason}") for remnant in manifest.remnants]
    parts = []
    if manifest.wheels:
        parts.append(plural(len(manifest.wheels), "wheel file"))
    if manifest.remnants:
        parts.append(plural(len(manifest.remnants), "remnant of a distribution", "remnants of distributions"))
    return [("aside", f"{' and '.join(parts)}, not installed (--all lists them)")] if parts else []


def integrity(found: Integrity, style: Style, *, everything: bool) -> str:
    """Counts, and the first faults of each kind."""
    rows: list[Row] = [
        ("checked", f"{plural(found.checked, 'file')} by digest, {found.without_digest} by existence alone")
    ]
    rows += [("judged", f"only {place}") for place in found.places]
    for kind in ("changed", "missing", "owned-twice", "unowned"):
        faults = [fault for fault in found.faults if fault.kind == kind]
        if faults:
            rows.append((kind, plural(len(faults), "file")))
            listed = [("", _fault(fault)) for fault in faults]
            rows += capped(listed, most=_FAULTS, everything=everything)
    if not found.faults:
        rows.append(("faults", "none"))
    if found.left_out:
        rows.append(("left out", f"{plural(found.left_out, 'listed path')} not there, which is no fault"))
    if found.packages_without_list:
        names = [("no list", purl) for purl in found.packages_without_list]
        rows += capped(names, most=3, everything=everything)
    return block("Integrity", rows, style)


def _fault(fault: FileFault) -> str:
    marks = ["configuration"] if fault.configuration else []
    marks += fault.owners
    return f"{fault.path} ({', '.join(marks)})" if marks else fault.path
