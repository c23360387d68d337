"""One browser for all tests of a worker; each test gets pages of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.webdriver import Browser

Opener = Callable[..., Browser]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium."""
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Opener:
    """Open the text of a page as a file, as people do; keyword arguments as of `Browser.open`."""

    def opened(text: str, **how: Any) -> Browser:
        page = tmp_path / "page.html"
        page.write_text(text, encoding="utf-8")
        browser.open(page, **how)
        return browser

    return opened
