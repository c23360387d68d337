"""Where the probe script looks: at the machine and its Python, not at what lies beside the script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from reprocheck.collect.probe_settings import probe_settings
from reprocheck.engine.probe_script import probe_script
from reprocheck.limits import DEFAULT


def test_the_directory_of_the_script_is_not_searched(tmp_path: Path) -> None:
    """Python puts it first on sys.path, and it may be a whole home directory."""
    script, path = tmp_path / "home" / "probe.py", tmp_path / "path"
    for place in (script.parent / "private", path):
        place.mkdir(parents=True)
        (place / "note.txt").write_text("x")
    script.write_text(probe_script(probe_settings(DEFAULT)))
    done = subprocess.run(
        [sys.executable, str(script)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "nobody"), "PYTHONPATH": str(path)},
        capture_output=True,
        check=True,
    )
    seen = {row[0] for row in json.loads(done.stdout)["entries"]}
    assert f"{path}/note.txt" in seen
    assert f"{script.parent}/private" not in seen
