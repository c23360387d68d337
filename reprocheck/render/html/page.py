"""One page: a template, the scripts and styles that it runs with, and the policy that names their hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from reprocheck import __version__
from reprocheck.render.html import words
from reprocheck.render.html.assets import asset, libraries, policy
from reprocheck.render.html.embedding import embed
from reprocheck.render.safe import show
from reprocheck.render.wording import plural

if TYPE_CHECKING:
    from jinja2 import Environment

TEXT_LIMIT = 12_000
"""Characters of any one text; templates cut names and values much earlier with `show`."""

_STYLE_IDS = {"cytoscape.css": "__________cytoscape_stylesheet"}
"""cytoscape leaves out its own style element where one with this id is."""


def build(
    template: str,
    *,
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
    uses: Sequence[str] = (),
    **context: object,
) -> str:
    """Return the page. `scripts` and `styles` are names in `assets/`, `uses` names of libraries."""
    script_texts = [asset(name) for name in scripts]
    return (
        _environment()
        .get_template(template)
        .render(
            policy=policy(script_texts, map(asset, styles)),
            scripts=script_texts,
            styles=[{"id": _STYLE_IDS.get(name), "text": asset(name)} for name in styles],
            licenses=[
                (library, asset(library.license_file)) for library in libraries() if library.name in uses
            ],
            version=__version__,
            **context,
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(_source),
        finalize=_shown,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "command": words.command,
        "embed": embed,
        "plural": plural,
        "show": show,
        "side": words.side,
        "spelled": words.spelled,
    }
    environment.globals |= {
        "EFFECTS": words.EFFECTS,
        "EXPECTATIONS": words.EXPECTATIONS,
        "MARKS": words.MARKS,
    }
    return environment


def _source(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """Make every text harmless that a template prints; what is markup already stays."""
    return show(value, limit=TEXT_LIMIT) if type(value) is str else value
