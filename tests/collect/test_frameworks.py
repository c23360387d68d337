"""How frameworks were built, from files as their real wheels carry them."""

from __future__ import annotations

import pytest

from reprocheck.collect import observe, wanted
from reprocheck.limits import DEFAULT
from reprocheck.model.package import Framework
from tests.collect.fakeview import Content, FakeView, metadata

SITE = "/usr/lib/python3.11/site-packages"

TORCH = """from typing import Optional

__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip', 'rocm', 'xpu']
__version__ = '2.13.0+cu130'
debug = False
cuda: Optional[str] = '13.0'
git_version = 'cf30153c4c131c8164ee7798e5022d810682e2cb'
hip: Optional[str] = None
"""
ROCM = "__version__ = '2.4.1+rocm6.1'\ndebug = True\ncuda = None\ngit_version = 'ee1b'\nhip = '6.1.40091'\n"
TENSORFLOW = (
    "import collections\n\nbuild_info = collections.OrderedDict([('cpu_compiler', '/usr/bin/clang'), "
    "('cuda_compute_capabilities', ['sm_60', 'sm_70']), ('cuda_version', '12.5.1'), ('cudnn_version', '9'), "
    "('is_cuda_build', True), ('is_rocm_build', False), ('is_tensorrt_build', True)])\n"
)
TENSORFLOW_CPU = (
    "build_info = collections.OrderedDict([('is_cuda_build', False), ('is_rocm_build', False), "
    "('is_tensorrt_build', False)])\n"
)
JAX = """_version = "0.10.2"
# The following line is overwritten by build scripts in distributions &
_release_version: str = '0.10.2'
_git_hash: str = '990e6a0b84138346e6a38785412f36356e0e5dc3'

def _get_version_string() -> str:
  __version__ = 'nonsense'
__version__ = _get_version_string()
"""
PADDLE = """full_version     = '3.3.1'
major            = '3'
cuda_version     = '12.6'
cudnn_version    = '9.5.1'
hip_version      = None
commit           = '7688495538f4d6c1893f084dd238a402e8f68ab6'
"""
HASH = "990e6a0b84138346e6a38785412f36356e0e5dc3"


def framework(name: str, version: str, source: str, **more: object) -> Framework:
    return Framework(name=name, version=version, location=SITE, source=source, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"torch/version.py": TORCH},
            framework(
                "torch", "2.13.0+cu130", "torch/version.py", cuda="13.0",
                git="cf30153c4c131c8164ee7798e5022d810682e2cb",
            ),
        ),
        (
            {"torch/version.py": ROCM},
            framework("torch", "2.4.1+rocm6.1", "torch/version.py", hip="6.1.40091", git="ee1b", debug=True),
        ),
        (
            {"torch/version.py": "__version__ = '1.12.1+cu113'\r\n"},
            framework("torch", "1.12.1+cu113", "torch/version.py", cuda="11.3"),
        ),
        (
            {
                "tensorflow/python/platform/build_info.py": TENSORFLOW,
                "tensorflow-2.18.0.dist-info/METADATA": metadata("tensorflow", "2.18.0"),
                "tensorflow_io-0.1.dist-info/METADATA": metadata("tensorflow-io", "0.1"),
            },
            framework(
                "tensorflow",
                "2.18.0",
                "tensorflow/python/platform/build_info.py",
                cuda="12.5.1",
                cudnn="9",
                architectures=("sm_60", "sm_70"),
            ),
        ),
        (
            {
                "tensorflow/python/platform/build_info.py": TENSORFLOW_CPU,
                "tensorflow_cpu-2.18.0.dist-info/METADATA": metadata("tensorflow_cpu", "2.18.0"),
            },
            framework("tensorflow", "2.18.0", "tensorflow/python/platform/build_info.py"),
        ),
        ({"jax/version.py": JAX}, framework("jax", "0.10.2", "jax/version.py", git=HASH)),
        (
            {"jax_cuda12_plugin/version.py": JAX},
            framework("jax-cuda12-plugin", "0.10.2", "jax_cuda12_plugin/version.py", cuda="12", git=HASH),
        ),
        (
            {"jaxlib/version.py": "__version__ = '0.4.7+cuda12.cudnn88'\n"},
            framework("jaxlib", "0.4.7+cuda12.cudnn88", "jaxlib/version.py", cuda="12", cudnn="8.8"),
        ),
        (
            {
                "onnxruntime/capi/build_and_package_info.py": (
                    "package_name = 'onnxruntime-gpu'\n__version__ = '1.20.1'\ncuda_version = '12.2'\n"
                )
            },
            framework("onnxruntime", "1.20.1", "onnxruntime/capi/build_and_package_info.py", cuda="12.2"),
        ),
        (
            {
                "cupy/_version.py": "from __future__ import annotations\n\n__version__ = '14.2.0'\n",
                "cupy/.data/_wheel.json": '{"cuda": "12.x", "packaging": "pip"}',
            },
            framework("cupy", "14.2.0", "cupy/_version.py", cuda="12.x"),
        ),
        (
            {"paddle/version/__init__.py": PADDLE},
            framework(
                "paddle", "3.3.1", "paddle/version/__init__.py", cuda="12.6", cudnn="9.5.1",
                git="7688495538f4d6c1893f084dd238a402e8f68ab6",
            ),
        ),
        (
            {"paddle/version/__init__.py": PADDLE.replace("12.6", "False").replace("9.5.1", "False")},
            framework(
                "paddle", "3.3.1", "paddle/version/__init__.py",
                git="7688495538f4d6c1893f084dd238a402e8f68ab6",
            ),
        ),
        (
            {"mxnet/libinfo.py": '# current version\n__version__ = "1.9.1"\n'},
            framework("mxnet", "1.9.1", "mxnet/libinfo.py"),
        ),
    ],
)  # fmt: skip
def test_each_framework_s_own_file(files: dict[str, str], expected: Framework) -> None:
    contents: dict[str, Content] = {f"{SITE}/{path}": text for path, text in files.items()}
    observed = observe(FakeView(contents), DEFAULT)
    assert observed.frameworks == (expected,)


def test_pins_are_the_requirements_on_native_packages() -> None:
    requires = (
        "Requires-Dist: filelock",
        'Requires-Dist: nvidia-cudnn-cu12==9.1.0.70; platform_system == "Linux"',
        "Requires-Dist: triton==3.1.0",
        "Requires-Dist: intel-openmp>=2021.1.1",
        "Requires-Dist: numpy; extra == 'x'",
    )
    view = FakeView(
        {
            f"{SITE}/torch/version.py": TORCH,
            f"{SITE}/torch-2.13.0.dist-info/METADATA": metadata("torch", "2.13.0", *requires),
            f"{SITE}/torchvision-0.1.dist-info/METADATA": metadata(
                "torchvision", "0.1", "Requires-Dist: nvidia-x==1"
            ),
        }
    )
    (found,) = observe(view, DEFAULT).frameworks
    assert found.pins == (
        "intel-openmp>=2021.1.1",
        'nvidia-cudnn-cu12==9.1.0.70; platform_system == "Linux"',
        "triton==3.1.0",
    )


def test_the_build_s_word_stands_over_the_local_version() -> None:
    text = TORCH.replace("cuda: Optional[str] = '13.0'", "cuda: Optional[str] = '12.9'")
    (found,) = observe(FakeView({f"{SITE}/torch/version.py": text}), DEFAULT).frameworks
    assert (found.version, found.cuda) == ("2.13.0+cu130", "12.9")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"__version__ = compute()\n"])
def test_a_file_that_tells_no_version_is_an_unknown(content: bytes) -> None:
    observed = observe(FakeView({f"{SITE}/torch/version.py": content}), DEFAULT)
    assert observed.frameworks == ()
    assert [item.where for item in observed.unknowns] == [f"{SITE}/torch/version.py"]


@pytest.mark.parametrize(
    "path", [f"{SITE}/pip/_vendor/torch/version.py", f"{SITE}/torch/utils/version.py", "/torch/version.pyc"]
)
def test_other_files_are_no_frameworks(path: str) -> None:
    assert observe(FakeView({path: TORCH}), DEFAULT).frameworks == ()


def test_a_long_line_takes_no_longer_than_it_is() -> None:
    text = "a" * 300_000 + "\n" + "cuda " * 60_000 + "\n" + "x:" * 100_000 + "\n__version__ = '1'\n"
    (found,) = observe(FakeView({f"{SITE}/torch/version.py": text}), DEFAULT).frameworks
    assert found.version == "1"


def test_the_files_are_kept_of_a_stream() -> None:
    assert wanted(f"{SITE}/torch/version.py")
    assert wanted(f"{SITE}/jax_cuda13_plugin/version.py")
    assert not wanted(f"{SITE}/some_plugin/version.py")
