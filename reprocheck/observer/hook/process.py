# mypy: ignore-errors
# ruff: noqa
"""The observation hook: at its end, a Python process of a run reports what it loaded.

It is put together from the parts beside this one (engine/observer_parts.py) into one sitecustomize.py, which
stands alone in the first directory of PYTHONPATH, inside the target: standard library only, syntax that
Python 2.7 can read, at work on CPython 3.6 to 3.14, asleep on any other. It must not change the result:

- it takes itself off sys.path and lets Python import the sitecustomize that it shadows, or fail to;
- at the start it imports nothing but `atexit`; no thread, no signal handler, no random number, no locale;
- what it reads of torch and the like it reads of modules that the program itself imported, at the end.

What a program can see of it: PYTHONPATH and REPROCHECK_OBSERVE_DIR in its environment (children inherit them),
`atexit` among sys.modules, one frame more in the traceback of a sitecustomize that ends the start, on Python 3.6
a finder on sys.meta_path until multiprocessing forks, and what lies in the directory for the reports.
A process with pid P writes `P-RANDOM.start` (its executable) when it starts, `P-RANDOM.json` when it ends.
"""

import os
import sys

_MOST_FILES = 8192
_MOST_MODULES = 50000
_MOST_LIBRARIES = 20000
_LONGEST = 4096


def _main(os=os, sys=sys):
    place = __file__.rpartition("/")[0]
    sys.path[:] = [entry for entry in sys.path if entry != place]
    sys.path_importer_cache.pop(place, None)
    try:
        directory = os.environ.get("REPROCHECK_OBSERVE_DIR", "")
        cpython = getattr(getattr(sys, "implementation", None), "name", "") == "cpython"
        if cpython and sys.version_info >= (3, 6) and directory.startswith("/"):
            _Observer(directory, os, sys).start()
    except Exception:
        pass


class _Observer(object):
    """One process; a forked child finds it and reports under its own number."""

    def __init__(self, directory, os, sys):
        self.directory = directory
        self.os = os
        self.sys = sys
        self.pid = 0
        self.token = ""
        self.done = False
        self.followed = False
        # What the program replaces later (os.open, os.rename ...) is not what a report goes through.
        self.open, self.close, self.read, self.write = os.open, os.close, os.read, os.write
        self.rename, self.fchmod, self.getpid, self.urandom = os.rename, os.fchmod, os.getpid, os.urandom
        self.listdir, self.readlink = os.listdir, os.readlink

    def start(self):
        import atexit

        self.renew()
        # Registered first, so called last, when the program's own functions have run.
        atexit.register(self.report)
        if hasattr(self.os, "register_at_fork"):
            self.os.register_at_fork(before=self.follow)
        else:  # Python 3.6
            self.sys.meta_path.insert(0, _Watch(self))
        self.create(self.token + ".start", _text(self.readlink(b"/proc/self/exe")).encode("utf-8"))

    def renew(self):
        """Take a new name: at the start, and in a child that was forked."""
        pid = self.getpid()
        if pid != self.pid:
            self.pid = pid
            self.token = "%d-%s" % (pid, self.urandom(8).hex())
            self.done = False

    def follow(self):
        """Have multiprocessing's forked children report: they leave by os._exit, after their finalizers."""
        if self.followed:
            return
        try:
            util = self.sys.modules.get("multiprocessing.util")
            if util is not None and hasattr(util, "register_after_fork"):
                self.followed = True
                util.register_after_fork(self, _Observer.finalize)
        except Exception:
            pass

    def finalize(self):
        """In a child of multiprocessing, which has just forgotten the finalizers of its parent."""
        try:
            util = self.sys.modules["multiprocessing.util"]
            util.Finalize(None, self.report, exitpriority=-1000)
        except Exception:
            pass

    def report(self):
        try:
            self.renew()
            if self.done or len(self.listdir(self.directory)) > _MOST_FILES:
                return
            self.done = True
            data = _json(_facts(self)).encode("ascii")
            self.create(self.token + ".part", data)
            self.rename(self.path(self.token + ".part"), self.path(self.token + ".json"))
        except BaseException:
            pass

    def path(self, name):
        return self.directory + "/" + name

    def create(self, name, data):
        os = self.os
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = self.open(self.path(name), flags, 0o644)
        try:
            self.fchmod(descriptor, 0o644)
            while data:
                data = data[self.write(descriptor, data) :]
        finally:
            self.close(descriptor)

    def content(self, path, most=1 << 26):
        descriptor = self.open(path, self.os.O_RDONLY | self.os.O_CLOEXEC)
        try:
            pieces = []
            while most > 0:
                piece = self.read(descriptor, min(most, 1 << 16))
                if not piece:
                    break
                pieces.append(piece)
                most -= len(piece)
            return b"".join(pieces)
        finally:
            self.close(descriptor)


class _Watch(object):
    """Python 3.6 has no os.register_at_fork: note the import of what forks, find nothing, and go."""

    def __init__(self, observer):
        self.observer = observer

    def find_spec(self, name, path=None, target=None):
        if name in ("multiprocessing.popen_fork", "multiprocessing.forkserver"):
            try:
                self.observer.sys.meta_path.remove(self)
                import multiprocessing.util  # both import it first thing

                self.observer.follow()
            except Exception:
                pass
        return None
