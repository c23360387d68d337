# Reads what reprocheck needs to know of a machine and its Python, where reprocheck itself cannot run.
#
# Usage: python3 reprocheck_probe.py > result.json        then, anywhere: reprocheck snapshot probe:result.json
#        python3 reprocheck_probe.py --root DIR           everything below DIR instead: an unpacked image, or
#                                                         / for all of the container that this runs in
#
# Standard library only, Python 3.6 or later. It starts no program but nvidia-smi, changes nothing, and
# writes its one JSON document to standard output. Values of environment variables are written only for names
# on reprocheck's allowlist, and never where the name or the value looks like a secret. Of files it brings package
# metadata only; names and passwords in URLs are taken out of them.
import base64
import glob
import hashlib
import json
import os
import platform
import re
import stat
import struct
import subprocess
import sys
import zlib

SETTINGS = json.loads(r"""@@SETTINGS@@""")
WANTED = re.compile(SETTINGS["wanted"])
LIBRARY = re.compile(SETTINGS["library"])
ALLOWED = re.compile(SETTINGS["allowed"])
SECRET_NAME = re.compile(SETTINGS["secret_name"], re.IGNORECASE)
SECRET_VALUE = re.compile(SETTINGS["secret_value"])
MASKED = re.compile(r"/(dev|proc|sys)(/|$)|/(\.dockerenv|run/\.containerenv)$|/etc/(hostname|hosts|resolv\.conf|mtab)$")
FILE_LIMIT = SETTINGS["file_limit"]
WINDOW = SETTINGS["window"]
WHOLE = SETTINGS["whole"]
WITH_URLS = ("/direct_url.json", ".json", ".pth", "/METADATA", "/PKG-INFO", ".egg-info", ".egg-link")
USER_INFO = re.compile(br"://[^/@\s\"'\\]{1,1024}@")
NUMERIC = re.compile(SETTINGS["numeric"])
NEEDLES = [needle.encode("ascii") for needle in SETTINGS["needles"]]


def packed(raw):
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")


def text_of(path):
    # Undecodable bytes of a path cross JSON as surrogates, which strict readers refuse: marked instead.
    try:
        path.encode("utf-8")
        return path
    except UnicodeEncodeError:
        return {"b64": base64.b64encode(os.fsencode(path)).decode("ascii")}


class Probe(object):
    def __init__(self, root):
        self.root = root.rstrip("/")
        self.entries = {}
        self.files = {}
        self.libraries = {}
        self.unreadable = []
        self.walked = set()

    def real(self, path):
        return self.root + path

    def add(self, path, status):
        mode = status.st_mode
        if stat.S_ISLNK(mode):
            self.entries[path] = ["link", 0, 0o777, os.readlink(self.real(path))]
        elif stat.S_ISREG(mode):
            self.entries[path] = ["file", status.st_size, mode & 0o7777, ""]
            self.look(path, status.st_size)
        elif stat.S_ISDIR(mode):
            self.entries[path] = ["directory", 0, mode & 0o7777, ""]
        elif not stat.S_ISSOCK(mode):
            self.entries[path] = ["other", 0, mode & 0o7777, ""]

    def look(self, path, size):
        try:
            if WANTED.search(path) and size <= FILE_LIMIT:
                with open(self.real(path), "rb") as file:
                    raw = file.read(FILE_LIMIT + 1)
                    if b"://" in raw and path.endswith(WITH_URLS):
                        raw = USER_INFO.sub(b"://", raw)
                    self.files[path] = packed(raw)
            elif LIBRARY.search(path):
                with open(self.real(path), "rb") as file:
                    self.libraries[path] = library(path, file, size)
        except (OSError, ValueError, struct.error) as error:
            if path not in self.libraries:
                self.unreadable.append([text_of(path), str(error)[:200]])

    def pin(self, path):
        # Lists every parent and link on the way to a path, and returns where it leads.
        todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
        current, hops = "", 0
        while todo:
            part = todo.pop()
            if part == "..":
                current = current.rpartition("/")[0]
                continue
            here = current + "/" + part
            if MASKED.match(here):
                return None
            try:
                status = os.lstat(self.real(here))
            except OSError:
                return None
            if here not in self.entries:
                self.add(here, status)
            if stat.S_ISLNK(status.st_mode):
                hops += 1
                if hops > 40:
                    return None
                target = self.entries[here][3]
                if target.startswith("/"):
                    current = ""
                todo.extend([p for p in target.split("/") if p not in ("", ".")][::-1])
                continue
            current = here
        return current or "/"

    def walk(self, start):
        top = self.pin(start)
        if top is None or (top != "/" and self.entries[top][0] != "directory"):
            return
        stack = [top]
        while stack:
            directory = stack.pop()
            if directory in self.walked:
                continue
            self.walked.add(directory)
            prefix = directory if directory == "/" else directory + "/"
            try:
                names = sorted(os.listdir(self.real(directory)))
            except OSError as error:
                self.unreadable.append([text_of(directory), error.strerror or "cannot be listed"])
                continue
            for name in names:
                path = prefix + name
                if MASKED.match(path):
                    continue
                try:
                    self.add(path, os.lstat(self.real(path)))
                except OSError as error:
                    self.unreadable.append([text_of(path), error.strerror or "cannot be read"])
                    continue
                if self.entries.get(path, [""])[0] == "directory":
                    stack.append(path)


def library(path, file, size):
    # Of a shared object: what a reader of its dynamic section asks for, its digest, and where version strings
    # stand. Seen are its first and last WINDOW bytes only, as through every other source.
    row = {"size": size, "pieces": [], "sha256": "", "strings": []}

    def want(offset, length, anywhere=False):
        end = offset + length
        inside = end <= WINDOW or size <= 2 * WINDOW or offset >= size - WINDOW
        inside = inside or (anywhere and length <= 65536)
        if offset < 0 or length < 0 or end > size or not inside:
            raise ValueError("names bytes that are not looked at")
        file.seek(offset)
        raw = file.read(length)
        row["pieces"].append([offset, packed(raw)])
        return raw

    try:
        dynamic_section(want, size)
    except (ValueError, IndexError, struct.error):
        pass  # the reader finds out the same from the pieces
    if size <= WHOLE and NUMERIC.search(path):
        file.seek(0)
        content = file.read()
        row["sha256"] = hashlib.sha256(content).hexdigest()
        for needle in NEEDLES:
            at = content.find(needle)
            while at >= 0 and len(row["strings"]) < 256:
                row["strings"].append(packed(content[at : at + 256]))
                at = content.find(needle, at + 1)
    return row


def dynamic_section(want, size):
    ident = want(0, min(size, 64))
    if ident[:4] != b"\x7fELF" or len(ident) < 64:
        return
    wide, order = ident[4:5] == b"\2", "<" if ident[5:6] == b"\1" else ">"
    fields = struct.unpack_from(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), ident, 16)
    table = want(fields[4], fields[8] * min(fields[9], 512))
    loads, dynamic = [], None
    row = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
    for start in range(0, len(table) - row.size + 1, row.size):
        cells = row.unpack_from(table, start)
        offset, address, length = (cells[2], cells[3], cells[5]) if wide else (cells[1], cells[2], cells[4])
        if cells[0] == 1:
            loads.append((address, offset, length))
        elif cells[0] == 2 and dynamic is None:
            dynamic = (offset, length)
        elif cells[0] == 4:
            want(offset, min(length, 65536), True)
    if dynamic is None:
        return
    entry = struct.Struct(order + ("qQ" if wide else "iI"))
    raw = want(dynamic[0], min(dynamic[1], 4096 * entry.size) // entry.size * entry.size, True)
    names, base, strings = [], 0, 0
    for start in range(0, len(raw), entry.size):
        tag, value = entry.unpack_from(raw, start)
        if tag == 0:
            break
        if tag in (1, 14, 15, 29):
            names.append(value)
        elif tag == 5:
            base = value
        elif tag == 10:
            strings = value
    for address, offset, length in loads:
        if names and address <= base < address + length:
            string_clusters(want, size, offset + base - address, strings, sorted(set(names)))
            break


def string_clusters(want, size, table, strings, names):
    while names:
        first = names[0]
        cluster = [name for name in names if name - first < 65536]
        names = names[len(cluster) :]
        end = min(cluster[-1] + 4096, strings, max(size - table, 0))
        want(table + first, end - first)


def machine():
    found = {}

    def keep(path):
        try:
            # Piece by piece: below /proc/sys the kernel allocates what one read asks for.
            with open(path, "rb", 0) as file:
                raw = b""
                piece = file.read(65536)
                while piece and len(raw) < 4 << 20:
                    raw += piece
                    piece = file.read(65536)
                found[path] = packed(raw)
        except OSError:
            pass

    for path in SETTINGS["machine_files"]:
        keep(path)
    for pattern in SETTINGS["machine_globs"]:
        for path in sorted(glob.glob(pattern))[:4096]:
            keep(path)
    try:
        with open("/proc/self/cgroup") as file:
            lines = file.read().split("\n")
    except OSError:
        lines = []
    for line in lines:
        group = line.partition(":")[2].partition(":")
        mounts = ["/sys/fs/cgroup"] if not group[0] else ["/sys/fs/cgroup/" + group[0], "/sys/fs/cgroup/cpu"]
        parts = [part for part in group[2].split("/") if part and part != ".."]
        for mount in mounts:
            for count in range(len(parts), -1, -1):
                for name in SETTINGS["cgroup_files"]:
                    keep("/".join([mount] + parts[:count] + [name]))
    return found


def ask(*command):
    try:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    except OSError:
        return None
    try:
        out = child.communicate(timeout=30)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return None
    return packed(out) if child.returncode == 0 else None


def environment():
    rows = []
    for name in sorted(os.environ):
        value = os.environ[name]
        if SECRET_NAME.search(name) or SECRET_VALUE.search(value):
            rows.append([text_of(name), None, "secret"])
        elif ALLOWED.match(name):
            rows.append([text_of(name), text_of(value), "recorded"])
        else:
            rows.append([text_of(name), None, "withheld"])
    return rows


def places():
    triplet = platform.machine() + "-linux-gnu"
    found = [path.replace("@TRIPLET@", triplet) for path in SETTINGS["system"]]
    for prefix in sorted({sys.prefix, getattr(sys, "base_prefix", sys.prefix)}):
        found += [prefix + "/" + part for part in SETTINGS["prefix"]]
    # Not where this file lies, which Python searches first: that may be anybody's whole home directory.
    own = os.path.dirname(os.path.abspath(__file__)) if "__file__" in globals() else ""
    found += [path for path in sys.path if os.path.isabs(path) and os.path.abspath(path) != own]
    for name in ("HF_HOME", "TORCH_HOME"):
        if os.environ.get(name, "").startswith("/"):
            found.append(os.environ[name])
    found += [os.path.expanduser(path) for path in SETTINGS["home"]]
    paths = set()
    for pattern in found:
        paths.update(glob.glob(pattern) if "*" in pattern else [pattern])
    return sorted(paths)


def main(arguments):
    root, whole = "/", bool(arguments)
    if arguments[:1] == ["--root"] and len(arguments) == 2:
        root = os.path.abspath(arguments[1])
    elif arguments:
        sys.stderr.write("usage: reprocheck_probe.py [--root DIR] > result.json\n")
        return 2
    if not os.path.isdir(root):
        sys.stderr.write("reprocheck_probe.py: %s is no directory\n" % root)
        return 2
    probe = Probe(root)
    for place in ["/"] if whole else places():
        probe.walk(place)
    document = {
        "schema": "reprocheck-probe/1",
        "reprocheck": SETTINGS["version"],
        "root": whole,
        "python": {
            "executable": text_of(sys.executable or ""),
            "version": platform.python_version(),
            "prefix": text_of(os.path.realpath(sys.prefix)),
            "base_prefix": text_of(os.path.realpath(getattr(sys, "base_prefix", sys.prefix))),
        },
        "architecture": platform.machine(),
        "environment": [] if root != "/" else environment(),
        "entries": [[text_of(path)] + row[:3] + [text_of(row[3])] for path, row in sorted(probe.entries.items())],
        "files": [[text_of(path), raw] for path, raw in sorted(probe.files.items())],
        "libraries": [[text_of(path), row] for path, row in sorted(probe.libraries.items())],
        "unreadable": probe.unreadable,
        "machine": machine(),
        "nvidia_smi": ask("nvidia-smi", "-q", "-x"),
        "nvidia_compute": ask("nvidia-smi", "--query-gpu=pci.bus_id,compute_cap", "--format=csv,noheader"),
    }
    json.dump(document, sys.stdout, sort_keys=True, separators=(",", ":"))
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
