"""The command that puts one package of B's side right."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

from reprocheck.explain.judging import normal_name
from reprocheck.explain.mending_ground import pip_version
from reprocheck.explain.mending_python import home_of
from reprocheck.explain.mending_vital import is_vital
from reprocheck.explain.mending_words import owner_key
from reprocheck.explain.sides import Sides
from reprocheck.explain.system_fixes import KEPT, fix_system
from reprocheck.model.change import Difference
from reprocheck.model.installing import breaking, pip_for, pip_of, wanted
from reprocheck.model.package import Package

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:~!^-]*")


def fix_package(d: Difference, sides: Sides) -> str:
    """Return a command of the package's own manager, or a sentence where a name is not fit for one."""
    if d.attribute in ("wheel", "remnant"):
        return ""
    told = fix_system(d, sides) or _owned(d, sides)
    if told:
        return told
    if d.attribute == "presence" and d.after is not None:
        return _uninstall(d, sides) if _PLAIN.fullmatch(d.name) else "uninstall what the first side lacks"
    package = sides.before(d)
    if package is None or not _PLAIN.fullmatch(package.name) or not _PLAIN.fullmatch(package.version):
        return "install the version that the first manifest records"
    match package.type:
        case "pypi":
            return _pip(package, d, sides)
        case "conda":
            return _conda(package, d, sides)
        case "deb":
            return _apt(package, d)
        case "rpm":
            verb = "install"
            if d.attribute == "version":
                verb = "downgrade" if d.direction == "upgrade" else "install"
            elif d.attribute != "presence":
                verb = "reinstall"
            return f"dnf {verb} {shlex.quote(f'{package.name}-{package.version}')}"
        case "apk":
            return f"apk add {shlex.quote(f'{package.name}={package.version}')}"


def _owned(d: Difference, sides: Sides) -> str:
    """Return the command for the OS package that installed a distribution: pip must leave that alone."""
    if d.type != "pypi":
        return ""
    present = d.before is None
    package = sides.after(d) if present else sides.before(d)
    if package is None or not package.owner:
        return ""
    kind, name = owner_key(package.owner)
    index = sides.packages_b if present else sides.packages_a
    owner = index.get((kind, name, None, ""))
    if owner is None or kind not in _COMMANDS or not _PLAIN.fullmatch(owner.name):
        return ""
    if present:
        return KEPT if is_vital(kind, owner.name) else _remove(kind, shlex.quote(owner.name))
    return _COMMANDS[kind](owner) if _PLAIN.fullmatch(owner.version) else ""


_COMMANDS: Mapping[str, Callable[[Package], str]] = {
    "deb": lambda p: f"apt-get install --allow-downgrades {shlex.quote(f'{p.name}={p.version}')}",
    "rpm": lambda p: f"dnf install {shlex.quote(f'{p.name}-{p.version}')}",
    "apk": lambda p: f"apk add {shlex.quote(f'{p.name}={p.version}')}",
}
_REMOVALS = {"deb": "apt-get remove", "rpm": "dnf remove", "apk": "apk del"}


def _remove(kind: str, name: str) -> str:
    return f"{_REMOVALS[kind]} {name}"


def _reach(d: Difference, sides: Sides) -> tuple[str, str]:
    """Return the pip of the environment that differs, and the option without which it would refuse."""
    executable = sides.interpreter(d)
    own = [python for python in sides.b.pythons if python.executable == executable]
    version = pip_version(sides, own[0]) if own else ""
    option = breaking(executable, own, version)
    pip = pip_of(executable, sides.b.pythons)
    if own and not version:
        pips = {python.executable: pip_version(sides, python) for python in sides.b.pythons}
        pip = pip_for(executable, sides.b.pythons, {x: told for x, told in pips.items() if told}) or pip
    return pip, f"{option} " if option else ""


def _pip(package: Package, d: Difference, sides: Sides) -> str:
    url = package.python.direct_url if package.python is not None else None
    what = f"{package.name} {package.version}"
    reached = home_of(package, sides.after(d), sides)
    if reached is None:
        home = package.python.environment if package.python is not None else ""
        return f"make the environment of {shlex.quote(home)} first, then install {what}"
    if d.attribute in ("wheel-build", "tags"):
        built = f" ({d.attribute.replace('-', ' ')} {d.before})" if d.before else ""
        return f"install the first side's own wheel of {what}{built}"
    pip, option = _reach(d, sides)
    pip = f"{pip} install {option}".rstrip()
    if url is not None and url.vcs and url.commit:
        part = f"#subdirectory={url.subdirectory}" if url.subdirectory else ""
        return f"{pip} {shlex.quote(f'{package.name} @ {url.vcs}+{url.url}@{url.commit}{part}')}"
    if url is not None and url.archive_sha256 and not url.url.startswith("file:"):
        pin = f"{package.name} @ {url.url}#sha256={url.archive_sha256}"
        return f"{pip} {shlex.quote(pin)}"
    if url is not None:
        return f"install {package.name} {package.version} from the first side's own source tree"
    # A copy that the system installed would satisfy pip, which has to add its own before it.
    standing = d.after is None and ("pypi", normal_name("pypi", d.name), None, reached) in sides.packages_b
    fresh = d.attribute in ("version", "presence") and not standing
    again = "" if fresh else "--force-reinstall --no-deps "
    pin = wanted(f"{package.name}=={package.version}", name=package.name, version=package.version)
    return f"{pip} {again}{pin}"


def _conda(package: Package, d: Difference, sides: Sides) -> str:
    spec, channel = f"{package.name}={package.version}", ""
    if package.conda is not None:
        spec = f"{spec}={package.conda.build}".rstrip("=")
        if _PLAIN.fullmatch(package.conda.channel):
            channel = f"-c {shlex.quote(package.conda.channel)} "
    return f"conda install {_prefix(d, sides)}{channel}{shlex.quote(spec)}"


def _prefix(d: Difference, sides: Sides) -> str:
    prefix = sides.prefix(d)
    return f"-p {shlex.quote(prefix)} " if prefix.startswith("/") else ""


def _apt(package: Package, d: Difference) -> str:
    name = f"{package.name}:{package.architecture}" if d.where else package.name
    option = ""
    if d.attribute == "version":
        option = "" if d.direction == "downgrade" else "--allow-downgrades "
    elif d.attribute != "presence":
        option = "--reinstall "
    return f"apt-get install {option}{shlex.quote(f'{name}={package.version}')}"


def _uninstall(d: Difference, sides: Sides) -> str:
    name = shlex.quote(d.name)
    match d.type:
        case "deb" | "rpm" | "apk":
            return _remove(d.type, name)
        case "conda":
            return f"conda remove {_prefix(d, sides)}{name}"
        case _:
            pip, option = _reach(d, sides)
            return f"{pip} uninstall -y {option}{name}"
