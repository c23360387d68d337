"""Lists and SBOMs of other tools: which packages they tell, and what they say they cover."""

from __future__ import annotations

import json

import pytest

from reprocheck.errors import InputFault
from reprocheck.foreign import read_foreign
from reprocheck.model.image import Coverage
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Conda, DirectUrl, Package
from tests.foreign.samples import EXPLICIT, PYLOCK, UV, A, B, C


def read(document: str | object, where: str = "other") -> Manifest:
    text = document if isinstance(document, str) else json.dumps(document)
    manifest = read_foreign(text.encode(), where=where)
    assert manifest is not None
    return manifest


def covers(manifest: Manifest) -> Coverage:
    assert manifest.source.kind == "document"
    assert manifest.source.covers is not None
    return manifest.source.covers


def names(manifest: Manifest) -> dict[str, str]:
    return {f"{package.type}:{package.name}": package.version for package in manifest.packages}


def origin(manifest: Manifest, name: str) -> DirectUrl | None:
    (package,) = (package for package in manifest.packages if package.name == name)
    assert package.python is not None
    return package.python.direct_url


def test_pip_freeze_tells_versions_or_places() -> None:
    commit = "0123456789" * 4
    manifest = read(
        "numpy==2.0.0\n"
        f"from-git @ git+https://user:secret@e.org/x.git@{commit}\n"
        f"from-file @ file:///tmp/from_file-1.0-py3-none-any.whl#sha256={A}\n"
        "# Editable install with no version control (mine==0.1)\n"
        "-e /home/somebody/mine\n"
        f"-e git+https://e.org/other.git@{commit}#egg=other\n"
        "## !! Could not determine repository location\n"
    )
    assert names(manifest) == {
        "pypi:from-file": "",
        "pypi:from-git": "",
        "pypi:mine": "0.1",
        "pypi:numpy": "2.0.0",
        "pypi:other": "",
    }
    assert origin(manifest, "from-git") == DirectUrl(url="https://e.org/x.git", vcs="git", commit=commit)
    assert origin(manifest, "from-file") == DirectUrl(
        url="file:///tmp/from_file-1.0-py3-none-any.whl", archive_sha256=A
    )
    assert origin(manifest, "mine") == DirectUrl(url="", editable=True)
    assert covers(manifest).omits == ("distribute", "pip", "setuptools", "wheel")
    assert "secret" not in repr(manifest)


def test_a_lock_is_no_side_of_a_diff_and_the_hint_says_where_it_goes() -> None:
    for text, name in ((UV, "uv.lock"), (PYLOCK, "pylock.toml"), ("numpy>=1\n", "requirements.txt")):
        with pytest.raises(InputFault) as caught:
            read_foreign(text.encode(), where=name)
        assert caught.value.code == "E_LOCK_AS_SIDE"
        assert "--lock" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n# only a comment\n",
        "Dear reader, this is prose.\n",
        "{}",
        "[]",
        '{"artifacts": []}',
        "[1, 2]",
        '{"schema_version":"1.1","packages":[]}',
        '{\n  "schema_version": "1.1"}',
    ],
)
def test_what_no_other_tool_wrote_is_none(text: str) -> None:
    assert read_foreign(text.encode(), where="x") is None


def test_pip_list_and_conda_list_as_json_are_told_apart() -> None:
    assert names(read([{"name": "numpy", "version": "1.0"}])) == {"pypi:numpy": "1.0"}
    manifest = read(
        [
            {
                "base_url": "https://conda.anaconda.org/conda-forge",
                "build_number": 0,
                "build_string": "py311_0",
                "channel": "conda-forge",
                "dist_name": "numpy-1.0-py311_0",
                "name": "numpy",
                "platform": "linux-64",
                "version": "1.0",
            },
            {"build_string": "pypi_0", "channel": "pypi", "name": "wheel-only", "version": "2"},
        ]
    )
    assert names(manifest) == {"conda:numpy": "1.0", "pypi:wheel-only": "2"}
    assert manifest.packages[0].conda == Conda(
        prefix="", build="py311_0", channel="conda-forge", subdir="linux-64"
    )
    assert covers(manifest).types == ("conda", "pypi")


def test_an_explicit_list_tells_build_channel_and_hash() -> None:
    manifest = read(EXPLICIT)
    assert names(manifest) == {
        "conda:python": "3.11.10",
        "conda:thing-with-dash": "1.0",
        "conda:tzdata": "2024b",
    }
    conda = {package.name: package.conda for package in manifest.packages}
    assert conda["tzdata"] == Conda(
        prefix="", build="h04d1e81_0", channel="pkgs/main", subdir="noarch", md5="1" * 32
    )
    assert conda["thing-with-dash"] == Conda(
        prefix="", build="0", channel="private", subdir="linux-64", sha256=C
    )
    bare = EXPLICIT.split("#")[0] + "@EXPLICIT\nhttps://e.org/c/linux-64/x-1-0.conda\n"
    assert names(read(bare)) == {"conda:x": "1"}


def test_pip_inspect_tells_places_and_the_interpreter() -> None:
    manifest = read(
        {
            "version": "1",
            "pip_version": "24.0",
            "installed": [
                {
                    "metadata": {"name": "A.b", "version": "1.0", "requires_dist": ["c>=1"]},
                    "metadata_location": "/usr/lib/python3/dist-packages/A.b-1.0.dist-info",
                    "direct_url": {
                        "url": "https://u:secret@e.org/a.zip",
                        "archive_info": {"hash": f"sha256={B}"},
                    },
                },
                {"metadata": {"name": "", "version": "1.0"}},
                "no object",
            ],
            "environment": {"python_full_version": "3.11.2", "implementation_name": "cpython"},
        }
    )
    (package,) = manifest.packages
    assert package.python is not None
    assert package.python.location == "/usr/lib/python3/dist-packages"
    assert package.python.direct_url == DirectUrl(url="https://e.org/a.zip", archive_sha256=B)
    assert [python.version for python in manifest.pythons] == ["3.11.2"]
    assert [unknown.where for unknown in manifest.unknowns] == ["other installed[1]", "other installed[2]"]


def component(purl: str, name: str = "", version: str = "", **more: object) -> dict[str, object]:
    return {"type": "library", "purl": purl, "name": name, "version": version, **more}


def cyclonedx(*components: object, **more: object) -> dict[str, object]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(components), **more}


def test_cyclonedx_goes_by_package_urls() -> None:
    manifest = read(
        cyclonedx(
            component("pkg:deb/debian/libc6@2.36-9%2Bdeb12u7?arch=amd64&distro=debian-12", "libc6"),
            component("pkg:rpm/fedora/bash@5.2-1?arch=x86_64&epoch=1", "bash", "5.2-1"),
            component("pkg:pypi/Foo.Bar@1.0", "Foo.Bar", "1.0"),
            component("pkg:conda/numpy@1.0?build=py_0&channel=conda-forge&subdir=linux-64", "numpy"),
            component("pkg:npm/left-pad@1.0", "left-pad", "1.0"),
            component("pkg:nonsense", "x"),
            {"type": "file", "name": "/etc/passwd"},
            {"type": "operating-system", "name": "debian", "version": "12"},
            component("pkg:apk/alpine/outer@1?arch=x86_64", components=[component("pkg:pypi/inner@2")]),
        )
    )
    assert names(manifest) == {
        "apk:outer": "1",
        "conda:numpy": "1.0",
        "deb:libc6": "2.36-9+deb12u7",
        "pypi:Foo.Bar": "1.0",
        "pypi:inner": "2",
        "rpm:bash": "1:5.2-1",
    }
    assert manifest.os is not None
    assert (manifest.os.id, manifest.os.version_id) == ("debian", "12")
    assert [unknown.where for unknown in manifest.unknowns] == ["other components[5]"]
    assert manifest.observation.notes == ("1 components of the type npm are not compared",)
    assert covers(manifest).types == ("apk", "conda", "deb", "pypi", "rpm")


def test_an_sbom_of_an_unknown_scanner_covers_the_types_that_are_in_it() -> None:
    some = component("pkg:pypi/a@1", "a", "1")
    assert covers(read(cyclonedx(some))).types == ("pypi",)
    old = {"tools": [{"vendor": "anchore", "name": "syft", "version": "0.90"}]}
    new = {"tools": {"components": [{"name": "trivy", "version": "0.60"}]}}
    for metadata in (old, new):
        assert covers(read(cyclonedx(some, metadata=metadata))).types == ("apk", "deb", "pypi", "rpm")


def test_what_a_file_only_asks_for_is_not_installed() -> None:
    properties = [{"name": "syft:location:0:path", "value": "/app/requirements.txt"}]
    manifest = read(cyclonedx(component("pkg:pypi/a@1", "a", "1", properties=properties)))
    assert manifest.packages == ()
    assert manifest.observation.notes == ("1 components are asked for by a file and not installed",)


def test_spdx_and_syft_tell_places() -> None:
    place = "/usr/lib/python3/dist-packages/numpy-1.0.dist-info/METADATA"
    spdx = {
        "spdxVersion": "SPDX-2.3",
        "creationInfo": {"creators": ["Organization: Anchore, Inc", "Tool: syft-1.18.1"]},
        "packages": [
            {
                "name": "numpy",
                "versionInfo": "1.0",
                "sourceInfo": f"acquired package info from installed python package manifest file: {place}",
                "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/numpy@1.0"}],
            },
            {"name": "image", "versionInfo": "latest", "primaryPackagePurpose": "CONTAINER"},
        ],
    }
    syft = {
        "artifacts": [
            {
                "name": "numpy",
                "version": "1.0",
                "type": "python",
                "purl": "pkg:pypi/numpy@1.0",
                "locations": [
                    {"path": place, "annotations": {"evidence": "primary"}},
                    {"path": "/elsewhere/x.dist-info/RECORD", "annotations": {"evidence": "supporting"}},
                ],
            }
        ],
        "distro": {"id": "debian", "versionID": "12"},
        "descriptor": {"name": "syft", "version": "1.18.1"},
        "schema": {"version": "16", "url": "https://raw.githubusercontent.com/anchore/syft/main/schema"},
    }
    for document in (spdx, syft):
        (package,) = read(document).packages
        assert package.python is not None
        assert package.python.location == "/usr/lib/python3/dist-packages"


@pytest.mark.parametrize(
    "document",
    [
        {"bomFormat": "CycloneDX", "specVersion": "2.0"},
        {"spdxVersion": "SPDX-3.0"},
        {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []},
        {"version": "2", "pip_version": "30", "installed": []},
    ],
)
def test_a_document_of_an_unknown_version_is_refused(document: object) -> None:
    with pytest.raises(InputFault) as caught:
        read(document)
    assert caught.value.code == "E_FOREIGN_VERSION"


COLLECT_ENV = """\
Collecting environment information...
PyTorch version: 2.1.0+cu121
Is debug build: False
CUDA used to build PyTorch: 12.1
ROCM used to build PyTorch: N/A

OS: Debian GNU/Linux 12 (bookworm) (x86_64)
GCC version: Could not collect
Libc version: glibc-2.36

Python version: 3.11.2 (main, May 12 2026, 05:17:27) [GCC 12.2.0] (64-bit runtime)
Python platform: Linux-6.1.0-18-amd64-x86_64-with-glibc2.36
Is CUDA available: True
GPU models and configuration: GPU 0: NVIDIA A100-SXM4-40GB
GPU 1: NVIDIA A100-SXM4-40GB
Nvidia driver version: 535.54.03
cuDNN version: Could not collect

CPU:
Architecture:                            x86_64
Vendor ID:                               GenuineIntel
Model name:                              Intel(R) Xeon(R) Platinum 8481C

Versions of relevant libraries:
[pip3] numpy==1.26.4
[pip3] torch==2.1.0+cu121
[conda] blas                      1.0                         mkl
[conda] numpy                     1.26.4           py311h64a7726_0    conda-forge
[conda] torch                     2.1.0+cu121              pypi_0    pypi
"""


def test_collect_env_tells_torch_its_build_the_machine_and_a_few_packages() -> None:
    manifest = read(COLLECT_ENV)
    assert names(manifest) == {
        "conda:blas": "1.0",
        "conda:numpy": "1.26.4",
        "pypi:numpy": "1.26.4",
        "pypi:torch": "2.1.0+cu121",
    }
    (torch,) = manifest.frameworks
    assert (torch.version, torch.cuda, torch.hip, torch.debug) == ("2.1.0+cu121", "12.1", "", False)
    assert manifest.os is not None
    assert (manifest.os.name, manifest.os.libc) == ("Debian GNU/Linux 12 (bookworm)", "glibc 2.36")
    host = manifest.host
    assert host is not None
    assert host.driver is not None
    assert (host.kernel, host.driver.version) == ("6.1.0-18-amd64", "535.54.03")
    assert host.cpu.model == "Intel(R) Xeon(R) Platinum 8481C"
    assert [gpu.name for gpu in host.gpus] == ["NVIDIA A100-SXM4-40GB"] * 2
    assert covers(manifest).selected
    assert covers(manifest).facts == (
        "frameworks.torch",
        "host.cpu",
        "host.driver",
        "host.gpus",
        "host.kernel",
        "os.libc",
        "os.name",
        "packages.build",
        "pythons.version",
    )


def test_what_collect_env_could_not_collect_is_not_covered() -> None:
    text = COLLECT_ENV.replace("GPU 0: NVIDIA A100-SXM4-40GB\nGPU 1: NVIDIA A100-SXM4-40GB", "No CUDA")
    text = text.replace("535.54.03", "No CUDA").replace("[conda] blas", "[conda] Could not collect\n#")
    manifest = read(text)
    assert "conda:Could" not in names(manifest)
    assert not {"host.gpus", "host.driver"} & set(covers(manifest).facts)
    assert manifest.host is not None
    assert manifest.host.gpus == ()


def test_equal_packages_do_not_depend_on_the_order_of_a_document() -> None:
    one, two = component("pkg:pypi/a@1", "a", "1"), component("pkg:pypi/b@1", "b", "1")
    assert read(cyclonedx(one, two)) == read(cyclonedx(two, one))
    assert read("a==1\nb==2\n") == read("b==2\na==1\n")


def test_an_entry_with_an_impossible_name_is_unknown_and_the_rest_is_kept() -> None:
    manifest = read([{"name": "a", "version": "1"}, {"name": "../x", "version": "1"}, {"name": "b"}])
    assert [package.name for package in manifest.packages] == ["a"]
    assert len(manifest.unknowns) == 2
    assert all(isinstance(package, Package) for package in manifest.packages)


@pytest.mark.parametrize(
    ("text", "odd", "found"),
    [
        (
            "WARNING: pip is out of date\nnumpy==1.26\nx==2\n",
            "other:1",
            {"pypi:numpy": "1.26", "pypi:x": "2"},
        ),
        ("numpy==1.26\nfoo==\nx==2\n", "other:2", {"pypi:numpy": "1.26", "pypi:x": "2"}),
        ("-e /x\nnumpy==1.26\n", "other:1", {"pypi:numpy": "1.26"}),
        ("num\u0440y==1.26\nnumpy==1.26\n", "other:1", {"pypi:numpy": "1.26"}),
    ],
)
def test_an_odd_line_of_a_freeze_list_is_an_unknown_and_the_rest_goes_on(
    text: str, odd: str, found: dict[str, str]
) -> None:
    manifest = read(text)
    assert names(manifest) == found
    assert [unknown.where for unknown in manifest.unknowns] == [odd]


@pytest.mark.parametrize("line", ["foo>=1", "-r base.txt", "bar", "x==1 ; python_version > '3'"])
def test_a_list_of_requirements_is_no_freeze_list(line: str) -> None:
    with pytest.raises(InputFault) as caught:
        read_foreign(f"numpy==1.26\n{line}\n".encode(), where="requirements.txt")
    assert caught.value.code == "E_LOCK_AS_SIDE"


def test_text_of_which_most_is_odd_is_no_freeze_list() -> None:
    assert read_foreign(b"Hello you\nand you\nnumpy==1.26\n", where="other") is None


@pytest.mark.parametrize(
    "text",
    [
        "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n",
        '<?xml version="1.0"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.6">',
        "Package Version\n------- -------\nnumpy   1.26\n",
    ],
)
def test_a_known_document_in_another_notation_says_what_to_write(text: str) -> None:
    with pytest.raises(InputFault) as caught:
        read_foreign(text.encode(), where="other")
    assert caught.value.code == "E_FOREIGN"
    assert "json" in (caught.value.hint or "").lower()


def test_an_odd_first_entry_of_a_pip_list_does_not_hide_the_others() -> None:
    manifest = read([{"name": ""}, {"name": "numpy", "version": "1.26"}])
    assert names(manifest) == {"pypi:numpy": "1.26"}
    assert len(manifest.unknowns) == 1
