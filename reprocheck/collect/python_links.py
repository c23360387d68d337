"""Where a distribution says what changed between its versions: Project-URL and Home-page of METADATA.

Labels as in the PyPA specification "Well-known Project URLs in Metadata": compared in lower case without
punctuation and white space. The address is passed on as text and never opened.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from urllib.parse import urlsplit

from reprocheck.collect.secrets import redact_url

LONGEST_URL = 300
"""Characters; what is longer is left out."""
_CHANGES = frozenset(("changelog", "changes", "whatsnew", "history", "releasenotes"))
_SOURCE = frozenset(("source", "repository", "sourcecode", "github", "homepage"))
_DROPPED = str.maketrans("", "", string.punctuation + string.whitespace)
_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9./_~%@+:-]*")
_RELEASES = {"github.com": "/releases", "codeberg.org": "/releases", "gitlab.com": "/-/releases"}


def changelog_of(lines: Iterable[str], homepage: str = "") -> str:
    """Return the change log that `Project-URL` lines (`label, URL`) name, '' when none does.

    Without one it is the page of releases of the repository, where its host is known to have such a page.
    """
    repository = ""
    for line in (*lines, f"homepage, {homepage}"):
        label, _, url = line.partition(",")
        word = label.translate(_DROPPED).lower()
        if word in _CHANGES:
            found = _clean(url)
            if found:
                return found
        elif word in _SOURCE and not repository:
            repository = _releases(_clean(url))
    return repository


def _clean(url: str) -> str:
    text = url.strip()
    if len(text) > LONGEST_URL:
        return ""
    clean = redact_url(text)
    return clean if _URL.fullmatch(clean) else ""


def _releases(url: str) -> str:
    parts = urlsplit(url)
    words = parts.path.strip("/").removesuffix(".git").split("/")
    page = _RELEASES.get(parts.netloc.removeprefix("www."))
    return (
        f"https://{parts.netloc}/{'/'.join(words)}{page}" if page and len(words) == 2 and all(words) else ""
    )
