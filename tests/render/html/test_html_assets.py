"""What is inlined into a page: libraries as their packages have them, and colours that can be read."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from itertools import product

import pytest

from reprocheck.render.html.assets import VERSIONS, asset, libraries, policy
from tests.render.html.parsing import hash_of

ASSETS = files("reprocheck.render.html").joinpath("assets")
OWN = {"cytoscape.css", "fleet.js", "graph.js", "layers.js", "page.css", "page.js", VERSIONS}
FOREIGN = {name for library in libraries() for name, _ in library.files}


def test_every_file_is_ours_or_a_library_s() -> None:
    assert {file.name for file in ASSETS.iterdir() if file.is_file()} == OWN | FOREIGN


@pytest.mark.parametrize("library", libraries(), ids=lambda library: library.name)
def test_a_library_is_what_its_package_holds(library: object) -> None:
    """The hashes were taken from the npm package whose integrity stands beside them."""
    from reprocheck.render.html.assets import Library

    assert isinstance(library, Library)
    held = {name: hashlib.sha256(ASSETS.joinpath(name).read_bytes()).hexdigest() for name, _ in library.files}
    assert held == dict(library.files)
    assert len(base64.b64decode(library.integrity.removeprefix("sha512-"))) == 64
    assert library.license == "MIT"
    assert "WITHOUT WARRANTY OF ANY KIND" in asset(library.license_file)


@pytest.mark.parametrize("name", sorted((OWN | FOREIGN) - {VERSIONS}))
def test_no_file_names_an_address_to_load_from(name: str) -> None:
    """Addresses of documentation in messages are texts; nothing may be fetched, imported or evaluated."""
    text = asset(name)

    assert not re.search(r"@import|url\(|sourceMappingURL|importScripts|\bimport\(|\bfetch\(", text)


def test_the_policy_allows_by_hash_alone() -> None:
    rules = dict(rule.split(" ", 1) for rule in policy(["a", "b"], []).split("; "))

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"{hash_of('a')} {hash_of('b')}"
    assert rules["style-src"] == "'none'"
    assert "unsafe" not in policy(["a"], ["b"])


def themes() -> dict[str, dict[str, str]]:
    """The colours of the style sheet: light, dark by the system, dark by the button, and on paper."""
    css = asset("page.css")
    blocks = [
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r"\{([^{}]*--back: #[^{}]*)\}", css)
    ]
    return dict(zip(("light", "system", "button", "paper"), blocks, strict=True))


def contrast(a: str, b: str) -> float:
    """Contrast ratio of WCAG 2.2, 1.4.3."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_both_ways_to_dark_are_one() -> None:
    assert themes()["system"] == themes()["button"]


@pytest.mark.parametrize("theme", themes())
def test_text_and_edges_can_be_told_from_what_they_stand_on(theme: str) -> None:
    """WCAG 2.2 AA: 4.5 for text (1.4.3), 3 for the edges of what can be operated (1.4.11)."""
    colours = themes()[theme]
    texts = ("text", "muted", "accent", "high", "medium", "low", "info", "good")
    low = {
        (text, ground): round(contrast(colours[text], colours[ground]), 2)
        for text, ground in [
            *product(texts, ("back", "surface")),
            *product(("text", "muted"), ("from", "to")),
            *product(("text",), ("chosen", "node")),
            ("back", "high"),
        ]
        if contrast(colours[text], colours[ground]) < 4.5
    }
    assert not low
    assert min(contrast(colours["edge"], colours[ground]) for ground in ("back", "surface")) >= 3
