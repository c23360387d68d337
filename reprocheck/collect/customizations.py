"""`sitecustomize` and `usercustomize`: modules that every start of an interpreter imports (site.py)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from reprocheck.model.filetree import FileTree, portable


def customizations_on(
    tree: FileTree,
    search_path: tuple[str, ...],
    *,
    users: AbstractSet[str],
    user_site: bool,
) -> tuple[str, ...]:
    """Return the paths of the modules that would be imported, `sitecustomize` first.

    Of several the first on the search path counts. `users` are directories of single users: what lies there
    counts for that user alone, so the search goes on behind it. Without `user_site` (a venv that does not see
    the system's packages) `usercustomize` is not imported.
    """
    found = []
    for module in ("sitecustomize", "usercustomize") if user_site else ("sitecustomize",):
        for directory in search_path:
            path = _module_in(tree, directory, module)
            if path:
                found.append(portable(path))
                if directory not in users:
                    break
    return tuple(found)


def _module_in(tree: FileTree, directory: str, module: str) -> str:
    stem = f"{directory.rstrip('/')}/{module}"
    candidates = [f"{stem}/__init__.py"]
    candidates += [
        f"{directory.rstrip('/')}/{label}"
        for label in tree.names(directory)
        if label.startswith(f"{module}.") and label.endswith(".so")
    ]
    candidates += [f"{stem}.py", f"{stem}.pyc"]
    for path in candidates:
        entry = tree.resolve(path)
        if entry is not None and entry.kind == "file":
            return path
    return ""
