"""A pickle machine that builds plain data and calls only what its caller lists.

Python's own unpickler imports what a file names and lets it size its memo and buffers. This one
takes the opcodes one by one (``pickletools`` decodes them, and executes nothing) and can make only
numbers, texts, bytes, lists, tuples, dicts, sets and what the functions in ``known`` return. Text
such as the ``module_src`` of NVIDIA's files stays text. See ``refusing`` for how errors come out.

250 bytes can make a tuple of tuples of itself that unfolds to 2^40 entries. So nothing here, and
nothing in ``known``, walks down into a value or makes a text of it before it is known how far it
unfolds: references to what was made before count whole, every time.
"""

import contextlib
import itertools
import pickletools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from editing.errors import (
    DamagedFile,
    EditingError,
    MissingFile,
    UnsafeFile,
    UnsupportedFile,
    reason_of,
    shown,
)

MAX_OPCODES = 400_000  # about a second; a 1024 px generator with optimisers has 100,000
MAX_DEPTH = 100  # of containers in containers; networks stay below 30
MAX_NAME = 200  # characters of a global
SLACK = 64 * 2**20  # bytes that small files may make out of nothing
MADE_PER_ITEM = 100  # bytes one entry of a container costs
MAX_BITS = 512  # of a whole number

Factory = Callable[..., Any]


class Refused(ValueError):
    """What is wrong with a file; ``refusing`` and ``recognising`` make a sentence of it."""

    kind: type[UnsafeFile] | None = None  # of sentence; None = what is usual where it is raised


class Damaged(Refused):
    """A file that is cut short, or whose parts do not fit each other."""

    kind = DamagedFile


class Unsupported(Refused):
    """A sound file of a kind or design that is not read here."""

    kind = UnsupportedFile


class Stream(Protocol):
    """What the machine reads: a file, a BytesIO or an mmap."""

    def read(self, n: int = ..., /) -> bytes: ...
    def readline(self) -> bytes: ...
    def tell(self) -> int: ...


@dataclass(eq=False, repr=False)
class Inert:
    """An object of a foreign class: what it was called with, and its state; never more."""

    kind: str  # "module.Name"
    args: tuple[Any, ...] = ()
    state: Any = None


@dataclass
class Budget:
    """What one file may cost, shared by the pickles nested in it."""

    opcodes: int = MAX_OPCODES
    bytes: int = SLACK
    unfolded: int = SLACK  # bytes of a value in which nothing is shared, numbers as float32

    @classmethod
    def of(cls, size: int, whole: int = 0) -> "Budget":
        """For a pickle of ``size`` bytes, in a file of ``whole`` with the numbers beside it."""
        return cls(bytes=SLACK + 2 * size, unfolded=SLACK + 4 * max(size, whole))

    def take_opcode(self) -> None:
        self.opcodes -= 1
        if self.opcodes < 0:
            raise Refused(f"it has more than {MAX_OPCODES} instructions")

    def take_bytes(self, count: int) -> None:
        """For what a few bytes in the file can make again and again."""
        self.bytes -= count
        if self.bytes < 0:
            raise Refused("it unpacks to far more than its size")


@contextlib.contextmanager
def refusing(path: Path | str) -> Iterator[None]:
    """Around reading the container: what goes wrong is damage, or more than data.

    Raises:
        UnsafeFile, DamagedFile, UnsupportedFile: instead of any error that strange data can cause,
            each with a sentence of its own about ``path``.
    """
    with _sentences(path, DamagedFile):
        yield


@contextlib.contextmanager
def recognising(path: Path | str) -> Iterator[None]:
    """Around what is made of the contents: what goes wrong is a layout that is not known here.

    Raises:
        UnsupportedFile, and others as ``refusing``.
    """
    with _sentences(path, UnsupportedFile):
        yield


@contextlib.contextmanager
def _sentences(path: Path | str, otherwise: type[UnsafeFile]) -> Iterator[None]:
    try:
        yield
    except (UnsafeFile, MissingFile, FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # strange data provokes any kind in zip, NumPy and header parsers
        reason = reason_of(error)
        if isinstance(error, EditingError):
            reason = reason.partition("; ")[0]  # its way out is for who chose the numbers
        kind = otherwise
        if isinstance(error, Refused):
            kind = error.kind or (UnsafeFile if otherwise is DamagedFile else otherwise)
        elif otherwise is UnsupportedFile and not isinstance(error, EditingError):
            reason = f"its layout is not known: {type(error).__name__}, {reason}"
        raise kind(f"{path} {_SENTENCES[kind].format(reason=reason)}") from error


_SENTENCES: dict[type[UnsafeFile], str] = {
    UnsafeFile: "cannot be read safely ({reason}); get it again from its makers, or convert it "
    "where it was made.",
    DamagedFile: "cannot be read, as it is damaged or cut short ({reason}); get it again "
    "from where it came.",
    UnsupportedFile: "is not supported here ({reason}); docs/files.md lists what is read.",
}


def inert(kind: str) -> Factory:
    """A factory for objects of a foreign class whose contents matter."""
    return lambda *args: Inert(kind, args)


def read_pickle(
    file: Stream,
    known: Mapping[str, Any],
    budget: Budget | None = None,
    persistent: Callable[[Any], Any] | None = None,
) -> Any:
    """The object of the next pickle in ``file``, which is left behind its end.

    Args:
        known: what each global ("module.name") that the file may mention stands for; "module.*"
            makes all others of a top module inert.
        budget: what is left of the file's allowance.
        persistent: resolves persistent ids, as torch uses them for storages.

    Raises:
        Refused: another global, an endless or deep structure, one that unfolds to far more than
            its file, a wrong opcode.
        ValueError and others that ``refusing`` catches: damage.
    """
    budget = budget or Budget()
    value = _Machine(known, budget, persistent).run(file)
    _check_unfolded(value, budget.unfolded)
    return value


@dataclass(eq=False)
class _Machine:
    known: Mapping[str, Any]
    budget: Budget
    persistent: Callable[[Any], Any] | None
    stack: list[Any] = field(default_factory=list)
    marks: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, file: Stream) -> Any:
        for opcode, arg, _ in pickletools.genops(file):  # type: ignore[arg-type]
            self.budget.take_opcode()
            name = opcode.name
            if name in _PUSHED:
                self.stack.append(_checked(arg))
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name]())
            elif name in _LENGTHS:
                self.stack.append(self.pop_last(_LENGTHS[name]))
            elif name == "STOP":
                return self.stack.pop()
            elif name not in _IGNORED:
                step = getattr(self, f"do_{name.lower()}", None)
                if step is None:
                    raise Refused(f"it uses the instruction {name}")
                step(arg)
        raise EOFError("it ends too early")

    def pop_last(self, count: int) -> tuple[Any, ...]:
        if len(self.stack) < count:
            raise Damaged("its instructions do not fit each other")
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        return items

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    # The memo and the stack.

    def do_mark(self, _: Any) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def do_pop(self, _: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def do_pop_mark(self, _: Any) -> None:
        self.pop_mark()

    def do_dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def do_put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    do_binput = do_long_binput = do_put

    def do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def do_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    do_binget = do_long_binget = do_get

    # Containers.

    def do_tuple(self, _: Any) -> None:
        items = self.pop_mark()
        self.stack.append(tuple(items))

    def do_list(self, _: Any) -> None:
        items = self.pop_mark()
        self.stack.append(items)

    def do_dict(self, _: Any) -> None:
        items = self.pop_mark()
        self.stack.append(to_dict(zip(items[::2], items[1::2], strict=True)))

    def do_frozenset(self, _: Any) -> None:
        items = self.pop_mark()
        self.stack.append({_key(item) for item in items})

    def do_append(self, _: Any) -> None:
        value = self.stack.pop()
        self._extend([value])

    def do_appends(self, _: Any) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise Damaged("its instructions do not fit each other")
        target.extend(items)

    def do_setitem(self, _: Any) -> None:
        self._update(self.pop_last(2))

    def do_setitems(self, _: Any) -> None:
        self._update(self.pop_mark())

    def _update(self, items: Any) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise Damaged("its instructions do not fit each other")
        target.update(to_dict(zip(items[::2], items[1::2], strict=True)))

    def do_additems(self, _: Any) -> None:
        items = self.pop_mark()
        target = self.stack[-1]
        if not isinstance(target, set):
            raise Damaged("its instructions do not fit each other")
        target.update(_key(item) for item in items)

    # Globals and calls.

    def find(self, module: str, name: str) -> Any:
        called = f"{module[:MAX_NAME]}.{name[:MAX_NAME]}"[:MAX_NAME]
        if called in self.known:
            return self.known[called]
        family = f"{called.partition('.')[0]}.*"  # classes of programs, never looked at
        if family in self.known:
            return inert(called)
        raise Refused(f"it asks for {called}, which no file of this kind needs")

    def do_global(self, arg: str) -> None:
        module, _, name = arg.partition(" ")
        self.stack.append(self.find(module, name))

    def do_stack_global(self, _: Any) -> None:
        module, name = self.pop_last(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise Refused(f"it asks for {shown(name)} of {shown(module)}, which are no names")
        self.stack.append(self.find(module, name))

    def do_reduce(self, _: Any) -> None:
        function, args = self.pop_last(2)
        if not callable(function) or not isinstance(args, tuple):
            raise Refused("it calls what cannot be called")
        for arg in args:  # of a shared list, every call makes a new copy
            if isinstance(arg, list | tuple | dict | set):
                self.budget.take_bytes(len(arg) * MADE_PER_ITEM)
            elif isinstance(arg, str | bytes | bytearray):
                self.budget.take_bytes(len(arg))
        self.stack.append(function(*args))

    do_newobj = do_reduce

    def do_newobj_ex(self, _: Any) -> None:
        if self.stack.pop():
            raise Refused("it makes an object with named arguments")
        self.do_reduce(None)

    def do_inst(self, arg: str) -> None:
        args = tuple(self.pop_mark())
        self.do_global(arg)
        self.stack.append(args)
        self.do_reduce(None)

    def do_obj(self, _: Any) -> None:
        function, *args = self.pop_mark()
        self.stack += [function, tuple(args)]
        self.do_reduce(None)

    def do_build(self, _: Any) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Inert):
            target.state = state
        elif not isinstance(target, dict):  # attributes of a dict, as of state dicts, say nothing
            raise Refused("it gives a state to what has none")

    def do_binpersid(self, _: Any) -> None:
        identity = self.stack.pop()
        if self.persistent is None:
            raise Refused("it refers to data outside itself")
        self.stack.append(self.persistent(identity))

    def do_persid(self, arg: str) -> None:
        self.stack.append(arg)
        self.do_binpersid(None)


_IGNORED = ("PROTO", "FRAME")
_PUSHED = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE BINUNICODE SHORT_BINUNICODE "
    "BINUNICODE8".split()
)
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_SET": set,
}  # fmt: skip
_LENGTHS = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _key(value: Any) -> Any:
    """A key of a dict: a text, bytes or small number (others can be made to collide)."""
    if isinstance(value, str | bytes) or (isinstance(value, int) and abs(value) < 2**31):
        return value
    raise Refused(f"it has a key of the kind {type(value).__name__}")


def to_dict(pairs: Iterable[Any] = ()) -> dict[Any, Any]:
    """dict() with safe keys; also what OrderedDict and its like become."""
    items = pairs.items() if isinstance(pairs, dict) else pairs
    return {_key(key): value for key, value in items}


def to_set(items: Iterable[Any] = ()) -> set[Any]:
    """set() with safe members."""
    return {_key(item) for item in items}


def _checked(value: Any) -> Any:
    """A plain value out of the file, if it is none that arithmetic could choke on."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise Refused(f"it has a whole number of {value.bit_length()} bits")
    return value


_CONTAINERS = (dict, list, tuple, Inert)


@dataclass(eq=False)
class _Visit:
    """A container on the way down: what is left of it, and what is known so far."""

    node: Any
    height: int = 1  # containers in containers
    size: int = 0  # bytes, unfolded

    def __post_init__(self) -> None:
        self.children = _children(self.node)

    def add(self, height: int, size: int) -> None:
        """A container in this one, whether it is met for the first time or not."""
        self.height = max(self.height, height + 1)
        self.size += size


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        return itertools.chain(value.keys(), value.values())
    if isinstance(value, Inert):
        return iter((value.args, value.state))
    return iter(value)


def _weight(value: Any) -> int:
    """Bytes of what is no container; tensors that are still in the file say it themselves."""
    data = len(value) if isinstance(value, str | bytes | bytearray) else getattr(value, "nbytes", 0)
    return MADE_PER_ITEM + int(data)


def _check_unfolded(root: Any, most: int) -> None:
    """Refuse cycles, chains of more than MAX_DEPTH containers, and more than ``most`` bytes.

    A container that is referred to again counts again, but is not walked again; no recursion.
    """
    known: dict[int, tuple[int, int]] = {}  # id -> height and size
    path = [_Visit(root)] if isinstance(root, _CONTAINERS) else []
    above = {id(root)}
    while path:
        visit = path[-1]
        for child in visit.children:
            visit.size += MADE_PER_ITEM
            if not isinstance(child, _CONTAINERS):
                visit.size += _weight(child)
            elif id(child) in known:
                visit.add(*known[id(child)])
            elif id(child) in above:
                raise Refused("it contains itself")
            else:
                above.add(id(child))
                path.append(_Visit(child))
                break
        else:
            path.pop()
            above.discard(id(visit.node))
            known[id(visit.node)] = visit.height, visit.size
            if path:
                path[-1].add(visit.height, visit.size)
        if len(path) > MAX_DEPTH or len(path) + visit.height - 1 > MAX_DEPTH:
            raise Refused(f"it is nested more than {MAX_DEPTH} deep")
        if visit.size > most:
            raise Refused(f"it unfolds to more than {most} bytes, far more than its size")
