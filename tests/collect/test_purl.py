"""Package URLs: what is put together here is what the library would give."""

from __future__ import annotations

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL

from reprocheck.collect.purl import distribution_url, package_url
from reprocheck.model.image import OperatingSystem
from reprocheck.model.package import PackageType

TEXT = st.text("abzAZ019.-_~:+^%@/é ", max_size=6)
NAME = st.text("abzAZ019.-_~+^@é", min_size=1, max_size=6)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(get_args(PackageType)), NAME, TEXT, st.sampled_from(["", "debian", "a_b"]), TEXT, TEXT)
def test_a_plain_url_is_the_one_of_the_library(
    type_: PackageType, name: str, version: str, namespace: str, one: str, other: str
) -> None:
    qualifiers = (("epoch", one), ("arch", other))
    url = package_url(type_, name, version, namespace=namespace, qualifiers=qualifiers)
    assert url == str(
        PackageURL(
            type=type_,
            namespace=namespace or None,
            name=name,
            version=version or None,
            qualifiers={key: value for key, value in qualifiers if value} or None,
        )
    )


def test_the_name_of_the_distribution_becomes_part_of_the_url() -> None:
    system = OperatingSystem(id="rocky", version_id="9.4", name="Rocky Linux", codename="")
    url = distribution_url("rpm", "bash", "5.1-9.el9", "x86_64", system, more=(("epoch", "0"),))
    assert url == "pkg:rpm/rocky/bash@5.1-9.el9?arch=x86_64&distro=rocky-9.4&epoch=0"
    assert distribution_url("rpm", "bash", "5.1", "", None) == "pkg:rpm/bash@5.1"
    assert distribution_url("deb", "g++", "1", "", None) == "pkg:deb/debian/g%2B%2B@1"
