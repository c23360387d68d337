"""Layers are merged as the image specification says, and hostile ones are refused."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.engine.layers import MergedLayers
from reprocheck.engine.tar import Read
from reprocheck.engine.view import View
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.ports import Interest, ViewError, Wants
from tests.engine.stored_images import DIRECTORY, FILE, HARD, LINK, Part, directory, file, tar


def stream(raw: bytes) -> Read:
    return io.BytesIO(raw).read


def merged(
    *layers: tuple[Part, ...],
    limits: Limits = DEFAULT,
    keep: Wants = lambda _path: True,
    digests: bool = False,
) -> View:
    image = MergedLayers(Interest(keep=keep, digests=digests), limits, "the image")
    for number, layer in enumerate(layers, 1):
        image.add(stream(tar(*layer)), f"layer {number}")
    return image.view()


def paths(*layers: tuple[Part, ...]) -> list[str]:
    return sorted(merged(*layers).tree.entries)


def hostile(*layers: tuple[Part, ...]) -> str:
    with pytest.raises(InputFault) as caught:
        merged(*layers)
    assert caught.value.code == "E_TAR_HOSTILE"
    return caught.value.message


BASE = (directory("d"), file("d/a", b"old a"), file("d/b", b"old b"), directory("d/e"), file("d/e/f", b"f"))


def test_directories_merge_and_files_replace() -> None:
    view = merged(BASE, (directory("d"), file("d/b", b"new b"), file("d/c", b"c")))

    assert sorted(view.tree.entries) == ["/", "/d", "/d/a", "/d/b", "/d/c", "/d/e", "/d/e/f"]
    assert view.read("/d/a", 10) == b"old a"
    assert view.read("/d/b", 10) == b"new b"
    assert view.tree.entries["/d/b"].size == 5


def test_directories_that_no_layer_lists_are_there_as_in_an_engine_s_own_view() -> None:
    """Collectors that look for a directory by its name must find it through every source."""
    view = merged((file("hub/refs/main", b"x"),))
    assert {path: entry.kind for path, entry in view.tree.entries.items()} == {
        "/": "directory",
        "/hub": "directory",
        "/hub/refs": "directory",
        "/hub/refs/main": "file",
    }


def test_the_upper_directory_gives_its_mode() -> None:
    upper = MergedLayers(Interest(keep=lambda _: False), DEFAULT, "the image")
    upper.add(stream(tar(directory("d"), file("d/a"))), "layer 1")
    raw = bytearray(tar(directory("d")))
    raw[100:108] = b"0000700\0"
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    upper.add(stream(bytes(raw)), "layer 2")
    entries = upper.view().tree.entries

    assert entries["/d"].mode == 0o700
    assert "/d/a" in entries


def test_whiteouts_remove_files_and_whole_directories_of_lower_layers() -> None:
    assert paths(BASE, (file("d/.wh.a"), file("d/.wh.e"))) == ["/", "/d", "/d/b"]
    assert paths(BASE, (file(".wh.d"),)) == ["/"]
    assert paths(BASE, (file("d/.wh.none"), file("x/.wh.none"))) == [*paths(BASE), "/x"]
    assert paths(BASE, (file("d/.wh.a"),), (file("d/a", b"again"),)) == paths(BASE)


@pytest.mark.parametrize("first", [True, False])
def test_a_whiteout_spares_what_its_own_layer_has_wherever_it_stands(first: bool) -> None:
    mine = (file("d/a", b"mine"), directory("d/e"), file("d/e/g", b"g"))
    marks = (file("d/.wh.a"), file("d/.wh.e"))
    view = merged(BASE, (*marks, *mine) if first else (*mine, *marks))

    assert sorted(view.tree.entries) == ["/", "/d", "/d/a", "/d/b", "/d/e", "/d/e/g"]
    assert view.read("/d/a", 10) == b"mine"
    assert view.read("/d/e/g", 10) == b"g"


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_mark_hides_all_of_lower_layers_and_nothing_of_its_own(first: bool) -> None:
    mine = (directory("d"), directory("d/e"), file("d/e/g", b"g"), file("d/b", b"mine"))
    mark = (file("d/.wh..wh..opq"),)
    view = merged(BASE, (*mark, *mine) if first else (*mine, *mark))

    assert sorted(view.tree.entries) == ["/", "/d", "/d/b", "/d/e", "/d/e/g"]
    assert view.read("/d/b", 10) == b"mine"
    with pytest.raises(FileNotFoundError):
        view.read("/d/e/f", 10)


def test_an_opaque_mark_does_not_reach_the_layer_above_it() -> None:
    assert paths(BASE, (file("d/.wh..wh..opq"),), (file("d/z"),)) == ["/", "/d", "/d/z"]


def test_an_opaque_root_hides_everything_below() -> None:
    assert paths(BASE, (file("new"), file(".wh..wh..opq"))) == ["/", "/new"]


def test_marks_of_a_new_directory_do_not_last_into_later_layers() -> None:
    marked = (directory("n"), file("n/.wh..wh..opq"), file("n/.wh.x"))
    assert paths(marked, (file("n/x"),), (file("n/y"),)) == ["/", "/n", "/n/x", "/n/y"]


def test_what_aufs_kept_for_itself_is_left_out() -> None:
    aufs = (
        directory(".wh..wh.plnk"),
        file(".wh..wh.plnk/1.2", b"x"),
        file(".wh..wh.aufs"),
        file("d/.wh..wh.orph"),
    )
    assert paths(BASE, aufs) == paths(BASE)


def test_a_file_replaces_a_directory_with_all_below_and_the_other_way_round() -> None:
    view = merged(BASE, (file("d", b"file"),))
    assert sorted(view.tree.entries) == ["/", "/d"]
    assert view.read("/d", 10) == b"file"
    assert paths((file("d", b"file"),), BASE) == paths(BASE)
    assert paths(BASE, (("d", LINK, "/etc"),)) == ["/", "/d"]


def test_a_directory_that_is_only_inferred_hides_a_lower_file_or_link() -> None:
    """Docker makes the missing parent in the layer's own directory, so overlayfs hides what is below it."""
    assert paths((("lib", LINK, "usr/lib"),), (file("lib/x"),)) == ["/", "/lib", "/lib/x"]


def test_a_file_of_a_layer_replaced_by_a_directory_in_it_takes_new_members() -> None:
    layer = (directory("d"), file("d/a"), file("d", b"x"), directory("d"), file("d/c"))
    assert paths(layer) == ["/", "/d", "/d/c"]


def test_hard_links_share_the_bytes_of_their_own_or_a_lower_layer() -> None:
    view = merged(BASE, (file("own", b"own"), ("hard", HARD, "own"), ("low", HARD, "d/a")))
    assert view.read("/hard", 10) == b"own"
    assert view.read("/low", 10) == b"old a"
    assert view.tree.entries["/low"].size == 5
    view = merged(BASE, (("low", HARD, "d/a"),), (file("d/.wh.a"),))
    assert view.read("/low", 10) == b"old a"


def test_a_hard_link_has_its_own_name_in_what_is_wanted() -> None:
    layer = (file("a", b"a"), ("b", HARD, "a"))
    view = merged(layer, keep=lambda path: path == "/b")
    with pytest.raises(ViewError, match="hard link"):
        view.read("/b", 10)
    hashed = merged(layer, keep=lambda _: False, digests=True)
    assert len({*hashed.digests([("/a", "sha256"), ("/b", "sha256")])}) == 1


@pytest.mark.parametrize(
    "layers",
    [
        ((("h", HARD, "nothing"),),),
        ((("h", HARD, "h"),),),
        ((("h", HARD, "later"), file("later")),),
        (BASE, (("h", HARD, "d"),)),
        (BASE, (file("d/.wh.a"), ("h", HARD, "d/a"))),
        (BASE, (file(".wh..wh..opq"), ("h", HARD, "d/a"))),
        (BASE, (file("d", b"now a file"), ("h", HARD, "d/a"))),
        ((file("f"), ("h", HARD, "f/below")),),
        ((file("f"), file("f/below")),),
        ((("l", LINK, "/etc"), file("l/passwd")),),
        (BASE, (file("d/.wh."),)),
        (BASE, (file("d/.wh..."),)),
        (BASE, (file("d/.wh.x/y"),)),
        ((file("../etc/passwd"),),),
    ],
)
def test_states_that_no_file_system_can_be_in_are_refused(layers: tuple[tuple[Part, ...], ...]) -> None:
    assert hostile(*layers).endswith("nothing was kept of it")


def test_letters_of_a_whiteout_inside_a_name_mean_nothing() -> None:
    assert paths((file("a.wh.b"), file("d/x.wh.y/z"))) == ["/", "/a.wh.b", "/d", "/d/x.wh.y", "/d/x.wh.y/z"]


def test_a_layer_without_its_end_marker_is_refused() -> None:
    image = MergedLayers(Interest(keep=lambda _: True), DEFAULT, "the image")
    with pytest.raises(CouldNotRun) as caught:
        image.add(stream(tar(file("a", b"x"))[:1024]), "layer 1")
    assert caught.value.code == "E_TAR_TRUNCATED"


def test_members_are_counted_over_all_layers() -> None:
    with pytest.raises(CouldNotRun, match="tar_members"):
        merged((file("a"), file("b")), (file("a"), file("b")), limits=replace(DEFAULT, tar_members=3))


def test_what_is_replaced_or_removed_is_given_back() -> None:
    """Twenty layers that write one file again hold it once."""
    small = replace(DEFAULT, retained_total=250)
    writes = tuple((file("f", b"x" * 100),) for _ in range(20))
    assert merged(*writes, limits=small).read("/f", 100) == b"x" * 100
    removes = ((file("d/f", b"x" * 100),), (file(".wh.d"),)) * 20
    assert paths(*removes) == ["/"]
    merged(*removes, limits=small)
    with pytest.raises(CouldNotRun, match="retained_total"):
        merged((file("f", b"x" * 100), file("g", b"x" * 100), file("h", b"x" * 100)), limits=small)


def test_a_hard_link_keeps_counting_when_its_first_name_goes() -> None:
    """Else a stream of links to removed files would hold any number of bytes, uncounted."""
    rounds = tuple(
        layer
        for number in range(5)
        for layer in ((file("f", b"x" * 100), (f"h{number}", HARD, "f")), (file(".wh.f"),))
    )
    with pytest.raises(CouldNotRun, match="retained_total"):
        merged(*rounds, limits=replace(DEFAULT, retained_total=450))


def test_deep_names_count_for_every_directory_that_they_imply() -> None:
    deep = "/".join("d" * 900)
    with pytest.raises(CouldNotRun, match="retained_total"):
        merged((file(deep),), limits=replace(DEFAULT, retained_total=500_000))


def test_many_marks_in_one_layer_take_time_for_what_they_change() -> None:
    """Each mark by itself would walk the members again: 40,000,000 steps."""
    members = tuple(file(f"d/f{number}") for number in range(2_000))
    marks = tuple(file("d/.wh..wh..opq") for _ in range(20_000))
    assert len(merged(members, (*members, *marks), keep=lambda _: False).tree.entries) == 2_002


# A model of the specification that is too slow for images: every path by itself.

NAMES = st.sampled_from(["a", "b", "c"])
PLACES = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
STEPS = st.one_of(
    st.tuples(st.just("file"), PLACES),
    st.tuples(st.just("directory"), PLACES),
    st.tuples(st.just("whiteout"), PLACES),
    st.tuples(st.just("opaque"), PLACES),
)


def is_within(path: str, above: str) -> bool:
    return path.startswith(f"{above}/")


def model(layers: list[list[tuple[str, str]]]) -> dict[str, str]:
    whole: dict[str, str] = {}
    for steps in layers:
        own = {place: kind for kind, place in steps if kind in ("file", "directory")}
        inferred = {place.rsplit("/", depth)[0] for place in own for depth in range(1, place.count("/") + 1)}
        marks = {place for kind, place in steps if kind in ("whiteout", "opaque")}
        inferred |= {
            place.rsplit("/", depth)[0] for place in marks for depth in range(1, place.count("/") + 1)
        }
        inferred |= {place for kind, place in steps if kind == "opaque"}
        for kind, place in steps:
            if kind == "whiteout":
                whole = {p: k for p, k in whole.items() if p != place and not is_within(p, place)}
            if kind == "opaque":
                whole = {p: k for p, k in whole.items() if not is_within(p, place)}
        for place, kind in own.items():
            if kind == "file":
                whole = {p: k for p, k in whole.items() if not is_within(p, place)}
        for place in inferred | {p for p, k in own.items() if k == "directory"}:
            if whole.get(place) == "file":
                del whole[place]
        whole.update(dict.fromkeys(inferred, "directory") | own)
    return whole


def is_possible(steps: list[tuple[str, str]]) -> bool:
    """Whether no path of a layer lies below a file of it."""
    files = {place for kind, place in steps if kind == "file"}
    directories = {place for kind, place in steps if kind in ("directory", "opaque")}
    return not (files & directories) and not any(
        is_within(place, above) for _, place in steps for above in files
    )


@given(st.lists(st.lists(STEPS, max_size=6).filter(is_possible), max_size=4))
@settings(max_examples=50)
def test_merging_agrees_with_the_specification_path_by_path(layers: list[list[tuple[str, str]]]) -> None:
    view = merged(*(tuple(part(*step) for step in steps) for steps in layers))
    found = {path[1:]: entry.kind for path, entry in view.tree.entries.items() if path != "/"}
    assert found == model(layers)


@given(st.lists(st.lists(STEPS, max_size=6).filter(is_possible), min_size=1, max_size=3), st.randoms())
@settings(max_examples=50)
def test_the_order_of_a_layers_members_does_not_matter(
    layers: list[list[tuple[str, str]]], random: object
) -> None:
    assert hasattr(random, "sample")
    shuffled = [random.sample(steps, len(steps)) for steps in layers]
    views = [merged(*(tuple(part(*step) for step in steps) for steps in each)) for each in (layers, shuffled)]
    assert all(one.tree.entries == other.tree.entries for one, other in pairwise(views))


def part(kind: str, place: str) -> Part:
    above, _, name = place.rpartition("/")
    prefix = f"{above}/" if above else ""
    return {
        "file": (place, FILE, b"x"),
        "directory": (place, DIRECTORY, b""),
        "whiteout": (f"{prefix}.wh.{name}", FILE, b""),
        "opaque": (f"{place}/.wh..wh..opq", FILE, b""),
    }[kind]
