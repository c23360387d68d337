"""Inert values of a checkpoint, and the names that may stand for them.

A name is a pair of strings; "calling" one is a branch in `rebuild`, and a name without a branch ends the
reading. What torch.save writes is described in torch/_utils.py and torch/serialization.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reprocheck.artifacts.dtypes import DTYPES
from reprocheck.artifacts.reading import Unreadable
from reprocheck.model.base import Frozen

MAX_DIMENSIONS = 64


class Named(Frozen, frozen=True):
    """A global by name, and nothing behind the name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Storage(Frozen, frozen=True):
    """A member of the archive. `dtype` is '' for a storage without a type, whose `length` is in bytes."""

    key: str
    dtype: str
    length: int


class View(Frozen, frozen=True):
    """A tensor: how it looks at a storage. Offset and strides count elements."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(slots=True)
class Table:
    """A dict as the pairs that were put in, in order. Never a real dict: keys come from a stranger."""

    pairs: list[tuple[object, object]] = field(default_factory=list)
    state: object = None
    """Attributes that were set on it, such as the `_metadata` of a state_dict."""


@dataclass(slots=True)
class Sequence:
    """A list, tuple, set or size."""

    kind: str
    items: list[object] = field(default_factory=list)


class Text(Frozen, frozen=True):
    """A scalar that is not a plain Python one: a device, a data type, a complex number."""

    kind: str
    text: str


_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
}
_BUILTINS = ("builtins", "__builtin__")
_SEQUENCES = ("set", "frozenset", "list", "tuple")
_UTILITIES = (
    "_rebuild_tensor_v2",
    "_rebuild_tensor_v3",
    "_rebuild_parameter",
    "_rebuild_parameter_with_state",
)
_CALLABLE = frozenset(
    [Named("collections", name) for name in ("OrderedDict", "defaultdict", "Counter")]
    + [Named("torch._utils", name) for name in _UTILITIES]
    + [Named("torch", "Size"), Named("torch", "device"), Named("_codecs", "encode")]
    + [Named(module, name) for module in _BUILTINS for name in (*_SEQUENCES, "dict", "complex", "bytearray")]
    + [Named(module, name) for module in _BUILTINS for name in ("bytes", "int", "float", "str", "bool")]
)


def allowed(module: str, name: str) -> Named:
    """Give a name of the allowlist. Raises Unreadable for every other one."""
    named = Named(module, name)
    storage = module in ("torch", "torch.cuda") and name in _STORAGES
    untyped = module == "torch.storage" and name in ("UntypedStorage", "_UntypedStorage")
    dtype = module == "torch" and name in DTYPES
    if named in _CALLABLE or storage or untyped or dtype:
        return named
    raise Unreadable(f"it names {module[:80]}.{name[:80]}, which is not read: bytes only")


def storage_of(identity: object) -> Storage:
    """Understand ('storage', type, key, location, elements); where it lived is no content."""
    if isinstance(identity, Sequence) and len(identity.items) == 5:
        tag, kind, key, _, length = identity.items
        if tag == "storage" and isinstance(kind, Named) and isinstance(key, str) and _natural(length):
            if kind.name in _STORAGES:
                return Storage(key, _STORAGES[kind.name], int_of(length))
            if kind.module == "torch.storage":
                return Storage(key, "", int_of(length))
    raise Unreadable("its pickle refers to something that is not a storage")


def int_of(value: object) -> int:
    """Narrow a value that was checked before."""
    assert isinstance(value, int)
    return value


def weight(value: object) -> int:
    """How much work it is to copy this value."""
    match value:
        case Sequence(items=items):
            return len(items)
        case Table(pairs=pairs):
            return len(pairs)
        case str() | bytes():
            return len(value)
        case _:
            return 1


def _natural(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def rebuild(function: Named, arguments: list[object]) -> object:
    """Give the inert value that a call of a known name describes. Raises Unreadable."""
    name = function.name
    if function not in _CALLABLE:
        raise Unreadable(f"its pickle calls {function}")
    if name == "_rebuild_tensor_v2" and len(arguments) in (6, 7):
        return _view(arguments, dtype="", metadata=arguments[6:])
    if name == "_rebuild_tensor_v3" and len(arguments) in (7, 8):
        kind = arguments[6]
        if not isinstance(kind, Named) or kind.module != "torch" or kind.name not in DTYPES:
            raise Unreadable("a tensor has a data type that is not known")
        return _view(arguments, dtype=kind.name, metadata=arguments[7:])
    if name in ("_rebuild_parameter", "_rebuild_parameter_with_state") and arguments:
        if isinstance(arguments[0], View):
            return arguments[0]
        raise Unreadable("a parameter is not made of a tensor")
    if name in ("OrderedDict", "dict", "defaultdict", "Counter"):
        return _table(arguments[1:] if name == "defaultdict" else arguments)
    if name in _SEQUENCES or name == "Size":
        return _sequence("size" if name == "Size" else name, arguments)
    if name == "encode" and arguments and isinstance(arguments[0], str):
        return arguments[0].encode("latin-1")  # how protocol 2 writes bytes
    if name == "bytes" and not arguments:
        return b""
    if name in ("device", "complex", "bytearray"):
        return _text(name, arguments)
    raise Unreadable(f"its pickle calls {function} in a way that is not known")


def _view(arguments: list[object], *, dtype: str, metadata: list[object]) -> View:
    storage, offset, size, strides = arguments[:4]
    for item in metadata:
        if not (item is None or (isinstance(item, Table) and not item.pairs)):
            raise Unreadable("a tensor is marked as conjugated or negated, which is not read")
    if not isinstance(storage, Storage) or not _natural(offset):
        raise Unreadable("a tensor does not look at a storage")
    shape, steps = _naturals(size), _naturals(strides)
    if len(shape) != len(steps):
        raise Unreadable("a tensor has another number of strides than of dimensions")
    kind = dtype or storage.dtype
    if not kind or (dtype and storage.dtype):
        raise Unreadable("a tensor has no data type")
    return View(storage, kind, int_of(offset), shape, steps)


def _naturals(value: object) -> tuple[int, ...]:
    if not isinstance(value, Sequence) or len(value.items) > MAX_DIMENSIONS:
        raise Unreadable("a tensor has a shape that is not a short tuple")
    if not all(_natural(item) for item in value.items):
        raise Unreadable("a tensor has a shape that is not made of numbers")
    return tuple(int_of(item) for item in value.items)


def _table(arguments: list[object]) -> Table:
    if not arguments:
        return Table()
    source = arguments[0]
    if isinstance(source, Table) and len(arguments) == 1:
        return Table(list(source.pairs))
    if isinstance(source, Sequence) and len(arguments) == 1:
        pairs = [item.items for item in source.items if isinstance(item, Sequence)]
        if len(pairs) == len(source.items) and all(len(pair) == 2 for pair in pairs):
            return Table([(pair[0], pair[1]) for pair in pairs])
    raise Unreadable("its pickle fills a dict in a way that is not known")


def _sequence(kind: str, arguments: list[object]) -> Sequence:
    if not arguments:
        return Sequence(kind)
    if len(arguments) == 1 and isinstance(arguments[0], Sequence):
        return Sequence(kind, list(arguments[0].items))
    raise Unreadable(f"its pickle fills a {kind} in a way that is not known")


def _text(kind: str, arguments: list[object]) -> object:
    if kind == "bytearray" and all(isinstance(item, bytes) for item in arguments):
        return b"".join(item for item in arguments if isinstance(item, bytes))
    if kind != "bytearray" and all(isinstance(item, (str, int, float)) for item in arguments):
        return Text(kind, ",".join(repr(item) for item in arguments))
    raise Unreadable(f"its pickle makes a {kind} in a way that is not known")
