# Part of the hook, after facts.py: settings that bear on determinism.

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
