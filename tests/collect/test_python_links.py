"""Where METADATA says that the changes are told."""

from __future__ import annotations

import pytest

from reprocheck.collect.python_links import LONGEST_URL, changelog_of
from reprocheck.collect.python_metadata import parse_metadata

HEAD = b"Metadata-Version: 2.1\nName: x\nVersion: 1\n"


@pytest.mark.parametrize(
    "label", ["Changelog", "changes", "What's New", "Release Notes", "release_notes", "History", "CHANGE-LOG"]
)
def test_a_change_log_has_well_known_labels(label: str) -> None:
    assert changelog_of((f"{label}, https://x.org/changes.html",)) == "https://x.org/changes.html"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://github.com/numpy/numpy", "https://github.com/numpy/numpy/releases"),
        ("https://github.com/numpy/numpy.git", "https://github.com/numpy/numpy/releases"),
        ("http://www.github.com/a/b/", "https://www.github.com/a/b/releases"),
        ("https://gitlab.com/a/b", "https://gitlab.com/a/b/-/releases"),
        ("https://github.com/numpy", ""),
        ("https://github.com/a/b/tree/main/c", ""),
        ("https://github.com", ""),
        ("https://numpy.org", ""),
        ("https://evilgithub.com/a/b", ""),
    ],
)
def test_a_repository_has_a_page_of_releases_where_its_host_makes_one(url: str, page: str) -> None:
    assert changelog_of((f"Source, {url}",)) == page
    assert changelog_of((), url) == page


def test_a_change_log_counts_more_than_a_repository() -> None:
    lines = ("Source, https://github.com/a/b", "Changelog, https://a.org/log")
    assert changelog_of(lines, "https://github.com/c/d") == "https://a.org/log"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://x/\x1b[31m",
        "https://x/<script>",
        "https://[::1",
        "https://x/" + "a" * LONGEST_URL,
        "https://-x/",
    ],
)
def test_what_is_no_plain_address_is_left_out(url: str) -> None:
    assert changelog_of((f"Changelog, {url}",)) == ""


def test_no_credential_is_kept() -> None:
    assert changelog_of(("Changelog, https://me:hunter2@x.org/log?token=abc#t",)) == "https://x.org/log"


def test_metadata_gives_it() -> None:
    urls = b"Home-page: https://github.com/a/b\nProject-URL: Docs, https://a.org\nProject-URL: Changes,https://a.org/c\n"
    assert parse_metadata(HEAD + urls).changelog == "https://a.org/c"
    assert (
        parse_metadata(HEAD + urls[: urls.index(b"Project")]).changelog == "https://github.com/a/b/releases"
    )


def test_a_bad_project_url_is_no_problem_of_the_distribution() -> None:
    """It decides nothing, so it is passed over where a requirement would be an unknown."""
    for line in (
        b"Project-URL: Changelog, \xff\n",
        b"Project-URL: a\rb, x\n",
        b"Home-page: a\nHome-page: b\n",
    ):
        metadata = parse_metadata(HEAD + line)
        assert (metadata.problems, metadata.changelog) == ((), "")
