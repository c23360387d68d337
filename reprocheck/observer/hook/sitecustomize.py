# mypy: ignore-errors
# ruff: noqa
"""The observation hook: at its end, a Python process of a run reports what it loaded.

This file stands alone, in the first directory of PYTHONPATH, inside the target: standard library only, syntax
that Python 2.7 can read, at work on CPython 3.6 to 3.14, asleep on any other. It must not change the result:

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


def _facts(observer):
    """Everything that a report says. What fails is left out, not guessed."""
    facts = {"hook": 1, "pid": observer.pid, "ppid": observer.os.getppid()}
    sys = observer.sys
    facts["python"] = "%d.%d.%d" % sys.version_info[:3]
    if sys.version_info[3] != "final":
        facts["python"] += {"alpha": "a", "beta": "b"}.get(sys.version_info[3], "rc") + str(sys.version_info[4])
    facts["implementation"] = sys.implementation.name
    for name, read in (
        ("started", _started),
        ("executable", lambda observer: _text(observer.readlink(b"/proc/self/exe"))),
        ("libraries", _libraries),  # before `state`, which may load ctypes
        ("mounts", _mounts),
        ("modules", _modules),
        ("children", _children),
        ("standard", lambda observer: [_text(observer.os.path.dirname(observer.os.__file__))]),
        ("state", _state),
    ):
        try:
            facts[name] = read(observer)
        except Exception as error:
            facts[name] = None
            facts.setdefault("failed", []).append([name, type(error).__name__])
    return facts


def _started(observer):
    """Start of the process in ticks since boot, proc(5) stat, field 22."""
    return int(observer.content("/proc/self/stat").rpartition(b")")[2].split()[19])


def _libraries(observer):
    """File-backed executable mappings: path, device, inode, whether the name is gone, GNU build id."""
    seen = {}
    for line in observer.content("/proc/self/maps").split(b"\n"):
        fields = line.split(None, 5)
        if len(fields) < 6 or b"x" not in fields[1] or not fields[5].startswith(b"/"):
            continue
        path, gone = fields[5], False
        if path.endswith(b" (deleted)"):
            path, gone = path[:-10], True
        if path not in seen and not path.startswith((b"/memfd:", b"/SYSV", b"/dev/zero", b"/[")):
            seen[path] = (fields[3], fields[4], gone)
    found = []
    for path in sorted(seen)[:_MOST_LIBRARIES]:
        device, inode, gone = seen[path]
        build = ""
        if not gone:
            try:
                build = _build_id(observer, path)
            except Exception:
                pass
        found.append([_text(path), _text(device), int(inode), gone, build])
    return found


def _build_id(observer, path):
    """NT_GNU_BUILD_ID of a little-endian ELF file, '' when it has none (elf(5))."""
    os = observer.os
    descriptor = observer.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        head = os.pread(descriptor, 64, 0)
        if head[:4] != b"\x7fELF" or head[5:6] != b"\x01":
            return ""
        wide = head[4:5] == b"\x02"

        def number(data, at, size):
            return int.from_bytes(data[at : at + size], "little")

        table, size, count = (
            (number(head, 32, 8), number(head, 54, 2), number(head, 56, 2))
            if wide
            else (number(head, 28, 4), number(head, 42, 2), number(head, 44, 2))
        )
        headers = os.pread(descriptor, size * min(count, 128), table)
        for at in range(0, len(headers), size or 1):
            if number(headers, at, 4) != 4:  # PT_NOTE
                continue
            offset, length = (
                (number(headers, at + 8, 8), number(headers, at + 32, 8))
                if wide
                else (number(headers, at + 4, 4), number(headers, at + 16, 4))
            )
            notes = os.pread(descriptor, min(length, 65536), offset)
            place = 0
            while place + 12 <= len(notes):
                names, size_of, kind = (number(notes, place + step, 4) for step in (0, 4, 8))
                body = place + 12 + (names + 3) // 4 * 4
                if kind == 3 and notes[place + 12 : place + 12 + names] == b"GNU\x00":
                    return notes[body : body + min(size_of, 64)].hex()
                place = body + (size_of + 3) // 4 * 4
        return ""
    finally:
        observer.close(descriptor)


def _mounts(observer):
    """Mount points, so that a library from outside the image can be told (proc(5), mountinfo)."""
    points = set()
    for line in observer.content("/proc/self/mountinfo").split(b"\n"):
        fields = line.split(b" ")
        if len(fields) > 4:
            points.add(_text(fields[4]))
    return sorted(points)[:4096]


def _children(observer):
    """Whether it had children: they may have loaded something too."""
    try:
        for task in observer.listdir("/proc/self/task"):
            if observer.content("/proc/self/task/%s/children" % task).strip():
                return True
    except Exception:
        pass
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0


def _modules(observer):
    """Top-level modules and the members of namespace packages: name, file, whether it is a namespace."""
    members = {}
    for name, module in list(observer.sys.modules.items()):
        try:
            # Not getattr: a lazy module would be loaded by it.
            names = object.__getattribute__(module, "__dict__")
            if type(name) is str and type(names) is dict:
                members[name] = names
        except Exception:
            pass
    found = []
    for name in sorted(members):
        if len(found) >= _MOST_MODULES:
            break
        parent = name.rpartition(".")[0]
        if parent and not (parent in members and _place(members[parent])[1]):
            continue
        path, spread = _place(members[name])
        if path and name not in ("__main__", "__mp_main__"):
            found.append([_text(name), _text(path), spread])
    return found


def _place(names):
    """Where a module came from, and whether it is a namespace package."""
    path = names.get("__file__")
    if type(path) is str and path:
        return path, False
    spec = names.get("__spec__")
    origin = getattr(spec, "origin", None)
    if type(origin) is str and origin.startswith("/"):
        return origin, False
    try:
        for place in names["__path__"]:
            return place, True
    except Exception:
        pass
    return "", False


def _state(observer):
    """Settings that bear on determinism, of modules that are there anyway; nothing is imported for them."""
    found = []
    modules = dict(observer.sys.modules)

    def note(name, read):
        try:
            value = read()
            if value is not None:
                found.append([name, _text(value if type(value) is str else str(value))[:_LONGEST]])
        except Exception:
            pass

    flags = observer.sys.flags
    for name in ("hash_randomization", "optimize", "dev_mode", "utf8_mode", "no_user_site", "safe_path"):
        if hasattr(flags, name):
            note("sys.flags." + name, lambda: int(getattr(flags, name)))
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for read in (_torch, _numpy, _tensorflow, _jax):
            try:
                read(modules, note)
            except Exception:
                pass
    try:
        _threads(observer, note)
    except Exception:
        pass
    return sorted(found)


def _torch(modules, note):
    torch = modules.get("torch")
    if torch is None:
        return
    note("torch.version", lambda: torch.__version__)
    note("torch.version.cuda", lambda: torch.version.cuda)
    note("torch.version.hip", lambda: torch.version.hip)
    for name in (
        "are_deterministic_algorithms_enabled",
        "is_deterministic_algorithms_warn_only_enabled",
        "get_float32_matmul_precision",
        "get_default_dtype",
        "get_num_threads",
        "get_num_interop_threads",
        "initial_seed",
    ):
        note("torch." + name, lambda: getattr(torch, name)())
    filling = modules.get("torch.utils.deterministic")
    note("torch.utils.deterministic.fill_uninitialized_memory", lambda: filling.fill_uninitialized_memory)
    for place, names in (
        ("torch.backends.cudnn", ("enabled", "benchmark", "deterministic", "allow_tf32")),
        ("torch.backends.mkldnn", ("enabled", "deterministic", "allow_tf32")),
        ("torch.backends.opt_einsum", ("enabled", "strategy")),
    ):
        module = modules.get(place)
        for name in names:
            note(place + "." + name, lambda: getattr(module, name))
    cuda = modules.get("torch.backends.cuda")
    for name in (
        "allow_tf32",
        "allow_fp16_reduced_precision_reduction",
        "allow_bf16_reduced_precision_reduction",
    ):
        note("torch.backends.cuda.matmul." + name, lambda: getattr(cuda.matmul, name))
    note("torch.backends.cpu.get_cpu_capability", lambda: modules["torch.backends.cpu"].get_cpu_capability())
    started = [False]
    note("torch.cuda.is_initialized", lambda: started.__setitem__(0, torch.cuda.is_initialized()) or started[0])
    if started[0]:  # otherwise the question itself could load the libraries
        note("torch.backends.cudnn.version", lambda: modules["torch.backends.cudnn"].version())
    note("torch.__config__", lambda: _config(modules["torch.__config__"].show()))


def _config(text):
    """Of torch's build: what it multiplies with and the instruction set in use."""
    wanted = ("mkl", "oneapi", "onednn", "openmp", "lapack", "nnpack", "cpu capability", "cuda", "cudnn", "magma")
    lines = []
    for line in text.split("\n"):
        line = line.strip().lstrip("- ")
        if line.startswith("Build settings"):
            lines.extend(part.strip() for part in line.split(",") if "BLAS_INFO=" in part or "LAPACK_INFO=" in part)
        elif line.lower().startswith(wanted) or any(word in line.lower() for word in ("math kernel", "mkl-dnn")):
            lines.append(line)
    return "; ".join(lines)


def _numpy(modules, note):
    numpy = modules.get("numpy")
    if numpy is None:
        return
    note("numpy.version", lambda: numpy.__version__)
    core = modules.get("numpy._core._multiarray_umath") or modules.get("numpy.core._multiarray_umath")
    features = getattr(core, "__cpu_features__", {})
    note("numpy.cpu_features", lambda: " ".join(sorted(name for name in features if features[name])))
    config = getattr(modules.get("numpy.__config__"), "CONFIG", None)
    if config is not None:
        blas = config["Build Dependencies"]["blas"]
        note("numpy.blas", lambda: "%s %s" % (blas["name"], blas["version"]))


def _tensorflow(modules, note):
    tensorflow = modules.get("tensorflow")
    if tensorflow is None:
        return
    note("tensorflow.version", lambda: tensorflow.__version__)
    for name, place in (
        ("tensorflow.op_determinism", "tensorflow.python.util._pywrap_determinism"),
        ("tensorflow.tensor_float_32_execution", "tensorflow.python.util._pywrap_tensor_float_32_execution"),
    ):
        note(name, lambda: modules[place].is_enabled())


def _jax(modules, note):
    jax = modules.get("jax")
    if jax is None:
        return
    note("jax.version", lambda: jax.__version__)
    for name in (
        "jax_enable_x64",
        "jax_default_matmul_precision",
        "jax_default_prng_impl",
        "jax_threefry_partitionable",
        "jax_disable_jit",
        "jax_cpu_enable_async_dispatch",
        "jax_exclude_module_from_deterministic_ops",
    ):
        note("jax.config." + name, lambda: getattr(jax.config, name))


def _threads(observer, note):
    """Ask the BLAS and OpenMP libraries that are mapped; RTLD_NOLOAD gives a handle to nothing else."""
    os = observer.os
    found = []
    for line in observer.content("/proc/self/maps").split(b"\n"):
        fields = line.split(None, 5)
        if len(fields) == 6 and b"x" in fields[1] and fields[5].startswith(b"/") and b".so" in fields[5]:
            name = fields[5].rpartition(b"/")[2]
            kinds = (b"openblas", b"libgomp", b"libiomp", b"libomp", b"libmkl_rt", b"libblis", b"libblas", b"libcblas")
            if any(kind in name for kind in kinds) and fields[5] not in found:
                found.append(fields[5])
    if not found:
        return
    import ctypes

    for path in sorted(found):
        library = ctypes.CDLL(os.fsdecode(path), mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        name = _text(path.rpartition(b"/")[2])

        def ask(symbol, kind):
            function = getattr(library, symbol)
            function.argtypes = ()
            function.restype = kind
            value = function()
            return value.decode("ascii", "replace").strip() if type(value) is bytes else value

        def first(symbols, kind):
            for symbol in symbols:
                if hasattr(library, symbol):
                    return ask(symbol, kind)
            return None

        def variants(stem):
            return [before + stem + after for before in ("", "scipy_") for after in ("", "64_", "_64", "_64_")]

        if "openblas" in name or "blas" in name and "blis" not in name:
            note(name + ":config", lambda: first(variants("openblas_get_config"), ctypes.c_char_p))
            note(name + ":corename", lambda: first(variants("openblas_get_corename"), ctypes.c_char_p))
            note(name + ":threads", lambda: first(variants("openblas_get_num_threads"), ctypes.c_int))
        elif "mkl_rt" in name:
            note(name + ":threads", lambda: first(["MKL_Get_Max_Threads"], ctypes.c_int))
            note(name + ":version", lambda: _mkl_version(ctypes, library))
        elif "blis" in name:
            note(name + ":version", lambda: first(["bli_info_get_version_str"], ctypes.c_char_p))
            note(name + ":arch", lambda: first(["bli_arch_query_id"], ctypes.c_int))
            note(name + ":threads", lambda: first(["bli_thread_get_num_threads"], ctypes.c_int))
        else:
            note(name + ":threads", lambda: first(["omp_get_max_threads"], ctypes.c_int))


def _mkl_version(ctypes, library):
    text = ctypes.create_string_buffer(200)
    library.mkl_get_version_string(text, 200)
    return text.value.decode("ascii", "replace").strip()


def _text(value):
    """Text that JSON can hold; undecodable bytes become \\xNN, and a backslash doubles then."""
    if type(value) is not bytes:
        try:
            value = value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            value = value.encode("utf-8", "backslashreplace")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _json(value):
    """Write JSON without the json module: importing it now would show in what is reported."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is int:
        return str(value)
    if type(value) is str:
        pieces = []
        for letter in value:
            code = ord(letter)
            if letter in '"\\':
                pieces.append("\\" + letter)
            elif 32 <= code < 127:
                pieces.append(letter)
            elif code < 0x10000:
                pieces.append("\\u%04x" % code)
            else:
                code -= 0x10000
                pieces.append("\\u%04x\\u%04x" % (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF)))
        return '"' + "".join(pieces) + '"'
    if type(value) is dict:
        return "{" + ",".join(_json(key) + ":" + _json(value[key]) for key in sorted(value)) + "}"
    return "[" + ",".join(_json(item) for item in value) + "]"


_main()
# The real one takes this module's place; when there is none, its ImportError is what Python expects to see.
# The reference keeps Python 2 from emptying this module while it still runs.
_self = sys.modules.pop(__name__, None)
import sitecustomize
