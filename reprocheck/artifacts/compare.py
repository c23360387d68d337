"""The ladder: how far one output of a re-execution agrees with the recorded one, and why it stops there.

L0 equal bytes. L1 equal values of a text document. L2 every tensor and value bitwise equal. L3 equal
structure and every number within the declared tolerance. Anything else differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import BinaryIO

from reprocheck.artifacts.formats import FORMATS, HEAD, format_of, ignored_keys
from reprocheck.artifacts.gaps import Gap, Place, measure_for
from reprocheck.artifacts.reading import NUMBER, Array, IgnoredKeys, Leaf, Reading, Unreadable
from reprocheck.artifacts.tolerance import EXACT, OutputBounds, number_gap, output_bounds
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.run import IgnoredKey, Output, TensorDigest, Tolerance
from reprocheck.model.verdict import ComparedOutput, Level, OutputVerdict

_EXACT = OutputBounds(general=EXACT)
_OTHER_TENSORS = "the files at hand have other tensors than their descriptions"
_NOT_KEPT = "the recorded bytes were not kept, so only a bitwise comparison is possible"


def compare_output(
    recorded: Output,
    observed: Output,
    *,
    tolerance: Tolerance | None,
    recorded_stream: BinaryIO | None = None,
    observed_stream: BinaryIO | None = None,
    limits: Limits,
    ignore_keys: tuple[IgnoredKey, ...] = (),
) -> ComparedOutput:
    """Compare one recorded output with the observed one of the same name.

    Both must have been described with the same `ignore_keys`. The streams (seekable, closed by the caller)
    let tensors be compared by tolerance and the first difference be named. Raises InputFault (E_TOLERANCE).
    """
    bounds = output_bounds(tolerance, recorded.name) if tolerance is not None else None
    keys = ignored_keys(recorded.name, ignore_keys)

    applied = tuple(key for key in keys if key in recorded.ignored_keys + observed.ignored_keys)

    def result(verdict: OutputVerdict, level: Level, reason: str = "") -> ComparedOutput:
        return ComparedOutput(
            name=recorded.name,
            verdict=verdict,
            level=level,
            reason=reason,
            recorded_sha256=recorded.sha256,
            observed_sha256=observed.sha256,
            recorded_size=recorded.size,
            observed_size=observed.size,
            ignored_keys=applied if level != "L0" else (),
        )

    if recorded.sha256 == observed.sha256:
        return result("identical", "L0")
    if recorded.content is None or observed.content is None or recorded.format != observed.format:
        return result("differs", "none", _unread(recorded, observed))
    if recorded.content == observed.content:
        text = any(form.name == recorded.format and form.level == "L1" for form in FORMATS)
        return result("identical", "L1" if text else "L2", "the bytes differ, the content does not")
    pair = None
    if recorded_stream is not None and observed_stream is not None:
        pair = _Pair(recorded, observed, recorded_stream, observed_stream, keys, limits)
    try:
        within, reason = _judge(recorded, observed, bounds, pair)
    except (Unreadable, OSError) as fault:
        return result("differs", "none", f"the bytes differ, and the content could not be compared: {fault}")
    return result("within-tolerance", "L3", reason) if within else result("differs", "none", reason)


class _Pair(Frozen, frozen=True):
    """Both files, when both are at hand."""

    recorded: Output
    observed: Output
    recorded_stream: BinaryIO
    observed_stream: BinaryIO
    keys: tuple[str, ...]
    limits: Limits

    def arrays(self) -> Iterator[tuple[Array, Array]]:
        """Arrays of both sides by name. Raises Unreadable where the files contradict the structures."""
        left = IgnoredKeys(self.keys).arrays(self._read(self.recorded, self.recorded_stream))
        right = IgnoredKeys(self.keys).arrays(self._read(self.observed, self.observed_stream))
        for ours, theirs in zip_longest(left, right):
            if ours is None or theirs is None or _kind(ours) != _kind(theirs):
                raise Unreadable(_OTHER_TENSORS)
            yield ours, theirs

    def leaves(self) -> Iterator[tuple[Leaf | None, Leaf | None]]:
        """Leaves of both sides in step."""
        left = IgnoredKeys(self.keys).leaves(self._read(self.recorded, self.recorded_stream))
        right = IgnoredKeys(self.keys).leaves(self._read(self.observed, self.observed_stream))
        return zip_longest(left, right)

    def _read(self, output: Output, stream: BinaryIO) -> Reading:
        stream.seek(0)
        form = format_of(output.name, stream.read(HEAD))
        if form.name != output.format:
            raise Unreadable(f"the file at hand is {form.name}, not {output.format}")
        return form.read(stream, output.size, limits=self.limits) or Reading()


def _kind(item: Array) -> tuple[str, str, tuple[int, ...]]:
    return item.name, item.dtype.name, item.shape


def _unread(recorded: Output, observed: Output) -> str:
    if recorded.format != observed.format:
        return f"the format was {recorded.format} and is {observed.format}"
    for side, output in (("recorded", recorded), ("observed", observed)):
        if output.note:
            return f"the bytes differ, and the {side} content was not read: {output.note}"
    if recorded.size != observed.size:
        return f"the bytes differ: {recorded.size} recorded, {observed.size} observed"
    return "the bytes differ at equal size"


def _judge(
    recorded: Output, observed: Output, bounds: OutputBounds | None, pair: _Pair | None
) -> tuple[bool, str]:
    """Tell whether a tolerance covers the difference, and describe it."""
    shape = _tensor_shapes(recorded.tensors, observed.tensors)
    if shape:
        return False, shape
    if recorded.structure is None or recorded.structure != observed.structure:
        return False, _first_leaf(recorded, observed, pair)
    now = {tensor.name: tensor.sha256 for tensor in observed.tensors}
    changed = sorted(tensor.name for tensor in recorded.tensors if tensor.sha256 != now[tensor.name])
    texts = []
    within = bounds is not None
    if changed:
        agree, text = _tensors(changed, recorded, observed, bounds, pair)
        within &= agree
        texts.append(text)
    agree, text = _numbers(recorded, observed, bounds, pair)
    within &= agree
    if text:
        texts.append(text)
    if not texts:
        return False, "the contents differ in a way that their lists do not show"
    return within, "; ".join(texts)


def _tensor_shapes(recorded: tuple[TensorDigest, ...], observed: tuple[TensorDigest, ...]) -> str:
    """Describe the first difference of names, types or shapes; '' when there is none."""
    left = {tensor.name: tensor for tensor in recorded}
    right = {tensor.name: tensor for tensor in observed}
    if len(left) != len(recorded) or len(right) != len(observed):
        return "one description names a tensor twice"
    missing, extra = sorted(left.keys() - right.keys()), sorted(right.keys() - left.keys())
    if missing or extra:
        texts = [f"{len(missing)} tensors are missing, first {missing[0]!r}"] if missing else []
        return "; ".join([*texts, *([f"{len(extra)} tensors are new, first {extra[0]!r}"] if extra else [])])
    for name in sorted(left):
        was, now = left[name], right[name]
        if (was.dtype, was.shape) != (now.dtype, now.shape):
            return f"tensor {name!r} was {was.dtype}{list(was.shape)} and is {now.dtype}{list(now.shape)}"
    return ""


def _tensors(
    changed: list[str], recorded: Output, observed: Output, bounds: OutputBounds | None, pair: _Pair | None
) -> tuple[bool, str]:
    total = len(recorded.tensors)
    lead = f"{len(changed)} of {total} tensors differ"
    if pair is None:
        ours = next(tensor for tensor in recorded.tensors if tensor.name == changed[0])
        theirs = next(tensor for tensor in observed.tensors if tensor.name == changed[0])
        digests = f"sha256 {ours.sha256[:12]} recorded, {theirs.sha256[:12]} observed"
        text = f"{lead}, first {changed[0]!r} ({digests})"
        return False, f"{text}; {_NOT_KEPT}" if bounds is not None else text
    names = set(changed)
    pairs = [(ours, theirs) for ours, theirs in pair.arrays() if ours.name in names]
    if not pairs:
        raise Unreadable(_OTHER_TENSORS)
    if bounds is None:
        del pairs[1:]
    measure = measure_for(sum(ours.size for ours, _ in pairs))
    found = [(ours.name, measure(ours, theirs, (bounds or _EXACT).of(ours.name))) for ours, theirs in pairs]
    if bounds is None:
        return False, f"{lead}, first {_gap_text(*found[0])}"
    largest = _sizes(
        max(gap.largest for _, gap in found),
        max(gap.relative for _, gap in found),
        max(gap.ulp for _, gap in found),
    )
    elements = sum(gap.differing for _, gap in found)
    beyond = sum(gap.beyond for _, gap in found)
    if not beyond:
        first = f"first {found[0][0]!r}: {_place_text(found[0][1].first)}"
        return True, f"{lead} in {elements} elements, by at most {largest}, within the tolerance; {first}"
    worst = next(item for item in found if item[1].beyond)
    text = f"{lead} in {elements} elements, by at most {largest}, {beyond} elements beyond the tolerance"
    return False, f"{text}; first {_gap_text(*worst)}"


def _gap_text(name: str, gap: Gap) -> str:
    """Describe one tensor: how far, and the first element over the tolerance."""
    apart = f"at most {_sizes(gap.largest, gap.relative, gap.ulp)} apart; " if gap.largest else ""
    return f"{name!r}: {gap.differing} of {gap.total} elements, {apart}{_place_text(gap.over or gap.first)}"


def _place_text(place: Place | None) -> str:
    return f"element {place.index} was {place.recorded} and is {place.observed}" if place else "no element"


def _sizes(largest: object, relative: float | Decimal, ulp: int) -> str:
    """`0.5 (relative 1e-3, 4 ULP)`."""
    return f"{largest} (relative {relative:.3g}, {ulp} ULP)"


def _numbers(
    recorded: Output, observed: Output, bounds: OutputBounds | None, pair: _Pair | None
) -> tuple[bool, str]:
    """Compare scalars from the two lists, or from the files where the lists were too long to keep."""
    differing = beyond = ulp = 0
    largest = relative = Decimal(0)
    first: tuple[str, str, str] | None = None
    for key, was, now in _number_pairs(recorded, observed, pair):
        if was == now:
            continue
        differing += 1
        gap = number_gap(was, now, (bounds or _EXACT).of(key))
        agree = bounds is not None and gap.agree
        if first is None or (not agree and not beyond):
            first = (key, was, now)
        beyond += not agree
        largest = max(largest, gap.absolute or largest)
        relative = max(relative, gap.relative or relative)
        ulp = max(ulp, gap.ulp or 0)
    if first is None:
        return True, ""
    key, was, now = first
    shown = f"first {key!r}: {was} recorded, {now} observed"
    if bounds is None and differing == 1:
        return False, f"1 numbers differ, {shown}"
    apart = f"by at most {_sizes(f'{largest:.17g}', relative, ulp)}"
    if bounds is None:
        return False, f"{differing} numbers differ {apart}, {shown}"
    if beyond:
        return False, f"{beyond} of {differing} differing numbers are beyond the tolerance, {apart}, {shown}"
    return True, f"{differing} numbers differ {apart}, within the tolerance, {shown}"


def _number_pairs(recorded: Output, observed: Output, pair: _Pair | None) -> Iterator[tuple[str, str, str]]:
    left = {number.key: number.value for number in recorded.numbers}
    right = {number.key: number.value for number in observed.numbers}
    listed = len(left) == len(recorded.numbers) and len(right) == len(observed.numbers)
    if not listed or left.keys() != right.keys():
        raise Unreadable("the two lists of numbers do not fit together")
    if left:
        for key, was in left.items():
            yield key, was, right[key]
    elif pair is not None:
        for ours, theirs in pair.leaves():
            if ours is None or theirs is None or ours.key != theirs.key:
                raise Unreadable("the files at hand have other values than their descriptions")
            if ours.tag == NUMBER:
                yield ours.key, ours.text, theirs.text
    elif not recorded.tensors:
        raise Unreadable(f"there are too many numbers to list, and {_NOT_KEPT}")


def _first_leaf(recorded: Output, observed: Output, pair: _Pair | None) -> str:
    """Name the first text, key or type that differs."""
    left = {number.key: number.value for number in recorded.numbers}
    right = {number.key: number.value for number in observed.numbers}
    if pair is not None:
        for ours, theirs in pair.leaves():
            if ours != theirs and not (
                ours and theirs and ours.key == theirs.key and ours.tag == theirs.tag == NUMBER
            ):
                return _leaf_text(ours, theirs)
    for key in sorted(left.keys() ^ right.keys())[:1]:
        return f"the number {key!r} was {left.get(key, 'absent')} and is {right.get(key, 'absent')}"
    return "names, texts or types differ, not only numbers"


def _leaf_text(ours: Leaf | None, theirs: Leaf | None) -> str:
    if ours is None or (theirs is not None and theirs.key < ours.key and theirs.key != ours.key):
        assert theirs is not None
        return f"{theirs.key!r} is new or moved: {_short(theirs)} observed"
    if theirs is None or theirs.key != ours.key:
        return f"{ours.key!r} is missing or moved: {_short(ours)} recorded"
    return f"{ours.key!r} was {_short(ours)} and is {_short(theirs)}"


def _short(leaf: Leaf) -> str:
    text = leaf.text if len(leaf.text) <= 80 else f"{leaf.text[:77]}..."
    return f"{leaf.tag} {text!r}"
