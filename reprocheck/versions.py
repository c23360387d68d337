"""Which of two versions is newer, by the rules of the ecosystem that wrote them.

Sources: PEP 440 (through `packaging`), deb-version(7), rpm-version(7), apk-package(5) of apk-tools, and the
version section of the conda package specification. A version that breaks its grammar is not ordered at all:
a wrong arrow misleads more than none.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TypeVar

from packaging.version import Version

MAX_LENGTH = 512
"""Characters. Longer text is no version; this also bounds the work."""

Key = tuple[object, ...]
Element = TypeVar("Element")

_DEB = re.compile(r"(?:([0-9]+):)?([0-9A-Za-z.+~:][0-9A-Za-z.+~:-]*?)(?:-([0-9A-Za-z.+~]+))?")
_DEB_EPOCH = 2**31 - 1
_RPM = re.compile(r"(?:([0-9]+):)?([^\s:-]+)(?:-([^\s:-]+))?")
_APK = re.compile(
    r"([0-9]+(?:\.[0-9]+)*)([a-z]?)"
    r"((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?:~([0-9a-f]+))?(?:-r([0-9]+))?"
)
_CONDA = re.compile(
    r"(?:([0-9]+)!)?((?:[0-9a-z]+[._])*(?:[0-9a-z]+_?|_))(?:\+((?:[0-9a-z]+[._])*[0-9a-z]+))?"
)
_APK_BEFORE = ("alpha", "beta", "pre", "rc")
_APK_AFTER = ("cvs", "svn", "git", "hg", "p")


def order(type: str, a: str, b: str) -> int | None:  # noqa: A002 - named as the field it takes
    """Return -1, 0 or 1 as `a` is older than, equal to or newer than `b`; None if they have no order."""
    if len(a) > MAX_LENGTH or len(b) > MAX_LENGTH or not (a.isascii() and b.isascii()):
        return None
    match type:
        case "pypi":
            return _order_pypi(a, b)
        case "deb":
            return _order_deb(a, b)
        case "rpm":
            return _order_rpm(a, b)
        case "apk":
            return _order_apk(a, b)
        case "conda":
            return _order_conda(a, b)
        case _:
            return None


def _sign(a: Key, b: Key) -> int:
    # Keys are built so that equal positions hold equal types; mypy cannot see that.
    return (a > b) - (a < b)


def _padded(a: list[Element], b: list[Element], fill: Element) -> tuple[Key, Key]:
    pairs = list(zip_longest(a, b, fillvalue=fill))
    return tuple(x for x, _ in pairs), tuple(y for _, y in pairs)


def _number(digits: str) -> tuple[int, str]:
    """Order digits by value, of any length, without converting them."""
    stripped = digits.lstrip("0")
    return len(stripped), stripped


def _order_pypi(a: str, b: str) -> int | None:
    try:
        first, second = Version(a), Version(b)
        return (first > second) - (first < second)
    except ValueError:  # InvalidVersion, or digits beyond the interpreter's own limit
        return None


def _order_deb(a: str, b: str) -> int | None:
    first, second = _DEB.fullmatch(a), _DEB.fullmatch(b)
    if first is None or second is None or not (_is_deb(first) and _is_deb(second)):
        return None
    sign = _sign(_number(first[1] or ""), _number(second[1] or ""))
    return sign or _deb_part(first[2], second[2]) or _deb_part(first[3] or "", second[3] or "")


def _is_deb(parts: re.Match[str]) -> bool:
    # A colon needs an epoch before it, a hyphen a revision behind it.
    epoch, upstream, revision = parts.groups()
    if revision is None and "-" in upstream:
        return False
    return int(epoch) <= _DEB_EPOCH if epoch else ":" not in upstream


def _deb_part(a: str, b: str) -> int:
    nothing: tuple[tuple[int, ...], tuple[int, str]] = ((0,), (0, ""))
    return _sign(*_padded(_deb_runs(a), _deb_runs(b), nothing))


def _deb_runs(text: str) -> list[tuple[tuple[int, ...], tuple[int, str]]]:
    runs = re.findall(r"([^0-9]*)([0-9]*)", text)
    return [((*(_deb_weight(c) for c in other), 0), _number(digits)) for other, digits in runs]


def _deb_weight(character: str) -> int:
    # deb-version(7): `~` before the end of the part, the end before letters, letters before the rest.
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _order_rpm(a: str, b: str) -> int | None:
    first, second = _RPM.fullmatch(a), _RPM.fullmatch(b)
    if first is None or second is None:
        return None
    sign = _sign(_number(first[1] or ""), _number(second[1] or "")) or _rpm_part(first[2], second[2])
    if sign or first[3] is None or second[3] is None:
        # Without a release it is older than with one, whatever the release says.
        return sign or (first[3] is not None) - (second[3] is not None)
    return _rpm_part(first[3], second[3])


def _rpm_part(a: str, b: str) -> int:
    end: Key = (1,)
    return _sign(*_padded(_rpm_segments(a), _rpm_segments(b), end))


def _rpm_segments(text: str) -> list[Key]:
    # rpm-version(7): `~` is older than the end, `^` newer than the end and older than any segment,
    # letters are older than numbers, every other character only separates.
    segments: list[Key] = []
    for run in re.findall(r"[0-9]+|[A-Za-z]+|~|\^", text):
        if run == "~":
            segments.append((0,))
        elif run == "^":
            segments.append((2,))
        else:
            segments.append((4, _number(run)) if run.isdigit() else (3, run))
    return segments


def _order_apk(a: str, b: str) -> int | None:
    first, second = _APK.fullmatch(a), _APK.fullmatch(b)
    if first is None or second is None:
        return None
    if first[4] and second[4] and first[4] != second[4]:
        # Commit hashes have no order: what stands before them decides, or nothing does.
        return _order_apk(a.partition("~")[0], b.partition("~")[0]) or None
    return _sign(*_padded(_apk_tokens(first, second), _apk_tokens(second, first), (2,)))


def _apk_tokens(own: re.Match[str], other: re.Match[str]) -> list[Key]:
    numbers, others = own[1].split("."), other[1].split(".")
    tokens: list[Key] = [(8, 0, _number(numbers[0]), "")]
    for number, opposite in zip_longest(numbers[1:], others[1 : len(numbers)], fillvalue=""):
        # A leading zero on either side makes the pair a decimal fraction, compared as text.
        text = number.startswith("0") or opposite.startswith("0")
        tokens.append((8, 0, (0, ""), number) if text else (8, 0, _number(number), ""))
    if own[2]:
        tokens.append((7, own[2]))
    for name, digits in re.findall(r"_([a-z]+)([0-9]*)", own[3]):
        tokens.append((0, _APK_BEFORE.index(name)) if name in _APK_BEFORE else (6, _APK_AFTER.index(name)))
        if digits:
            tokens.append((5, _number(digits)))
    if own[4]:
        tokens.append((4, own[4]))
    if own[5] is not None:
        tokens.append((3, _number(own[5])))
    return tokens


def _order_conda(a: str, b: str) -> int | None:
    first, second = _conda_match(a), _conda_match(b)
    if first is None or second is None:
        return None
    sign = _sign(_number(first[1] or ""), _number(second[1] or ""))
    return sign or _conda_part(first[2], second[2]) or _conda_part(first[3] or "", second[3] or "")


def _conda_match(version: str) -> re.Match[str] | None:
    lowered = version.strip().lower()
    if "-" in lowered:
        if "_" in lowered:
            return None
        lowered = lowered.replace("-", "_")
    return _CONDA.fullmatch(lowered)


def _conda_part(a: str, b: str) -> int:
    zero: Key = (2, (0, ""))
    for own, other in zip_longest(_conda_components(a), _conda_components(b), fillvalue=[zero]):
        sign = _sign(*_padded(own, other, zero))
        if sign:
            return sign
    return 0


def _conda_components(text: str) -> list[list[Key]]:
    # A trailing `_` belongs to the last component: openssl's 1.0.1_ sorts before 1.0.1a.
    body, tail = (text[:-1], "_") if text.endswith("_") else (text, "")
    parts = re.split(r"[._]", body)
    parts[-1] += tail
    components: list[list[Key]] = []
    for part in parts:
        runs = [_conda_token(token) for token in re.findall(r"[0-9]+|[^0-9]+", part)]
        starts_with_text = not part[:1].isdigit()
        components.append([(2, (0, "")), *runs] if starts_with_text else runs)
    return components


def _conda_token(token: str) -> Key:
    # dev < other text < numbers < post
    if token.isdigit():
        return (2, _number(token))
    return {"dev": (0,), "post": (3,)}.get(token, (1, token))
