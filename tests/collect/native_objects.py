"""Small shared objects that the real compiler makes, with symbol versions."""

from __future__ import annotations

import subprocess
from pathlib import Path


def compiled(
    place: Path,
    name: str,
    source: str = "int here(void) { return 0; }",
    *,
    soname: str = "",
    script: str = "",
    against: tuple[Path, ...] = (),
    flags: tuple[str, ...] = (),
) -> Path:
    """Build one object; `script` is the linker's version script, `against` what it is linked with."""
    code, target = place / f"{name}.c", place / name
    code.write_text(source)
    argv = ["gcc", "-shared", "-fPIC", "-O1", "-nostdlib", "-o", str(target), str(code), "-Wl,--no-as-needed"]
    argv += [str(path) for path in against]
    argv += [f"-Wl,-soname,{soname}"] if soname else []
    if script:
        (place / f"{name}.map").write_text(script)
        argv.append(f"-Wl,--version-script={place / f'{name}.map'}")
    done = subprocess.run([*argv, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def library_with(place: Path, name: str, versions: dict[str, tuple[str, ...]]) -> Path:
    """Build a library that offers these versions, with the symbols of each."""
    place.mkdir(exist_ok=True)
    symbols = [symbol for names in versions.values() for symbol in names]
    source = "".join(f"int {symbol}(void) {{ return 0; }}\n" for symbol in symbols)
    script = "".join(
        f"{version} {{ global: {' '.join(f'{symbol};' for symbol in names)} }};\n"
        for version, names in versions.items()
    )
    return compiled(place, name, source, soname=name, script=script)


def consumer_of(place: Path, name: str, library: Path, *symbols: str) -> Path:
    """Build an object that calls these symbols of a library."""
    declared = "".join(f"int {symbol}(void);\n" for symbol in symbols)
    body = " + ".join(f"{symbol}()" for symbol in symbols) or "0"
    source = f"{declared}int consumer(void) {{ return {body}; }}\n"
    return compiled(place, name, source, against=(library,))
