# Last part of the probe: environment, places to look at, and the document.

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
