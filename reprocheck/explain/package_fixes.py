"""The command that puts one package of B's side right."""

from __future__ import annotations

import re
import shlex

from reprocheck.explain.sides import Sides
from reprocheck.model.change import Difference
from reprocheck.model.installing import pip_of, wanted
from reprocheck.model.package import Package

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:~!^-]*")


def fix_package(d: Difference, sides: Sides) -> str:
    """Return a command of the package's own manager, or a sentence where a name is not fit for one."""
    if d.attribute in ("wheel", "remnant"):
        return ""
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


def _pip(package: Package, d: Difference, sides: Sides) -> str:
    url = package.python.direct_url if package.python is not None else None
    pip = pip_of(sides.interpreter(d), sides.b.pythons)
    if url is not None and url.vcs and url.commit:
        part = f"#subdirectory={url.subdirectory}" if url.subdirectory else ""
        return f"{pip} install {shlex.quote(f'{package.name} @ {url.vcs}+{url.url}@{url.commit}{part}')}"
    if url is not None and url.archive_sha256 and not url.url.startswith("file:"):
        pin = f"{package.name} @ {url.url}#sha256={url.archive_sha256}"
        return f"{pip} install {shlex.quote(pin)}"
    if url is not None:
        return f"install {package.name} {package.version} from the first side's own source tree"
    again = "" if d.attribute in ("version", "presence") else "--force-reinstall --no-deps "
    pin = wanted(f"{package.name}=={package.version}", name=package.name, version=package.version)
    return f"{pip} install {again}{pin}"


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
        case "deb":
            return f"apt-get remove {name}"
        case "rpm":
            return f"dnf remove {name}"
        case "apk":
            return f"apk del {name}"
        case "conda":
            return f"conda remove {_prefix(d, sides)}{name}"
        case _:
            return f"{pip_of(sides.interpreter(d), sides.b.pythons)} uninstall -y {name}"
