"""The house rules of the package, checked on its syntax trees: borders between rooms, bans, sizes.

A checker takes source text and returns what is wrong with it as `Fault`s, so that it can be tried on planted
violations as well as on the package (see test_architecture.py).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = "reprocheck"

MODULE_LINES = 350
FUNCTION_LINES = 70

BASE = frozenset({"errors", "globs", "limits", "strictjson", "versions", ""})
"""What every room may import; '' is the package itself (its version)."""

ROOMS: dict[str, frozenset[str]] = {
    **dict.fromkeys(BASE, frozenset()),
    "model": frozenset(),
    "ports": frozenset({"model"}),
    "codec": frozenset({"model"}),
    "collect": frozenset({"model", "ports"}),
    "artifacts": frozenset({"model"}),
    "compare": frozenset({"model"}),
    "foreign": frozenset({"model"}),
    "graph": frozenset({"model"}),
    "explain": frozenset({"model"}),
    "rerun": frozenset({"model", "ports", "artifacts"}),
    "bisect": frozenset({"model", "ports", "rerun"}),
    "checks": frozenset({"model"}),
    "catalogue": frozenset({"model"}),
    "engine": frozenset({"model", "ports", "artifacts.tree"}),
    "render": frozenset({"model", "catalogue"}),
    "api": frozenset(
        {"model", "ports", "codec", "collect", "artifacts", "compare", "graph", "explain", "rerun"}
        | {"bisect", "checks", "catalogue", "engine", "foreign", "render"}
    ),
    "cli": frozenset({"model", "api", "render", "codec", "engine.writing", "collect.secrets"}),
    "__main__": frozenset({"cli"}),
}
"""Who may import whom (ARCHITECTURE.md, "Rooms"); a dotted name opens one module of a room only."""

LIBRARIES: dict[str, frozenset[str]] = {
    "backports": frozenset({"engine"}),  # zstd, of the standard library from Python 3.14 on
    "click": frozenset({"cli"}),
    "docker": frozenset({"engine"}),
    "jinja2": frozenset({"render"}),
    "msgspec": frozenset({"model", "codec"}),
    "networkx": frozenset({"graph"}),
    "numpy": frozenset({"artifacts"}),  # the extra `arrays`
    "packageurl": frozenset({"collect", "foreign"}),
    "packaging": frozenset(ROOMS),
    "pynvml": frozenset({"engine"}),
    "requests": frozenset({"engine"}),
    "rfc8785": frozenset({"codec"}),
    "tabulate": frozenset({"render"}),
    "urllib3": frozenset({"engine"}),
    "yaml": frozenset({"foreign"}),
}
"""Third-party packages and the rooms that may know them; any other is an error everywhere."""

STDLIB = sys.stdlib_module_names | {"compression"}
"""With what came after the oldest Python that is supported (`compression.zstd`, 3.14)."""

OUTSIDE = frozenset({"engine", "api", "cli", "__main__"})
"""Rooms that may know of the process they run in; every other room is core and does no I/O."""

CORE_BANS = frozenset(
    {
        "asyncio",
        "glob",
        "http",
        "multiprocessing",
        "os",
        "pathlib.Path",
        "random",
        "secrets",
        "shutil",
        "signal",
    }
    | {"socket", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request"}
)
"""Modules with which the core could touch the world, or let chance or the clock into a result."""

BANS: dict[str, str] = {
    "docker.from_env": "docker.from_env",
    "dill": "unpickling",
    "joblib": "unpickling",
    "json.load": "json.loads",
    "json.loads": "json.loads",
    "marshal": "unpickling",
    "numpy.load": "unpickling",
    "pickle": "unpickling",
    "pickletools": "pickletools",
    "shelve": "unpickling",
    "torch.load": "unpickling",
    "os.popen": "shell",
    "os.system": "shell",
    "subprocess": "subprocess",
    "shutil.unpack_archive": "unpacking",
    "tarfile": "unpacking",
    "yaml": "yaml",
    "importlib.import_module": "dynamic import",
    "os.link": "writing",
    "os.makedirs": "writing",
    "os.mkdir": "writing",
    "os.mkfifo": "writing",
    "os.remove": "removing",
    "os.rename": "writing",
    "os.replace": "writing",
    "os.rmdir": "removing",
    "os.symlink": "writing",
    "os.truncate": "writing",
    "os.unlink": "removing",
    "shutil.copy": "writing",
    "shutil.copy2": "writing",
    "shutil.copyfile": "writing",
    "shutil.copyfileobj": "writing",
    "shutil.copytree": "writing",
    "shutil.move": "writing",
    "shutil.rmtree": "removing",
    "tempfile": "writing",
    "os.O_APPEND": "writing",
    "os.O_CREAT": "writing",
    "os.O_RDWR": "writing",
    "os.O_TRUNC": "writing",
    "os.O_WRONLY": "writing",
}
"""Dotted name to the ban that its use breaks. A name stands for everything below it too."""

METHOD_BANS: dict[str, str] = {
    "extractall": "unpacking",
    "put_archive": "put_archive",
    "unpack_archive": "unpacking",
    "write_bytes": "writing",
    "write_text": "writing",
}
"""Method names that are banned on whatever object they are called."""

BUILTIN_BANS: dict[str, str] = {
    "__import__": "dynamic import",
    "compile": "eval",
    "eval": "eval",
    "exec": "eval",
    "print": "print",
}

ALLOWED: dict[tuple[str, str], str] = {
    ("reprocheck.artifacts", "pickletools"): "reads opcodes; nothing that a checkpoint names is called",
    ("reprocheck.cli.boundary", "writing"): "points stdout at /dev/null after a broken pipe; no file is made",
    ("reprocheck.cli.main", "dynamic import"): "a verb is imported when it is asked for",
    ("reprocheck.engine.copying", "writing"): "copies trees with the primitives of engine.writing",
    ("reprocheck.engine.process", "subprocess"): "the one place that starts a child process",
    ("reprocheck.engine.removal", "removing"): "removes what a run left, without following a link",
    (
        "reprocheck.engine.removal",
        "writing",
    ): "moves deep directories up before it removes them",
    ("reprocheck.engine.cache", "removing"): "prunes the cache, and takes out what is not sound",
    ("reprocheck.engine.store", "removing"): "prunes the user's store of outputs",
    ("reprocheck.foreign.yaml_text", "yaml"): "reads YAML's events; nothing is constructed",
    ("reprocheck.engine.named_by_digest", "removing"): "what a killed process left half-written there",
    ("reprocheck.engine.writing", "removing"): "takes back its own unfinished temporary file",
    ("reprocheck.engine.writing", "writing"): "the one place that writes files",
    ("reprocheck.strictjson", "json.loads"): "the one place that parses JSON",
}
"""(module or room, ban) to the reason why it may. An entry that nothing uses is an error too."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Fault:
    """One broken rule."""

    module: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        """Return the line that a failing test shows."""
        return f"{self.module}:{self.line}: {self.rule}: {self.message}"


def modules() -> Iterator[tuple[str, bool, str]]:
    """Every module of the package: dotted name, whether it is a package, source text.

    What lies in `observer/` is data of the package: it runs in targets, on their Python; nothing imports it.
    """
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] == "observer":
            continue
        is_package = parts[-1] == "__init__"
        yield ".".join(parts[:-1] if is_package else parts), is_package, path.read_text(encoding="utf-8")


def observer_parts() -> Iterator[tuple[str, int]]:
    """Every part of the scripts in `observer/`: its name and its number of lines."""
    for path in sorted((ROOT / PACKAGE / "observer").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), len(path.read_text(encoding="utf-8").splitlines())


def room_of(module: str) -> str:
    """`reprocheck.engine.tar` is in the room `engine`; the package itself in ''."""
    return f"{module}.".split(".")[1]


def faults(module: str, source: str, *, is_package: bool = False) -> list[Fault]:
    """Check one module by every rule, allowances applied."""
    tree = ast.parse(source)
    found = [
        *_borders(module, tree, is_package),
        *_bans(module, tree, is_package),
        *_sizes(module, tree, source),
    ]
    return sorted(fault for fault in found if not allowance(fault))


def allowance(fault: Fault) -> tuple[str, str] | None:
    """Return the allowance that covers a fault."""
    names = (fault.module, f"{PACKAGE}.{room_of(fault.module)}")
    return next(((name, fault.rule) for name in names if (name, fault.rule) in ALLOWED), None)


def unused_allowances() -> set[tuple[str, str]]:
    """Return the allowances that nothing in the package needs any more."""
    used = {
        allowance(fault)
        for module, is_package, source in modules()
        for fault in _bans(module, ast.parse(source), is_package)
    }
    return set(ALLOWED) - used


def imports(module: str, tree: ast.Module, is_package: bool) -> Iterator[tuple[int, str, str]]:
    """Every import, in any scope: line, local name, dotted name of what it stands for."""
    home = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                yield node.lineno, alias.asname or name, name
                if name != alias.name:
                    yield node.lineno, alias.name, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(home[: len(home) - node.level + 1]) if node.level else ""
            origin = ".".join(part for part in (above, node.module) if part)
            for alias in node.names:
                yield node.lineno, alias.asname or alias.name, f"{origin}.{alias.name}"


def _borders(module: str, tree: ast.Module, is_package: bool) -> Iterator[Fault]:
    room = room_of(module)
    if room not in ROOMS:
        yield Fault(module=module, line=1, rule="border", message=f"{room} is no room of the house")
        return
    for line, _, name in imports(module, tree, is_package):
        top = name.partition(".")[0]
        if top == PACKAGE:
            if not _may_import(room, name):
                yield Fault(module=module, line=line, rule="border", message=f"{room} may not import {name}")
        elif top in LIBRARIES:
            if room not in LIBRARIES[top]:
                yield Fault(module=module, line=line, rule="library", message=f"{room} may not import {top}")
        elif top not in STDLIB:
            yield Fault(module=module, line=line, rule="library", message=f"{top} is no declared dependency")


def _may_import(room: str, name: str) -> bool:
    inner = name.partition(".")[2]
    target = inner.partition(".")[0]
    if target not in ROOMS:  # `from reprocheck import __version__`
        return True
    if target in BASE or target == room:
        return True
    open_to = ROOMS[room]
    return target in open_to or any(
        inner == door or inner.startswith(f"{door}.") for door in open_to if "." in door
    )


def _bans(module: str, tree: ast.Module, is_package: bool) -> Iterator[Fault]:
    known: dict[str, str] = {}
    for line, local, name in imports(module, tree, is_package):
        if "." not in local:
            known[local] = name
        yield from _banned_name(module, line, name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield from _banned_name(module, node.lineno, _dotted(node, known))
        if isinstance(node, ast.Call):
            yield from _banned_call(module, node)


def _banned_name(module: str, line: int, name: str) -> Iterator[Fault]:
    for banned, rule in BANS.items():
        if name == banned or name.startswith(f"{banned}."):
            yield Fault(module=module, line=line, rule=rule, message=f"uses {name}")
    if room_of(module) in OUTSIDE:
        return
    for banned in CORE_BANS:
        if name == banned or name.startswith(f"{banned}."):
            yield Fault(module=module, line=line, rule="pure core", message=f"uses {name}")


def _dotted(node: ast.expr, known: dict[str, str]) -> str:
    """Write `np.load` as `numpy.load` under `import numpy as np`; '' for what hangs on no import."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in known:
        return ""
    return ".".join((known[node.id], *reversed(parts)))


def _banned_call(module: str, call: ast.Call) -> Iterator[Fault]:
    def fault(rule: str, message: str) -> Fault:
        return Fault(module=module, line=call.lineno, rule=rule, message=message)

    if isinstance(call.func, ast.Attribute) and call.func.attr in METHOD_BANS:
        yield fault(METHOD_BANS[call.func.attr], f"calls .{call.func.attr}()")
    if isinstance(call.func, ast.Name) and call.func.id in BUILTIN_BANS:
        yield fault(BUILTIN_BANS[call.func.id], f"calls {call.func.id}()")
    for keyword in call.keywords:
        if keyword.arg == "shell" and not (
            isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        ):
            yield fault("shell", "passes shell=")
    if isinstance(call.func, ast.Name) and call.func.id == "open":
        if room_of(module) not in OUTSIDE:
            yield fault("pure core", "calls open()")
        if _may_write(call, position=1):
            yield fault("writing", "calls open() for writing")
    if isinstance(call.func, ast.Attribute) and call.func.attr == "open" and _may_write(call, position=0):
        yield fault("writing", "calls .open() for writing")


def _may_write(call: ast.Call, *, position: int) -> bool:
    """Whether the mode of an open() is a text that names writing."""
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    modes += call.args[position : position + 1]
    return any(
        isinstance(mode, ast.Constant)
        and isinstance(mode.value, str)
        and len(mode.value) <= len("r+bt")
        and bool(set(mode.value) & set("wax+"))
        and not set(mode.value) - set("rwaxbt+")
        for mode in modes
    )


def _sizes(module: str, tree: ast.Module, source: str) -> Iterator[Fault]:
    lines = len(source.splitlines())
    if lines > MODULE_LINES:
        yield Fault(
            module=module, line=1, rule="size", message=f"has {lines} lines, more than {MODULE_LINES}"
        )
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                message = f"{node.name} has {length} lines, more than {FUNCTION_LINES}"
                yield Fault(module=module, line=node.lineno, rule="size", message=message)
