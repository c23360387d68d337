"""A page, taken apart by the standard library's parser of HTML."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = frozenset({"br", "img", "input", "link", "meta"})
_RAW = frozenset({"script", "style"})


@dataclass(slots=True)
class Element:
    """A start tag, and all text inside it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass(slots=True)
class Page:
    """All elements in the order of their start tags, and what a reader can read."""

    elements: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements with this tag and these attributes; `data_row` stands for `data-row`."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element.tag == tag
            and all(value in (element.attributes.get(name) or "").split() for name, value in wanted.items())
        ]

    def inline(self) -> dict[str, list[str]]:
        """Texts of the scripts that run and of the style sheets, under the directive that rules them."""
        scripts = [e.text for e in self.all("script") if e.attributes.get("type") is None]
        return {"script-src": scripts, "style-src": [e.text for e in self.all("style")]}

    def data(self) -> Any:
        """Return the value of the page's one block of JSON."""
        [block] = self.all("script", type="application/json")
        return json.loads(block.text)


def parse(text: str) -> Page:
    """Parse a page; fails when a tag is closed that is not open."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    assert not parser.open, [element.tag for element in parser.open]
    parser.page.text = re.sub(r"\s+", " ", parser.page.text)
    return parser.page


def hash_of(text: str) -> str:
    """Return the source expression that allows this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of <{tag}> stands there twice"
        element = Element(tag, dict(attrs))
        self.page.elements.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        if not any(element.tag in _RAW for element in self.open):
            self.page.text += data
