"""Judging what stands around an environment: code, data, models, job, what was loaded, edited files."""

from __future__ import annotations

from reprocheck.explain.suspicion import Group, Suspicion, suspect
from reprocheck.model.change import Difference

CONTEXT = ("data", "hub", "job", "loaded", "frameworks", "loading", "integrity")
"""Sections that are judged here as a whole."""

REPOSITORY = frozenset(
    {"repository", "commit", "patch", "untracked", "lfs_pointers", "branch", "remote", "submodule", "changed"}
)
"""Attributes of the section `code` that are about a git working tree."""

_CODE = {
    "lfs_pointers": ("DAT-709", 90),
    "patch": ("RUN-031", 80),
    "untracked": ("RUN-031", 60),
    "changed": ("RUN-031", 50),
    "branch": ("RUN-032", 10),
    "remote": ("RUN-032", 10),
}
_RANKS = ("world_size", "nodes", "rank", "local_rank", "node_rank")
_NUMERIC_MODULE_WEIGHT = 60


def judge_context(d: Difference) -> Suspicion:
    """Find the rule for one difference of these sections. Total."""
    match d.section:
        case "code":
            code, weight = _CODE.get(d.attribute, ("RUN-036", 85))
            return suspect(d, code, Group.CODE, weight=weight)
        case "data":
            presence = d.attribute == "presence"
            return suspect(
                d,
                "DAT-713" if presence else "DAT-708",
                Group.DATA,
                weight=40 if d.attribute == "file" else 60,
            )
        case "hub":
            if d.attribute in ("refs", "place"):
                why = "the same revision lies there, under another branch name or in another directory"
                return suspect(d, "DAT-715", Group.DATA, weight=5, effect="none", severity="info", why=why)
            return suspect(d, "DAT-715", Group.DATA, weight=55)
        case "job":
            return suspect(d, "RUN-034" if d.name in _RANKS else "RUN-035", Group.COMMAND)
        case "frameworks":
            if d.attribute == "location":
                return suspect(d, "PKG-339", Group.NUMERIC, weight=5)
            return suspect(d, "PKG-340", Group.NUMERIC, weight=88)
        case "loading":
            return _loading(d)
        case "loaded":
            return _loaded(d)
        case _:
            if d.attribute == "unowned":
                why = "no package installed it, so no version number tells of it"
                return suspect(d, "PKG-343", Group.PYTHON, weight=75, severity="low", why=why)
            listless = d.attribute == "packages"
            return suspect(d, "PKG-343", Group.PYTHON, weight=75, severity="low" if listless else None)


def _loading(d: Difference) -> Suspicion:
    if d.attribute == "presence":
        why = "on one side nothing asks for it, so no run of that side can have it this way"
        return suspect(d, "DRV-219", Group.NUMERIC, weight=30, severity="low", why=why)
    if d.attribute == "unmet":
        return suspect(d, "PKG-349", Group.NUMERIC, weight=60)
    if d.attribute in ("shadowed", "consumers"):
        why = "the same copy is taken by the same rule"
        return suspect(d, "DRV-219", Group.NUMERIC, weight=5, effect="none", severity="info", why=why)
    return suspect(d, "DRV-219", Group.NUMERIC, weight=82)


def _loaded(d: Difference) -> Suspicion:
    if d.attribute == "state":
        return suspect(d, "RUN-033", Group.FLAGS, weight=70)
    if d.attribute == "interpreters":
        return suspect(d, "PKG-347", Group.PYTHON, weight=88)
    if d.attribute == "module-path":
        why = "the same version of the same distribution, found in another directory"
        return suspect(d, "PKG-342", Group.PYTHON, weight=20, severity="low", why=why)
    if d.attribute in ("soname", "kind"):
        why = "the file is the same by its bytes, or its bytes could not be read"
        return suspect(d, "PKG-341", Group.PYTHON, weight=20, severity="low", why=why)
    if d.attribute == "module":
        alone = d.before is None or d.after is None
        why = "one of the runs imported this module, the other did not" if alone else ""
        return suspect(d, "PKG-342", Group.PYTHON, weight=_NUMERIC_MODULE_WEIGHT, why=why)
    if d.type:
        return suspect(d, "PKG-341", Group.NUMERIC, weight=84)
    return suspect(d, "PKG-341", Group.PYTHON, weight=40, severity="medium")
