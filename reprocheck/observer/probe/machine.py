# Part of the probe, after libraries.py: pseudo-files of the kernel, and what nvidia-smi says.

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
