"""Hostile pickles by construction: every opcode, shared, nested, huge and truncated.

Nothing here is run or unpickled; the bytes are put together from the opcodes' own descriptions.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Iterator

LEVELS = 40  # of a value that holds the one before twice: 2^40 entries
DEEP = 5000  # containers in containers
MANY = 450_000  # opcodes, more than any file needs
HEAD = b"\x80\x04"
CALL = b"cnumpy\ndtype\n"  # something that may be called

# The arguments that opcodes take, small, and as large as they can be claimed.
SMALL: dict[str, bytes] = {
    "uint1": b"\x01", "uint2": b"\x01\0", "int4": b"\x01\0\0\0", "uint4": b"\x01\0\0\0",
    "uint8": b"\x01" + bytes(7), "float8": bytes(8), "decimalnl_short": b"1\n",
    "decimalnl_long": b"1L\n", "floatnl": b"1.5\n", "stringnl": b"'x'\n",
    "stringnl_noescape": b"x\n", "stringnl_noescape_pair": b"numpy\ndtype\n",
    "unicodestringnl": b"x\n", "string1": b"\x01x", "string4": b"\x01\0\0\0x", "bytes1": b"\x01x",
    "bytes4": b"\x01\0\0\0x", "bytes8": b"\x01" + bytes(7) + b"x",
    "bytearray8": b"\x01" + bytes(7) + b"x", "unicodestring1": b"\x01x",
    "unicodestring4": b"\x01\0\0\0x", "unicodestring8": b"\x01" + bytes(7) + b"x",
    "long1": b"\x01\x07", "long4": b"\x01\0\0\0\x07",
}  # fmt: skip
HUGE: dict[str, bytes] = {
    "uint1": b"\xff", "uint2": b"\xff\xff", "int4": b"\xff\xff\xff\x7f", "uint4": b"\xff" * 4,
    "uint8": b"\xff" * 8, "float8": struct.pack(">d", float("nan")),
    "decimalnl_short": b"9" * 100_000 + b"\n", "decimalnl_long": b"9" * 100_000 + b"L\n",
    "floatnl": b"9" * 100_000 + b"\n", "stringnl": b"'" + b"x" * 10**6 + b"\n",
    "stringnl_noescape": b"x" * 10**6 + b"\n",
    "stringnl_noescape_pair": b"x" * 10**6 + b"\n" + b"y" * 10**6 + b"\n",
    "unicodestringnl": b"\\u" + b"x" * 10**6 + b"\n", "string1": b"\xff", "string4": b"\xff" * 4,
    "bytes1": b"\xff", "bytes4": b"\xff" * 4, "bytes8": b"\xff" * 7 + b"\x7f",
    "bytearray8": b"\xff" * 7 + b"\x7f", "unicodestring1": b"\xff", "unicodestring4": b"\xff" * 4,
    "unicodestring8": b"\xff" * 7 + b"\x7f", "long1": b"\xff", "long4": b"\xff\xff\xff\x7f",
}  # fmt: skip

# How an opcode puts one value ("%") or two into a container, or a call.
TWICE: dict[str, bytes] = {
    "LIST": b"(%%l", "TUPLE": b"(%%t", "TUPLE2": b"%%\x86", "TUPLE3": b"%%%\x87",
    "APPEND": b"]%a%a", "APPENDS": b"](%%e", "DICT": b"(K\0%K\1%d", "SETITEM": b"}K\0%sK\1%s",
    "SETITEMS": b"}(K\0%K\1%u", "ADDITEMS": b"\x8f(%%\x90", "FROZENSET": b"(%%\x91",
    "REDUCE": CALL + b"%%\x86R", "NEWOBJ": CALL + b"%%\x86\x81", "NEWOBJ_EX": CALL + b"%%\x86}\x92",
    "OBJ": b"(" + CALL + b"%%o", "INST": b"(%%inumpy\ndtype\n", "BUILD": CALL + b")R%%\x86b",
    "STACK_GLOBAL": b"%%\x93", "BINPERSID": b"%%\x86Q", "DUP": b"%2\x86", "POP": b"%%%0\x86",
    "POP_MARK": b"%%(%1\x86", "MARK": b"(%%t", "TUPLE1": b"%%\x86\x85", "EMPTY_LIST": b"]%a%a",
    "EMPTY_TUPLE": b")0%%\x86", "EMPTY_DICT": b"}K\0%sK\1%s", "EMPTY_SET": b"\x8f0%%\x86",
}  # fmt: skip
MEMO: dict[str, tuple[str, str]] = {  # how values are kept and fetched
    "PUT": ("p%d\n", "g%d\n"), "GET": ("p%d\n", "g%d\n"), "BINPUT": ("q", "h"),
    "BINGET": ("q", "h"), "LONG_BINPUT": ("r", "j"), "LONG_BINGET": ("r", "j"),
    "MEMOIZE": ("\x94", "h"),
}  # fmt: skip


def pickles() -> Iterator[tuple[str, bytes]]:
    """(name, contents) of four pickles for every opcode that there is."""
    for opcode in pickletools.opcodes:
        name = opcode.name
        yield f"{name} shared", shared(name)
        yield f"{name} nested", nested(name)
        yield f"{name} huge", huge(opcode)
        yield f"{name} truncated", truncated(opcode)


def _leaf(name: str) -> bytes:
    """One value, by the opcode of that name where it makes one."""
    opcode = next(each for each in pickletools.opcodes if each.name == name)
    makes_one = not opcode.stack_before and len(opcode.stack_after) == 1 and name not in MEMO
    return _code(opcode) if makes_one and name != "MARK" else b"K\1"


def _code(opcode: pickletools.OpcodeInfo) -> bytes:
    argument = b"" if opcode.arg is None else SMALL[opcode.arg.name]
    return opcode.code.encode("latin-1") + argument


def _kept(way: tuple[str, str], level: int) -> tuple[bytes, bytes]:
    """Code that keeps a value as ``level``, and that fetches it."""
    found = []
    for code in way:
        if "%d" in code:
            found.append((code % level).encode())
        elif code in "qh":
            found.append(code.encode() + bytes([level]))
        elif code in "rj":
            found.append(code.encode() + struct.pack("<I", level))
        else:
            found.append(code.encode("latin-1"))
    return found[0], found[1]


def shared(name: str) -> bytes:
    """Each level holds the one before twice, by reference."""
    template, way = TWICE.get(name, b"%%\x86"), MEMO.get(name, ("q", "h"))
    code = HEAD + _leaf(name)
    for level in range(LEVELS):
        put, get = _kept(way, level)
        values = template.count(b"%")
        first, *others = template.split(b"%")
        made = first + get + b"".join(part + get for part in others[:-1]) + others[-1]
        code += put + b"0" + made if values else put
    return code + b"."


def nested(name: str) -> bytes:
    """Each level holds the one before."""
    template = TWICE.get(name, b"%\x85")
    first, *others = template.split(b"%")
    rest = b"".join(part + b"K\1" for part in others[:-1]) + others[-1]
    if first:  # what comes before the value stands before all of them
        return HEAD + first * DEEP + _leaf(name) + rest * DEEP + b"."
    return HEAD + _leaf(name) + rest * DEEP + b"."


def huge(opcode: pickletools.OpcodeInfo) -> bytes:
    """The largest argument there can be; of an opcode without one, more than anybody needs."""
    code = opcode.code.encode("latin-1")
    if opcode.arg is not None:
        return HEAD + b"K\1" + code + HUGE[opcode.arg.name] + b"."
    if opcode.name == "STOP":
        return HEAD + b"K\1" * MANY + b"."
    return HEAD + b"]" + code * MANY + b"."


def truncated(opcode: pickletools.OpcodeInfo) -> bytes:
    """A pickle that ends inside the opcode, or right behind it."""
    code = HEAD + b"](K\1K\2" + _code(opcode)
    return code[:-1] if opcode.arg is not None or opcode.name == "STOP" else code
