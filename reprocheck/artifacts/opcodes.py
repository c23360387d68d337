"""Reads the pickle inside a checkpoint as data: opcodes go in, inert values come out.

Nothing that the pickle names is imported, looked up or called. The opcodes are those of Python's pickletools;
the allowlist of names is in `inert`.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable

from reprocheck.artifacts.inert import (
    Named,
    Sequence,
    Table,
    allowed,
    int_of,
    rebuild,
    storage_of,
    weight,
)
from reprocheck.artifacts.reading import Unreadable

OPCODES = 1_000_000
"""Opcodes per checkpoint, each worth up to 100 bytes; a model with 1,000 tensors takes about 40,000."""
COPIED = 32_000_000
"""Items and characters that calls may take in all: one long list passed a million times is an attack."""
LONGEST_CALL = 16
"""Arguments of one call; `_rebuild_tensor_v3` takes eight."""


def read_opcodes(pickled: bytes) -> object:
    """Give the value that a pickle describes, made of inert values and plain scalars. Raises Unreadable."""
    machine = _Machine()
    count = 0
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(pickled)):
            count += 1
            if count > OPCODES:
                raise Unreadable(f"its pickle has more than {OPCODES} opcodes")
            machine.step(opcode.name, argument)
    except (ValueError, OverflowError, EOFError, UnicodeError) as fault:
        raise Unreadable(f"its pickle is damaged: {str(fault)[:120]}") from None
    except (IndexError, KeyError):
        raise Unreadable("its pickle is damaged: it takes more from the stack than it put there") from None
    return machine.result()


class _Mark:
    """Where a group of values begins on the stack."""


_MARK = _Mark()


class _Machine:
    """The stack and memo of the pickle protocol, with values that do nothing."""

    def __init__(self) -> None:
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}
        self._stopped = False
        self._copied = 0

    def step(self, opcode: str, argument: object) -> None:
        if opcode in _IGNORED:
            return
        if opcode in _CONSTANTS:
            self._stack.append(_CONSTANTS[opcode]())
        elif opcode in _SCALARS:
            if isinstance(argument, str):
                argument.encode("utf-8")  # a lone surrogate could not be written down again
            self._stack.append(bytes(argument) if isinstance(argument, bytearray) else argument)
        elif opcode in ("GET", "BINGET", "LONG_BINGET"):
            self._stack.append(self._memo[int_of(argument)])
        elif opcode in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[int_of(argument)] = self._top()
        elif opcode in _ACTIONS:
            _ACTIONS[opcode](self)
        elif opcode == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            self._stack.append(allowed(module, name))
        else:
            raise Unreadable(f"its pickle uses {opcode}, which no plain checkpoint needs")

    def result(self) -> object:
        if not self._stopped or len(self._stack) != 1:
            raise Unreadable("its pickle is damaged: it does not end in one value")
        return self._stack[0]

    def stop(self) -> None:
        self._stopped = True

    def mark(self) -> None:
        self._stack.append(_MARK)

    def pop(self) -> object:
        value = self._stack.pop()
        if value is _MARK:
            raise IndexError
        return value

    def drop(self) -> None:
        self._stack.pop()

    def drop_group(self) -> None:
        self.group()

    def duplicate(self) -> None:
        self._stack.append(self._top())

    def memoize(self) -> None:
        self._memo[len(self._memo)] = self._top()

    def group(self) -> list[object]:
        """Take everything above the last mark."""
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                items = self._stack[at + 1 :]
                del self._stack[at:]
                return items
        raise IndexError

    def name(self) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise Unreadable("its pickle names a global by something that is not text")
        self._stack.append(allowed(module, name))

    def tuple_of(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self._stack.append(Sequence("tuple", items[::-1]))

    def sequence(self, kind: str) -> None:
        self._stack.append(Sequence(kind, self.group()))

    def dictionary(self) -> None:
        items = self.group()
        self._stack.append(Table(_pairs(items)))

    def append(self) -> None:
        item = self.pop()
        self._sequence().items.append(item)

    def extend(self) -> None:
        items = self.group()
        self._sequence().items.extend(items)

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self._table().pairs.append((key, value))

    def set_items(self) -> None:
        items = self.group()
        self._table().pairs.extend(_pairs(items))

    def build(self) -> None:
        state = self.pop()
        target = self._table()
        if target.state is not None:
            raise Unreadable("its pickle sets the attributes of one dict twice")
        target.state = state

    def persistent(self) -> None:
        self._stack.append(storage_of(self.pop()))

    def reduce(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Named) or not isinstance(arguments, Sequence):
            raise Unreadable("its pickle calls something that is not a name")
        self._copied += weight(arguments) + sum(weight(item) for item in arguments.items[:LONGEST_CALL])
        if self._copied > COPIED or len(arguments.items) > LONGEST_CALL:
            raise Unreadable("its pickle passes more arguments than any checkpoint needs")
        self._stack.append(rebuild(function, arguments.items))

    def _top(self) -> object:
        if self._stack[-1] is _MARK:
            raise IndexError
        return self._stack[-1]

    def _sequence(self) -> Sequence:
        top = self._top()
        if not isinstance(top, Sequence) or top.kind in ("tuple", "size"):
            raise Unreadable("its pickle is damaged: it adds to something that is not a list")
        return top

    def _table(self) -> Table:
        top = self._top()
        if not isinstance(top, Table):
            raise Unreadable(f"its pickle sets items or attributes of {_kind(top)}")
        return top


def _kind(value: object) -> str:
    return str(value) if isinstance(value, Named) else f"a {type(value).__name__.lower()}"


def _pairs(items: list[object]) -> list[tuple[object, object]]:
    return list(zip(items[0::2], items[1::2], strict=True))


_IGNORED = frozenset({"PROTO", "FRAME"})
_CONSTANTS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": lambda: Sequence("tuple"),
    "EMPTY_LIST": lambda: Sequence("list"),
    "EMPTY_SET": lambda: Sequence("set"),
    "EMPTY_DICT": Table,
}
_SCALARS = frozenset(
    {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
    | {"STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
    | {"UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
)
_ACTIONS: dict[str, Callable[[_Machine], None]] = {
    "STOP": _Machine.stop,
    "MARK": _Machine.mark,
    "POP": _Machine.drop,
    "POP_MARK": _Machine.drop_group,
    "DUP": _Machine.duplicate,
    "MEMOIZE": _Machine.memoize,
    "STACK_GLOBAL": _Machine.name,
    "TUPLE": lambda machine: machine.sequence("tuple"),
    "TUPLE1": lambda machine: machine.tuple_of(1),
    "TUPLE2": lambda machine: machine.tuple_of(2),
    "TUPLE3": lambda machine: machine.tuple_of(3),
    "LIST": lambda machine: machine.sequence("list"),
    "FROZENSET": lambda machine: machine.sequence("frozenset"),
    "DICT": _Machine.dictionary,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "ADDITEMS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
    "REDUCE": _Machine.reduce,
}
