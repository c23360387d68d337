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

if sys.version_info < (3, 6):
    sys.stderr.write("reprocheck_probe.py needs Python 3.6 or later, and this is %d.%d\n" % sys.version_info[:2])
    sys.exit(2)

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
            if LIBRARY.search(path):
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
