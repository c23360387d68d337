"""The environment of the process: secrets and locale."""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

from reprocheck.checks.judging import CHECKED_ON, PASSED, Check, Evidence, Judgement, hit
from reprocheck.model.change import Severity
from reprocheck.model.environment import Variable
from reprocheck.model.rule import Rule

SECRET = Rule(
    code="ENV-608",
    title="Secret in the environment or the command",
    severity="high",
    detect="manifest: variables and arguments that the secret scan hit, values under a secret's name",
    why="Who gets the image or the record gets the secret, and who has not got it cannot repeat the run.",
    fix="Take the secret out of the image and the command, revoke it if it was published, and record again.",
    source="Docker build check SecretsUsedInArgOrEnv (docs.docker.com/reference/build-checks)",
    date=CHECKED_ON,
)
LOCALE = Rule(
    code="ENV-612",
    title="Locale unset or ASCII",
    severity="medium",
    detect="manifest: LC_ALL, LC_CTYPE and LANG unset, empty, C or POSIX, and PYTHONUTF8 not 1",
    why="Files are read in another encoding, and names sort in another order, than on a machine with UTF-8.",
    fix="Set LANG=C.UTF-8 in the image (`ENV LANG=C.UTF-8`) or by `reprocheck run --env LANG=C.UTF-8`.",
    source="Fanzzzd/erainfra#94, tensorly/tensorly#123; PEP 538, PEP 540",
    date=CHECKED_ON,
)

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?"
    r"|(?:AUTH|ACCESS|API|HF|GITHUB|HUB|REFRESH|BEARER)_TOKEN)$",
    re.IGNORECASE,
)
_ASCII = frozenset({"", "C", "POSIX", "C.ASCII", "C.US-ASCII", "en_US.US-ASCII"})
_ORIGIN_SEVERITY: dict[str, Severity] = {
    "image": "high",
    "run": "medium",
    "container": "medium",
    "host": "low",
}
"""The image hands its variables to everybody who pulls it; the others' values are not in the record."""


def _secret(evidence: Evidence) -> Judgement:
    hits = []
    for variable in evidence.manifest.environment:
        where = f"environment[{variable.name}]"
        if variable.state == "secret":
            message = f"looks like a secret, set by the {variable.origin}; its value was withheld"
            hits.append(hit(SECRET, where, message, severity=_ORIGIN_SEVERITY[variable.origin]))
        elif variable.value and _SECRET_NAME.search(variable.name):
            hits.append(hit(SECRET, where, "is named like a secret, and its value stands in the manifest"))
    if evidence.manifest.run is not None:
        for position in evidence.manifest.run.withheld_arguments:
            message = "this argument looks like a secret; its text was withheld"
            hits.append(hit(SECRET, f"run.argv[{position}]", message, severity="medium"))
    return Judgement(hits=tuple(hits))


def _locale(evidence: Evidence) -> Judgement:
    names = ("PYTHONUTF8", "LC_ALL", "LC_CTYPE", "LANG")
    found = {name: evidence.variable(name) for name in names}
    hidden = tuple(name for name, variable in found.items() if variable and variable.value is None)
    if hidden:
        return Judgement(gaps=(f"the value of {hidden[0]} is not recorded",))
    utf8, *locales = (_value(found[name]) for name in names)
    # POSIX: the first of the three that is set and not empty decides.
    effective = next((value for value in locales if value), "")
    if utf8 == "1" or effective not in _ASCII:
        return PASSED
    what = f"is {effective}" if effective else "is not set"
    return Judgement(
        hits=(hit(LOCALE, "environment[LANG]", f"the locale of the run {what}", severity=_gravity(evidence)),)
    )


def _value(variable: Variable | None) -> str:
    return (variable.value or "") if variable else ""


def _gravity(evidence: Evidence) -> Severity:
    """Python 3.7 and later coerce the C locale to UTF-8 (PEP 538), so only other programs still suffer."""
    try:
        versions = [Version(python.version) for python in evidence.manifest.pythons]
    except InvalidVersion:
        return LOCALE.severity
    return "low" if versions and min(versions) >= Version("3.7") else LOCALE.severity


CHECKS = (
    Check(rule=SECRET, judge=_secret, sections=("environment", "run")),
    Check(rule=LOCALE, judge=_locale, needs=("run",), sections=("environment",), by_absence=True),
)
