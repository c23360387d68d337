"""Whether a wheel's tags fit a described interpreter (PEP 425, 600, 656), as `pip check` judges.

Only Linux: of other systems the manifest does not tell enough. Source: `packaging.tags`, whose list of a
thousand supported tags is decided here one tag at a time.
"""

from __future__ import annotations

import re
from itertools import product

from reprocheck.graph.interpreter import Interpreter
from reprocheck.model.base import Frozen
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment

MOST_TAGS = 512
"""Tags of one wheel, compressed sets taken apart; the rest of a wheel with more is not looked at."""

_ANY = frozenset({"py3-none-any", "py2.py3-none-any"})
_PYTHON = re.compile(r"(py|cp|pp)([0-9])([0-9]{0,3})")
_MANYLINUX = re.compile(r"manylinux_([0-9]{1,4})_([0-9]{1,4})_([a-z0-9_]+)")
_MUSLLINUX = re.compile(r"musllinux_([0-9]{1,4})_([0-9]{1,4})_([a-z0-9_]+)")
_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_LIBC = re.compile(r"(glibc|musl) ([0-9]{1,4})\.([0-9]{1,4}).*")
_TRIPLETS = {"i386": "i686", "powerpc64le": "ppc64le", "powerpc64": "ppc64"}
_GLIBC_MACHINES = frozenset(
    {"x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"}
)
_OLD_MACHINES = frozenset({"x86_64", "i686"})


class Platform(Frozen, frozen=True, kw_only=True):
    """What a wheel has to fit."""

    implementation: str
    """`cp`, `pp`, or '' when it could not be told."""
    series: tuple[int, int] | None
    abi: str
    """`cp311`, `cp313t`, `pypy310_pp73`; '' when it could not be told."""
    machine: str
    libc: str
    """`glibc`, `musl`, or '' when it could not be told."""
    version: tuple[int, int] | None
    """Of the C library."""
    linux: bool

    def __str__(self) -> str:
        """Return `CPython 3.11 on x86_64, glibc 2.36`."""
        names = {"cp": "CPython", "pp": "PyPy"}
        series = "" if self.series is None else " {}.{}".format(*self.series)
        libc = self.libc and ", " + self.libc + (" {}.{}".format(*self.version) if self.version else "")
        return f"{names.get(self.implementation, 'Python')}{series} on {self.machine or 'this machine'}{libc}"


def platform_of(python: PythonEnvironment, interpreter: Interpreter, manifest: Manifest) -> Platform:
    """Describe what wheels of one environment have to fit, from the manifest alone."""
    environment = interpreter.candidates[0]
    numbers = environment["python_version"].split(".")
    libc = _LIBC.fullmatch(manifest.os.libc) if manifest.os is not None else None
    machine, _, rest = python.platform.partition("-")
    own = "musl" if "musl" in rest else "glibc" if "gnu" in rest else ""
    family = own or (libc[1] if libc else "")
    return Platform(
        implementation={"cpython": "cp", "pypy": "pp"}.get(python.implementation, ""),
        series=(int(numbers[0]), int(numbers[1])) if len(numbers) == 2 else None,
        abi=python.abi,
        machine=environment["platform_machine"] or _TRIPLETS.get(machine, machine),
        libc=family,
        version=(int(libc[2]), int(libc[3])) if libc and libc[1] == family else None,
        linux=environment["sys_platform"] == "linux",
    )


def judge(tags: tuple[str, ...], platform: Platform) -> str | None:
    """Give '' when one of a wheel's tags fits, else the first of them; None when it cannot be told.

    Malformed tags fit nothing.
    """
    if not _ANY.isdisjoint(tags) and (platform.series is None or platform.series[0] == 3):
        return ""
    answers = [_fits(*parts, platform) for parts in _taken_apart(tags)]
    if any(answers):
        return ""
    return None if None in answers or not platform.linux else tags[0] or "(an empty tag)"


def _taken_apart(tags: tuple[str, ...]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for tag in tags:
        parts = [part.split(".") for part in tag.lower().split("-")]
        if len(parts) == 3 and len(found) < MOST_TAGS and max(map(len, parts)) <= MOST_TAGS:
            room = MOST_TAGS - len(found)
            found += [(a, b, c) for (a, b, c), _ in zip(product(*parts), range(room), strict=False)]
    return found


def _fits(python: str, abi: str, place: str, platform: Platform) -> bool | None:
    where = True if place == "any" else _place_fits(place, platform)
    if where is False:
        return False
    what = _python_fits(python, abi, platform, anywhere=place == "any")
    return False if what is False else None if what is None or where is None else True


def _python_fits(python: str, abi: str, platform: Platform, *, anywhere: bool) -> bool | None:
    """Whether the first two parts fit: `py*-none` up to this series, `cp*` of this, `abi3` up to this."""
    match = _PYTHON.fullmatch(python)
    if match is None:
        return False
    if platform.series is None or not platform.implementation:
        return None
    kind, major, minor = match[1], int(match[2]), int(match[3]) if match[3] else None
    if major != platform.series[0] or (minor is not None and minor > platform.series[1]):
        return False
    if kind == "py":
        return abi == "none"
    if kind != platform.implementation:
        return False
    if kind == "pp" and minor is None:
        return abi == "none" and anywhere
    same = minor == platform.series[1]
    if anywhere:
        return same and abi == "none" and kind == "cp"
    free_threaded = platform.abi.endswith(("t", "td"))
    if abi in ("abi3", "abi3t") and kind == "cp" and minor is not None and minor >= 2:
        return None if not platform.abi and abi == "abi3t" else free_threaded == (abi == "abi3t")
    if not same:
        return False
    if abi in ("none", platform.abi):
        return True
    if platform.abi:
        # A debug build of CPython loads the extension modules of the usual one.
        return kind == "cp" and platform.abi.endswith("d") and abi == platform.abi[:-1]
    return True if abi == f"cp{major}{minor}" else None


def _place_fits(place: str, platform: Platform) -> bool | None:
    """Whether the last part fits machine and C library."""
    if not platform.linux:
        return None
    if not place.startswith(("linux_", "manylinux", "musllinux_")):
        return False
    if not platform.machine:
        return None
    machines = ("armv8l", "armv7l") if platform.machine == "armv8l" else (platform.machine,)
    if place.startswith("linux_"):
        return place[6:] in machines
    many, musl = _MANYLINUX.fullmatch(place), _MUSLLINUX.fullmatch(place)
    if musl is not None:
        wanted, machine, family = (int(musl[1]), int(musl[2])), musl[3], "musl"
    elif many is not None:
        wanted, machine, family = (int(many[1]), int(many[2])), many[3], "glibc"
    else:
        label, _, machine = place.partition("_")
        wanted, family = _LEGACY.get(label, (0, 0)), "glibc"
    if machine not in machines or wanted == (0, 0) or (platform.libc and platform.libc != family):
        return False
    if family == "glibc" and (machine not in _GLIBC_MACHINES or wanted < _oldest(machine)):
        return False
    if platform.version is None or not platform.libc:
        return None
    # glibc promises compatibility across majors (PEP 600), musl within one only (PEP 656).
    return wanted <= platform.version and (family == "glibc" or wanted[0] == platform.version[0])


def _oldest(machine: str) -> tuple[int, int]:
    return (2, 5) if machine in _OLD_MACHINES else (2, 17)
