"""Every code that a user can meet has a page."""

from __future__ import annotations

import re
from pathlib import Path

import reprocheck
from reprocheck.api.explain import all_rules, explain

PACKAGE = Path(reprocheck.__file__).parent


def test_every_code_in_the_source_has_a_page() -> None:
    """Also those in data files and in templates; a code that a report shows and `explain` denies is a lie."""
    families = "|".join(sorted({rule.code.partition("-")[0] for rule in all_rules()}))
    code = re.compile(rf"\b(?:(?:{families})-[0-9]{{3}}|E_[A-Z][A-Z_]+)\b")
    found: dict[str, Path] = {}
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in (".py", ".json", ".html", ".js"):
            found |= dict.fromkeys(code.findall(path.read_text("utf-8")), path)
    assert len(found) > 100
    assert "DEP-413" in found
    for name, path in sorted(found.items()):
        assert name in explain(name), path
