# Part of the hook, after process.py: what a report says, but for settings inside the process.

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
