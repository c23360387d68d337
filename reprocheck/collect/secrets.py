"""The secret scan: of names, of values, of command lines and of URLs. Pure.

A hit never carries the secret, only the rule that hit. The scan is one of three lines of defence: values are
recorded by an allowlist in the first place (see `environment`), and every stream that we write passes
through the `Redactor`, which knows the exact values that a scan has seen.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from reprocheck.collect.secret_names import judge_name
from reprocheck.collect.secret_patterns import ASSIGNMENT, HARMLESS_USERS, PATTERNS, URL, USERINFO, WORD_REST
from reprocheck.model.base import Frozen

LONGEST_SCAN = 256 * 1024
"""Characters that one scan reads; a longer value counts as a hit, a longer text is cut with a remark."""

MASK = "***"
CUT = "*** (the rest was too long to scan for secrets)"

_PLACEHOLDER = re.compile(r"\*{3,}|<[\w -]{1,40}>|\$\{?\w{1,80}\}?|%\w{1,80}%|\{\{?[\w. -]{1,80}\}?\}")
_SWITCH = re.compile(
    r"(?i:true|false|yes|no|on|off|none|null|auto|default|nan|inf|-?\d{1,7}(?:\.\d{1,9})?(?:e[+-]?\d{1,3})?)"
)
_SPECIAL_TOKEN = re.compile(r"(?:<[^<>\s]{1,30}>|\[[A-Z0-9_]{1,20}\]|,){1,64}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.~-]+")


class SecretHit(Frozen, frozen=True, kw_only=True):
    """What hit and where; never the secret itself."""

    rule: str
    """`name`, `entropy`, `url-userinfo`, `too-long`, or the name of a value pattern (`github`, `jwt`)."""
    where: str
    """Name of the variable, flag or assignment that holds it; `argument` for a bare word."""


def scan_variable(name: str, value: str) -> SecretHit | None:
    """Scan one variable by its name and its value. An empty value and a placeholder are never a secret."""
    where = redact_text(name)
    if where != name:
        return SecretHit(rule="name-is-secret", where=where)
    if len(value) > LONGEST_SCAN:
        return SecretHit(rule="too-long", where=where)
    rule = _judge_value(value) or _judge_pair(name, value)
    if rule is None:
        rule = next((r for _, _, r in _assignments(value)), None)
    return None if rule is None else SecretHit(rule=rule, where=where)


def scan_argument(text: str, previous: str | None) -> SecretHit | None:
    """Scan one word of a command line; `previous` is the word before it, a flag perhaps.

    Sees `--token=VALUE`, `VALUE` after `--password`, `NAME=VALUE`, URLs, and all of these in a shell script.
    """
    if len(text) > LONGEST_SCAN:
        return SecretHit(rule="too-long", where="argument")
    if previous is not None and _is_flag(previous) and not _is_flag(text):
        rule = _judge_pair(previous.lstrip("-"), text)
        if rule is not None:
            return SecretHit(rule=rule, where=redact_text(previous))
    head, tail = _split_assignment(text)
    if (rule := _judge_pair(head, tail)) is not None:
        return SecretHit(rule=rule, where=redact_text(head))
    if (rule := _judge_value(text)) is not None:
        return SecretHit(rule=rule, where="argument")
    return next((SecretHit(rule=r, where=n) for n, _, r in _assignments(text)), None)


def redact_url(url: str) -> str:
    """Reduce a URL to scheme, host and path, '' if it cannot be taken apart.

    User, password, query and fragment go: each may be a credential. A bare `git@` stays, which PEP 610 allows
    and which is nobody's.
    """
    if len(url) > LONGEST_SCAN:
        return MASK
    try:
        parts = urlsplit(_clean_url(url, mask=""))
    except ValueError:
        return ""
    user, _, place = parts.netloc.rpartition("@")
    netloc = f"git@{place}" if user == "git" else place
    return _mask_patterns(urlunsplit((parts.scheme, netloc, parts.path, "", "")))


def redact_text(text: str) -> str:
    """Replace every secret that a value pattern, a URL or a suspicious assignment shows by `***`."""
    if len(text) > LONGEST_SCAN:
        kept = text[:LONGEST_SCAN]
        # A secret must not be halved by the cut and slip through, so the cut falls on white space.
        return redact_text(kept[: max(kept.rfind("\n"), kept.rfind(" "), 0)]) + CUT
    if "://" in text:
        text = URL.sub(lambda m: _clean_url(m.group(), mask=MASK + "@"), text)
    return _mask_assignments(_mask_patterns(text))


def withhold_arguments(argv: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return `argv` with every secret replaced by `***`, and the positions that were changed."""
    kept: list[str] = []
    changed: list[int] = []
    for index, text in enumerate(argv):
        previous = argv[index - 1] if index else None
        if scan_argument(text, previous) is None:
            kept.append(text)
            continue
        changed.append(index)
        kept.append(_redact_argument(text, previous))
    return tuple(kept), tuple(changed)


class Redactor:
    """The exact values that scans of this process have seen; the writer of every stream passes through it."""

    def __init__(self) -> None:
        self._values: tuple[str, ...] = ()

    def register(self, value: str) -> None:
        """Remember a secret and the forms in which it would be printed (JSON, percent-encoded, by line).

        Fewer than 4 characters are not remembered: they would blot out ordinary text.
        """
        forms = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        forms |= {quote(value, safe="", errors="replace"), unquote(value), repr(value)[1:-1]}
        forms |= {line for line in value.splitlines() if len(line) >= 16}
        forms |= set(self._values)
        self._values = tuple(sorted((f for f in forms if len(f.strip()) >= 4), key=lambda f: (-len(f), f)))

    def register_variables(self, variables: Iterable[tuple[str, str]]) -> None:
        """Remember the value of every variable that the scan hits, and the password inside a URL."""
        for name, value in variables:
            if scan_variable(name, value) is not None:
                self.register(value)
                for part in _parts(value):
                    self.register(part)

    def register_arguments(self, argv: tuple[str, ...]) -> None:
        """Remember the secrets of a command line."""
        for index in withhold_arguments(argv)[1]:
            previous = argv[index - 1] if index else None
            whole = _redact_argument(argv[index], previous) == MASK
            for part in (argv[index],) if whole else _parts(argv[index]):
                self.register(part)

    def clean(self, text: str) -> str:
        """Replace every remembered value by `***`, longest first."""
        for value in self._values:
            text = text.replace(value, MASK)
        return text


REDACTOR = Redactor()
"""The one of this process."""


def _is_flag(text: str) -> bool:
    return len(text) > 1 and text[0] == "-" and (text[1] == "-" or text[1].isalpha()) and "=" not in text


def _judge_value(value: str) -> str | None:
    if "://" in value and _clean_url_in(value) != value:
        return "url-userinfo"
    return next((rule for rule, pattern in PATTERNS if pattern.search(value)), None)


def _judge_pair(name: str, value: str) -> str | None:
    value = value.strip().strip("\"'")
    if not value or _PLACEHOLDER.fullmatch(value):
        return None
    match judge_name(name):
        case "strong":
            return "name"
        case "count":
            return None if _SWITCH.fullmatch(value) or _SPECIAL_TOKEN.fullmatch(value) else "name"
        case "weak":
            return "entropy" if _is_random(value) else None
        case "none":
            return None


def _split_assignment(text: str) -> tuple[str, str]:
    """Split a word `--flag=VALUE` or `NAME=VALUE` into the bare name and the value, else give two ""."""
    head, equals, tail = text.partition("=")
    if not equals or tail.startswith("=") or len(head) > 128 or any(c.isspace() or c in "\"'" for c in head):
        return "", ""
    return head.lstrip("-+~"), tail


def _is_random(value: str) -> bool:
    """Whether a word of 20 or more characters looks random rather than written by hand.

    Bounds: 3.0 bits a character for hexadecimal (Yelp's detect-secrets uses the same), 3.5 otherwise, with
    letters and digits both present; a path is not random.
    """
    if len(value) < 20 or not _OPAQUE.fullmatch(value) or value[0] in "/.~":
        return False
    if not any(c.isdigit() for c in value) or not any(c.isalpha() for c in value):
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= (3.0 if _HEX.fullmatch(value) else 3.5)


def _assignments(text: str) -> list[tuple[str, str, str]]:
    """Give (name, value, rule) of each suspicious assignment inside a text; the name holds none."""
    return [(name, text[start:end], rule) for name, start, end, rule in _find_assignments(text)]


def _find_assignments(text: str) -> Iterator[tuple[str, int, int, str]]:
    """Give name, start and end of the value, and rule of each suspicious assignment."""
    position = 0
    while match := ASSIGNMENT.search(text, position):
        name = match["flag"] or match["name"] or match["member"]
        value = match["value"]
        bare_flag = match["flag"] is not None and text[match.start("value") - 1] != "="
        # `--password --next` is a flag without a value, `token-utils==1.0` a comparison.
        harmless = value.startswith("-" if bare_flag else "=")
        rule = None if harmless else _judge_pair(name.lstrip("-"), value)
        if rule is None:
            # Searched again from the value's start: `sh -c 'TOKEN=x run'` is a flag with a script.
            position = match.start("value")
            continue
        rest = WORD_REST.match(text, match.end())
        position = rest.end() if rest and value[0] not in "\"'" else match.end()
        yield name, match.start("value"), position, rule


def _mask_assignments(text: str) -> str:
    pieces = []
    position = 0
    for _, start, end, _ in _find_assignments(text):
        quote_mark = text[start] if text[start] in "\"'" else ""
        pieces += [text[position:start], quote_mark, MASK, quote_mark]
        position = end
    return "".join(pieces) + text[position:]


def _mask_patterns(text: str) -> str:
    for _, pattern in PATTERNS:
        text = pattern.sub(MASK, text)
    return text


def _clean_url_in(text: str) -> str:
    return URL.sub(lambda m: _clean_url(m.group(), mask=MASK + "@"), text)


def _clean_url(url: str, *, mask: str) -> str:
    """Drop the credentials of one URL; `mask` stands where userinfo stood."""

    def userinfo(match: re.Match[str]) -> str:
        token, password = match["token"], match["password"]
        if token is not None and (token.lower() in HARMLESS_USERS or _PLACEHOLDER.fullmatch(token)):
            return match.group()
        if token is not None and "http" not in match["scheme"].lower() and len(token) < 16:
            return match.group() if mask else match["scheme"] + "://"
        if password is not None and _PLACEHOLDER.fullmatch(password):
            return match.group()
        return f"{match['scheme']}://{mask}"

    url = USERINFO.sub(userinfo, url)
    head, hash_mark, fragment = url.partition("#")
    base, question, query = head.partition("?")
    if question and _carries_secret(query):
        question, query = ("?", MASK) if mask else ("", "")
    if hash_mark and _carries_secret(fragment):
        hash_mark, fragment = ("#", MASK) if mask else ("", "")
    return base + question + query + hash_mark + fragment


def _carries_secret(query: str) -> bool:
    """Whether a query or fragment holds a parameter that is a secret by name or by shape."""
    for part in re.split("[&;]", query):
        name, equals, value = part.partition("=")
        plain = unquote(value)
        if equals and _judge_pair(unquote(name), plain) is not None:
            return True
        if any(pattern.search("?" + part) or pattern.search(plain) for _, pattern in PATTERNS):
            return True
    return False


def _redact_argument(text: str, previous: str | None) -> str:
    """Mask as little of a word as still leaves no hit."""
    if previous is not None and _is_flag(previous) and _judge_pair(previous.lstrip("-"), text) is not None:
        return MASK
    head, tail = _split_assignment(text)
    if _judge_pair(head, tail) is not None:
        return redact_text(text[: len(text) - len(tail)]) + MASK
    redacted = redact_text(text)
    return redacted if redacted != text and scan_argument(redacted, previous) is None else MASK


def _parts(text: str) -> list[str]:
    """Give the secrets inside a longer text: pattern matches, URL passwords, values of assignments."""
    parts = [m.group() for _, pattern in PATTERNS for m in pattern.finditer(text)]
    for match in USERINFO.finditer(text):
        parts += [p for p in (match["password"], match["token"]) if p and p.lower() not in HARMLESS_USERS]
    parts += [value.strip("\"'") for _, value, _ in _assignments(text)]
    head, tail = _split_assignment(text)
    if _judge_pair(head, tail) is not None:
        parts.append(tail)
    return parts
