"""What the probe script is told: which files to bring, and whose variables' values it may write down."""

from __future__ import annotations

import json

from reprocheck import __version__
from reprocheck.collect.elf_names import SEARCHED_NAMES
from reprocheck.collect.environment import ALLOWED_NAMES, ALLOWED_PREFIXES, REFUSED_PREFIXES
from reprocheck.collect.job import RECORDED_NAMES
from reprocheck.collect.native_names import FILE_NAMES
from reprocheck.collect.native_strings import NEEDLES
from reprocheck.limits import Limits

WANTED = (
    r"/etc/os-release|/usr/lib/os-release",
    r".*/libc\.so\.6",
    r"/etc/debian_version|/etc/ld\.so\.cache",
    r".*/dpkg/(?:status|diversions|status\.d/.*|info/.*\.list)",
    r".*/lib/apk/db/installed",
    r".*/rpm/(?:rpmdb\.sqlite(?:-wal)?|Packages(?:\.db)?)",
    r".*\.(?:dist|egg)-info(?:/[^/]*)?|.*\.egg-link|.*\.egg/EGG-INFO/[^/]*",
    r".*\.pth|.*/pyvenv\.cfg|.*/patchlevel\.h",
    r".*/(?:site|dist)-packages/[^/]*\.egg",
    r".*/conda-meta/[^/]*\.json",
    r".*/version\.(?:json|txt|py)|.*/build_info\.py|.*/build_and_package_info\.py|.*/_version\.py",
    r".*/cudnn_version[^/]*\.h|.*/nccl\.h|.*/NvInferVersion\.h",
    r".*/(?:refs|\.no_exist)/[^/]*",
)
"""Regular expressions over whole absolute paths; a superset of what the collectors want (tested)."""

LIBRARY = r".*/[^/]*\.so(?:\.[0-9][^/]*)?|.*/bin/(?:python|pypy)[0-9.]*[a-z]*"

_SYSTEM = (
    "/etc/os-release",
    "/usr/lib/os-release",
    "/etc/debian_version",
    "/etc/ld.so.cache",
    # Debian's sitecustomize, and its choice of BLAS: links lead there from below /usr/lib.
    "/etc/python3*",
    "/etc/alternatives",
    "/var/lib/dpkg",
    "/lib/apk/db",
    "/usr/lib/apk/db",
    "/var/lib/rpm",
    "/usr/lib/sysimage/rpm",
    "/usr/lib/@TRIPLET@",
    "/usr/lib64",
    "/lib/@TRIPLET@/libc.so.6",
    "/lib64/libc.so.6",
    "/lib/ld-musl-*",
    "/usr/local/cuda*",
    "/opt/conda/conda-meta",
)
_PREFIX = (
    "bin/python*",
    "bin/pypy*",
    "pyvenv.cfg",
    "conda-meta",
    "include/python*",
    "lib/python*",
    "lib/pypy*",
)
_HOME = ("~/.local/lib/python3*", "~/.cache/huggingface/hub", "~/.cache/torch/hub")
_MACHINE_FILES = (
    "/proc/sys/kernel/ostype",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/arch",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self/status",
    "/proc/self/cgroup",
    "/proc/driver/nvidia/version",
    "/sys/class/dmi/id/product_name",
)
_MACHINE_GLOBS = (
    "/sys/bus/pci/devices/*/vendor",
    "/sys/bus/pci/devices/*/class",
    "/sys/devices/system/node/node*/cpulist",
    "/sys/devices/system/node/node*/meminfo",
)
_CGROUP_FILES = (
    "cpu.max",
    "cpu.cfs_quota_us",
    "cpu.cfs_period_us",
    "memory.max",
    "memory.limit_in_bytes",
)
# Coarser than our own scan, since this one decides what leaves the machine: rather a value too few.
_SENSITIVE_NAME = "|".join(
    (
        r"TOKEN(?!IZERS)|SECRET|PASSW|PASSPHRASE|CREDENTIAL|PRIVATE|AUTH|COOKIE|SESSION",
        r"API_?KEY|ACCESS_?KEY|(?:^|_)KEY(?:_|$)",
    )
)
_SENSITIVE_VALUE = "|".join(
    (
        r"://[^/@\s]*:[^/@\s]*@|-----BEGIN ",
        r"\b(?:gh[pousr]|hf|sk|glpat|xox[abp])[_-][A-Za-z0-9_-]{16}",
        r"\bAKIA[0-9A-Z]{16}|\beyJ[A-Za-z0-9_-]{10}",
    )
)


def probe_settings(limits: Limits) -> str:
    """Return the script's settings as JSON that holds no quote three times in a row and no backslash trap."""
    words = "|".join(sorted({*ALLOWED_NAMES, *RECORDED_NAMES}))
    allowed = f"(?:{words})$|(?!{'|'.join(REFUSED_PREFIXES)})(?:{'|'.join(ALLOWED_PREFIXES)})"
    settings = {
        "version": __version__,
        "wanted": f"^(?:{'|'.join(WANTED)})$",
        "library": f"^(?:{LIBRARY})$",
        "numeric": f"/(?:{FILE_NAMES}|{SEARCHED_NAMES})$",
        "needles": [needle.decode("ascii") for needle in NEEDLES],
        "allowed": allowed,
        "secret_name": _SENSITIVE_NAME,
        "secret_value": _SENSITIVE_VALUE,
        "file_limit": limits.retained_file,
        "window": limits.library_window,
        "whole": limits.library_whole,
        "system": _SYSTEM,
        "prefix": _PREFIX,
        "home": _HOME,
        "machine_files": _MACHINE_FILES,
        "machine_globs": _MACHINE_GLOBS,
        "cgroup_files": _CGROUP_FILES,
    }
    return json.dumps(settings, sort_keys=True, indent=1)
