"""What the name of a variable, flag or query parameter says about its value.

Names are split into words at everything but letters and digits, and at a lower-to-upper change, so that
`DB_PASSWORD`, `--db-password`, `db.password` and `dbPassword` are one name. The rules were written for this
project; Docker's build check `secrets-used-in-arg-or-env` uses the same kind of word list.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

Strength = Literal["strong", "count", "weak", "none"]
"""How much a name says.

`strong`: any value is a secret. `count`: a secret unless the value is a number, a switch or a model's
special token (`MAX_TOKENS=512`). `weak`: a secret only if the value itself looks random.
"""

LONGEST_NAME = 256
"""Characters of a name that are read."""

BENIGN_NAMES = frozenset(
    {
        "GPG_KEY",  # public key id in Docker's python images
        "OLDPWD",
        "PWD",
        "SSH_ASKPASS",
        "SSH_AUTH_SOCK",
        "SUDO_ASKPASS",
        "GIT_ASKPASS",
        "TOKENIZERS_PARALLELISM",
        "XAUTHORITY",
    }
)
"""Whole names that only look dangerous."""

STRONG_NAMES = frozenset({"KAGGLE_KEY", "NETRC", "PYPIRC", "REDISCLI_AUTH", "VAULT_UNSEAL_KEY"})
"""Whole names that no word rule catches."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STRONG_WORDS = _words(
    "SECRET SECRETS PASSWORD PASSWORDS PASSWD PASSPHRASE PWD CREDENTIAL CREDENTIALS CREDS APIKEY APIKEYS "
    "COOKIE COOKIES AUTHORIZATION DSN USERPASS"
)
_STRONG_PARTS = (
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "APIKEY",
    "CREDENTIAL",
    "ACCESSKEY",
    "PRIVATEKEY",
)
_COUNT_WORDS = frozenset({"TOKEN", "TOKENS", "AUTH", "OAUTH", "BEARER", "PASS"})
_WEAK_WORDS = _words("KEY KEYS SALT SESSION SIGNATURE SIG WEBHOOK LICENSE LICENCE CERT NONCE JWT SAS PAT")
_SECRET_KEYS = _words(
    "API ACCESS PRIVATE SECRET ENCRYPTION ENCRYPT SIGNING ACCOUNT MASTER STORAGE SHARED SUBSCRIPTION SERVICE "
    "DEPLOY SSH RSA HMAC AES FERNET APP"
)
_ABOUT_TOKENS = _words(
    "BOS EOS PAD PADDING MASK UNK SEP CLS SPECIAL STOP START END IMAGE AUDIO VIDEO MAX MIN NEW NUM N PER "
    "TOTAL BATCH PREFIX SUFFIX SPEECH TEXT"
)
_DESCRIBING_LAST = _words(
    "VERSION SHA1 SHA256 SHA384 SHA512 MD5 CHECKSUM DIGEST TYPE METHOD MODE PROVIDER BACKEND ENABLED "
    "DISABLED ENABLE DISABLE SOCK SOCKET FILE PATH DIR DIRECTORY LENGTH LEN SIZE COUNT LIMIT TIMEOUT TTL "
    "EXPIRY EXPIRES URL URI ENDPOINT HOST PORT REALM SCOPE SCOPES RATE DROPOUT PARALLELISM"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BORDER = re.compile(r"[^A-Za-z0-9]+")


def name_words(name: str) -> tuple[str, ...]:
    """Split a name into its upper-case words: `dbPassword` gives `("DB", "PASSWORD")`."""
    return tuple(w.upper() for w in _BORDER.split(_CAMEL.sub("_", name[:LONGEST_NAME])) if w)


def judge_name(name: str) -> Strength:
    """Tell how much a name alone says about its value."""
    words = name_words(name)
    plain = "_".join(words)
    if not words or plain in BENIGN_NAMES:
        return "none"
    if plain in STRONG_NAMES:
        return "strong"
    if words[-1] in _DESCRIBING_LAST:
        return "weak" if _judge_words(words) != "none" else "none"
    return _judge_words(words)


def _judge_words(words: tuple[str, ...]) -> Strength:
    pairs = tuple(pairwise(words))
    if any(b in {"KEY", "KEYS"} and a in _SECRET_KEYS for a, b in pairs):
        return "strong"
    if any(w in _STRONG_WORDS or any(p in w for p in _STRONG_PARTS) for w in words):
        return "strong"
    tokens = [w for w in words if w in _COUNT_WORDS or w.endswith("TOKEN")]
    if tokens:
        return (
            "weak"
            if all(w in {"TOKEN", "TOKENS"} for w in tokens) and _ABOUT_TOKENS & set(words)
            else "count"
        )
    if ("PUBLIC", "KEY") in pairs:
        return "none"
    return "weak" if _WEAK_WORDS & set(words) else "none"
