"""One way to match globs that name volatile files."""

from __future__ import annotations

import pytest

from reprocheck.artifacts.formats import ignored_keys
from reprocheck.checks import check
from reprocheck.compare import compare
from reprocheck.globs import matches
from reprocheck.model.run import IgnoredKey
from reprocheck.rerun.planning import is_ignored
from tests.strategies import make_manifest, make_output, make_run, sha


@pytest.mark.parametrize(
    ("name", "glob", "hit"),
    [
        ("/out/logs/a.log", "*.log", True),
        ("/out/logs/a.log", "logs/*.log", True),
        ("/out/logs/a.log", "/out/logs/*", True),
        ("/out/logs/a.log", "/logs/a.log", False),
        ("/out/catalog", "log", False),
        ("out/log", "log", True),
    ],
)
def test_globs_name_files_from_any_slash_on(name: str, glob: str, hit: bool) -> None:
    assert matches(name, glob) is hit


def test_every_room_understands_a_glob_the_same_way() -> None:
    """`logs/*.log` without a leading slash: verify, diff, check and the content digest agree."""
    name, glob = "/out/logs/a.log", "logs/*.log"
    runs = [
        make_run(
            outputs=(make_output(name, sha256=sha(letter), content=None),),
            ignore_outputs=(glob,),
            output_patterns=(glob,),
        )
        for letter in "12"
    ]
    a, b = (make_manifest(run=run) for run in runs)
    assert is_ignored(runs[0], name)
    assert compare(a, b).differences == ()
    assert ignored_keys(name, (IgnoredKey(file=glob, key="k"),)) == ("k",)
    assert "OUT-816" not in {finding.code for finding in check(a).findings}
