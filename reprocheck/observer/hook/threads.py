# Part of the hook, after settings.py: what the BLAS and OpenMP libraries say.

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
