"""rpm databases: found, named, and not read yet, so that no manifest seems complete without them."""

from __future__ import annotations

from reprocheck.collect.observed import Observed
from reprocheck.collect.reading import unknown
from reprocheck.limits import Limits
from reprocheck.ports import ContainerView

name: str = "rpm"
DATABASES = tuple(
    f"{directory}/{file}"
    for directory in ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
    for file in ("rpmdb.sqlite", "Packages.db", "Packages")
)
endings: tuple[str, ...] = ("/rpmdb.sqlite",)
prefixes: tuple[str, ...] = ()


def wants(path: str) -> bool:
    """Nothing: existence is all that is asked."""
    return False


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Report each rpm database as unread; /var/lib/rpm is often a link to the other place."""
    entries = (view.tree.resolve(path) for path in DATABASES)
    real = {entry.path for entry in entries if entry is not None and entry.kind == "file"}
    reason = "rpm databases are not read yet"
    return Observed(unknowns=tuple(unknown("packages", path, reason) for path in sorted(real)))
