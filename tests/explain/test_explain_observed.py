"""What two observed runs show of one cause is one finding."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.change import Finding
from reprocheck.model.environment import Variable
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, ObservedProcess, StateFlag
from reprocheck.model.run import Change
from tests.strategies import make_deb, make_manifest, make_pypi, make_run, make_variable, sha

DYNLOAD = "/usr/lib/python3.11/lib-dynload"
POSIX = LoadedLibrary(path=f"{DYNLOAD}/_posixshmem.cpython-311-x86_64-linux-gnu.so", sha256=sha("1"))
MODULE = ImportedModule(name="_posixshmem")


def observed(
    *,
    libraries: tuple[LoadedLibrary, ...] = (),
    modules: tuple[ImportedModule, ...] = (),
    state: tuple[tuple[str, str], ...] = (),
    variables: tuple[Variable, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    process = ObservedProcess(executable="/usr/bin/python3.11", python="3.11.2", seen="both")
    flags = tuple(StateFlag(name=name, value=value) for name, value in state)
    loaded = Loaded(observer="hook", processes=(process,), libraries=libraries, modules=modules, state=flags)
    return {"loaded": loaded, "environment": variables, **more}


def findings(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Finding]:
    a, b = make_manifest(**before), make_manifest(**after)
    report, back = rank(compare(a, b), a, b), rank(compare(b, a), b, a)
    assert [(f.name, f.folded) for f in report.findings] == [(f.name, f.folded) for f in back.findings]
    return {f.name: f for f in report.findings}


def threads(name: str, count: str, **variables: str) -> dict[str, Any]:
    return observed(
        state=((f"{name}:threads", count),), variables=tuple(make_variable(*v) for v in variables.items())
    )


THREADS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, int]]] = {
    "the variable of the pool": (
        threads("libgomp.so.1", "1", OMP_NUM_THREADS="1"),
        threads("libgomp.so.1", "2", OMP_NUM_THREADS="2"),
        {"OMP_NUM_THREADS": 1},
    ),
    "a variable that one side has not set": (
        threads("libgomp.so.1", "8"),
        threads("libgomp.so.1", "2", OMP_NUM_THREADS="2"),
        {"OMP_NUM_THREADS": 1},
    ),
    "the variable that wins": (
        threads("libopenblas.so.0", "1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"),
        threads("libopenblas.so.0", "2", OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2"),
        {"OMP_NUM_THREADS": 0, "OPENBLAS_NUM_THREADS": 1},
    ),
    "other numbers": (
        threads("libgomp.so.1", "4", OMP_NUM_THREADS="1"),
        threads("libgomp.so.1", "8", OMP_NUM_THREADS="2"),
        {"OMP_NUM_THREADS": 0, "libgomp.so.1:threads": 0},
    ),
    "a variable that the pool does not heed": (
        threads("libgomp.so.1", "1", MKL_NUM_THREADS="1"),
        threads("libgomp.so.1", "2", MKL_NUM_THREADS="2"),
        {"MKL_NUM_THREADS": 0, "libgomp.so.1:threads": 0},
    ),
}


@pytest.mark.parametrize("name", THREADS)
def test_the_threads_of_a_pool_fold_under_the_variable_that_set_them(name: str) -> None:
    before, after, expected = THREADS[name]
    found = findings(before, after)
    assert {name: len(f.folded) for name, f in found.items()} == expected


def test_a_file_of_a_module_that_one_side_imported_is_not_told_twice() -> None:
    found = findings(observed(libraries=(POSIX,), modules=(MODULE,)), observed())
    assert {name: f.folded for name, f in found.items()} == {"_posixshmem": (POSIX.path,)}
    assert found["_posixshmem"].why == "one of the runs imported this module, the other did not"


def test_another_file_of_a_module_that_both_imported_stands_alone() -> None:
    other = LoadedLibrary(path=POSIX.path, sha256=sha("2"))
    found = findings(
        observed(libraries=(POSIX,), modules=(MODULE,)), observed(libraries=(other,), modules=(MODULE,))
    )
    assert {name: f.folded for name, f in found.items()} == {POSIX.path: ()}


def test_a_library_that_only_the_other_side_loaded_is_no_part_of_the_module() -> None:
    found = findings(observed(libraries=(POSIX,)), observed(modules=(MODULE,)))
    assert set(found) == {POSIX.path, "_posixshmem"}


def test_a_file_folds_under_the_package_that_brought_it_first() -> None:
    def side(version: str, *loaded: LoadedLibrary) -> dict[str, Any]:
        package = make_deb("libpython3.11-stdlib", version)
        modules = (MODULE,) if loaded else ()
        return observed(libraries=loaded, modules=modules, packages=(package,))

    owner = make_deb("libpython3.11-stdlib", "1").purl
    library = LoadedLibrary(path=POSIX.path, sha256=sha("1"), owner=owner)
    found = findings(side("1", library), side("2"))
    assert found["libpython3.11-stdlib"].folded == (POSIX.path,)


def test_files_that_were_written_into_a_package_that_moved_fold_under_it() -> None:
    """`pip install` in a running container: what it wrote is that package."""
    site = "/usr/lib/python3/dist-packages"

    def side(version: str, *paths: str) -> dict[str, Any]:
        changes = tuple(Change(path=f"{site}/{path}", kind="modified") for path in paths)
        packages = (make_pypi("Two_Words", version, location=site),)
        return {"packages": packages, "run": make_run(changes=changes)}

    paths = ("two_words/a.py", "two_words-2.dist-info/METADATA", "two_words_more/b.py")
    found = findings(side("1"), side("2", *paths))
    assert {name: len(f.folded) for name, f in found.items()} == {
        "Two_Words": 2,
        f"{site}/two_words_more/b.py": 0,
    }
