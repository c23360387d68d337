"""conda-meta records, and the component that conda and pip both describe."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import conda, observe
from reprocheck.collect.conda import channel_name, channel_of_url
from reprocheck.limits import DEFAULT
from tests.collect.fakeview import FakeView, metadata

PYTHON = {
    "name": "python",
    "version": "3.11.5",
    "build": "h955ad1f_0",
    "channel": "https://repo.anaconda.com/pkgs/main/linux-64",
    "subdir": "linux-64",
    "files": ["bin/python3.11", "lib/libgomp.so.1.0.0"],
}
NUMPY = {
    "name": "numpy",
    "version": "1.26.4",
    "build": "py311h08b1b3b_0",
    "channel": "https://user:pass@conda.anaconda.org/t/tk-secret/conda-forge/linux-64",
    "subdir": "linux-64",
    "sha256": "0" * 64,
    "md5": "1" * 32,
    "depends": ["python >=3.11,<3.12.0a0"],
    "files": [
        "lib/python3.11/site-packages/numpy/__init__.py",
        "lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA",
        "lib/python3.11/site-packages/numpy-1.26.4.dist-info/RECORD",
    ],
}
SITE = "/opt/conda/lib/python3.11/site-packages"


def prefix(**more: str) -> FakeView:
    return FakeView(
        {
            "/opt/conda/conda-meta/history": "",
            "/opt/conda/conda-meta/python-3.11.5-h955ad1f_0.json": json.dumps(PYTHON),
            "/opt/conda/conda-meta/numpy-1.26.4-py311h08b1b3b_0.json": json.dumps(NUMPY),
            "/opt/conda/bin/python3.11": b"\x7fELF",
            f"{SITE}/numpy-1.26.4.dist-info/METADATA": metadata("numpy", "1.26.4"),
            f"{SITE}/six-1.16.0.dist-info/METADATA": metadata("six", "1.16.0"),
            **more,
        }
    )


def test_a_conda_package_and_its_distribution_are_one_component() -> None:
    observed = observe(prefix(), DEFAULT)
    assert [(item.type, item.name) for item in observed.packages] == [
        ("conda", "numpy"),
        ("conda", "python"),
        ("pypi", "six"),
    ]
    numpy = observed.packages[0]
    assert numpy.purl == "pkg:conda/numpy@1.26.4?build=py311h08b1b3b_0&channel=conda-forge&subdir=linux-64"
    assert numpy.conda is not None
    assert numpy.python is not None
    assert (numpy.conda.prefix, numpy.conda.pip_name) == ("/opt/conda", "numpy")
    assert (numpy.python.environment, numpy.python.location) == ("/opt/conda/bin/python3.11", SITE)


def test_the_conda_package_tells_the_version_of_its_interpreter() -> None:
    (python,) = observe(prefix(), DEFAULT).pythons
    assert (python.kind, python.version, python.prefix) == ("conda", "3.11.5", "/opt/conda")


def test_one_package_in_two_prefixes_stays_two() -> None:
    env = "/opt/conda/envs/x"
    view = prefix(
        **{
            f"{env}/conda-meta/numpy-1.26.4-py311h08b1b3b_0.json": json.dumps(NUMPY),
            f"{env}/bin/python3.11": "",
            f"{env}/lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA": metadata(
                "numpy", "1.26.4"
            ),
        }
    )
    found = [item for item in observe(view, DEFAULT).packages if item.name == "numpy"]
    places = [(item.conda.prefix, item.python.environment) for item in found if item.conda and item.python]
    assert places == [("/opt/conda", "/opt/conda/bin/python3.11"), (env, f"{env}/bin/python3.11")]
    assert len(found) == 2


def test_pip_over_conda_leaves_both_records_and_their_common_name() -> None:
    view = prefix(**{f"{SITE}/numpy-2.0.0.dist-info/METADATA": metadata("numpy", "2.0.0")})
    files = {path: raw for path, raw in view.files.items() if "numpy-1.26.4.dist-info" not in path}
    found = [item for item in observe(FakeView(files), DEFAULT).packages if item.name == "numpy"]
    assert [(item.type, item.version) for item in found] == [("conda", "1.26.4"), ("pypi", "2.0.0")]
    assert found[0].conda is not None
    assert found[0].conda.pip_name == "numpy"
    assert found[0].python is None


def test_the_package_cache_is_not_installed() -> None:
    cache = "/opt/conda/pkgs/numpy-1.26.4-py311h08b1b3b_0"
    view = prefix(
        **{
            f"{cache}/info/index.json": "{}",
            f"{cache}/bin/python3.11": "",
            f"{cache}/lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA": metadata("numpy", "1"),
        }
    )
    assert observe(view, DEFAULT) == observe(prefix(), DEFAULT)


def test_a_venv_on_a_conda_prefix_sees_its_packages_without_owning_them() -> None:
    view = prefix(
        **{
            "/v/pyvenv.cfg": "home = /opt/conda/bin\ninclude-system-site-packages = true\nversion = 3.11.5\n",
            "/v/bin/python3.11": "",
        }
    )
    found = [item for item in observe(view, DEFAULT).packages if item.name == "numpy"]
    assert [(item.type, item.python.environment) for item in found if item.python] == [
        ("conda", "/opt/conda/bin/python3.11"),
        ("pypi", "/v/bin/python3.11"),
    ]
    assert found[1].owner == found[0].purl


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("https://conda.anaconda.org/conda-forge/linux-64", "conda-forge"),
        ("https://repo.anaconda.com/pkgs/main/linux-64", "pkgs/main"),
        ("https://a:b@conda.anaconda.org/t/secret/bioconda/linux-64?x=1", "bioconda"),
        ("pytorch", "pytorch"),
        ("conda-forge/linux-64", "conda-forge"),
        ("", ""),
        ("https://[", ""),
    ],
)
def test_a_channel_is_named_without_host_and_secrets(channel: str, name: str) -> None:
    assert channel_name(channel, "linux-64") == name


@pytest.mark.parametrize(
    "raw", ["", "[]", "{", '{"name": "x"}', '{"name": 1, "version": 2}', '{"a":1,"a":2}']
)
def test_a_bad_record_is_an_unknown_and_costs_no_other(raw: str) -> None:
    observed = observe(prefix(**{"/opt/conda/conda-meta/bad-1-0.json": raw}), DEFAULT)
    assert [item.where for item in observed.unknowns] == ["/opt/conda/conda-meta/bad-1-0.json"]
    assert len(observed.packages) == 3


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_survived(raw: bytes) -> None:
    observed = conda.collect(FakeView({"/p/conda-meta/x-1-0.json": raw}), DEFAULT)
    assert len(observed.packages) + len(observed.unknowns) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://conda.anaconda.org/conda-forge/linux-64/numpy-1.26.4-py311_0.conda", "conda-forge"),
        (
            "https://user:pass@host/t/tk-secret/pkgs/main/linux-64/numpy-1.26.4-py311_0.tar.bz2#md5",
            "pkgs/main",
        ),
        ("file:///home/me/conda-bld/linux-64/numpy-1.26.4-py311_0.conda", ""),
        ("", ""),
        ("https://[", ""),
    ],
)
def test_a_package_given_by_its_url_tells_its_channel(url: str, name: str) -> None:
    """conda writes `<unknown>` for the channel then."""
    assert channel_of_url(url, "linux-64") == name
    record = {**NUMPY, "channel": "<unknown>", "url": url}
    view = FakeView({"/opt/conda/conda-meta/numpy-1.26.4-py311_0.json": json.dumps(record)})
    (package,) = conda.collect(view, DEFAULT).packages
    assert package.conda is not None
    assert package.conda.channel == name
