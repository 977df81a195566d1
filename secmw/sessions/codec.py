"""How the values of a session are kept: MessagePack, with five types that JSON lacks. Pure.

A value may be None, a bool, an int of 64 bits, a float, text, bytes, a list or tuple (read back as a list), a mapping
with text keys (read back as a dict), a datetime, date, time, UUID or Decimal. Anything else is an error that says where
it stands. Reading makes these types and no others: what is stored can never run code.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from marshal import dumps
from typing import Any, Final
from uuid import UUID

import msgspec

from secmw.errors import SessionError

#: Type, the code of its extension, how it is written, how it is read. A code is never given to another type.
_TYPES: Final[tuple[tuple[type, int, Callable[[Any], str], Callable[[str], Any]], ...]] = (
    (dt.datetime, 1, dt.datetime.isoformat, dt.datetime.fromisoformat),
    (dt.date, 2, dt.date.isoformat, dt.date.fromisoformat),
    (dt.time, 3, dt.time.isoformat, dt.time.fromisoformat),
    (UUID, 4, str, UUID),
    (Decimal, 5, str, Decimal),
)
_WRITE: Final = {kind: (code, write) for kind, code, write, _ in _TYPES}
_READ: Final = {code: read for _, code, _, read in _TYPES}

#: Types that are kept as they are, and cannot change in place.
PLAIN: Final = frozenset({type(None), bool, int, float, str, bytes})
#: All that cannot.
UNCHANGING: Final = PLAIN | _WRITE.keys()
_BASES: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, bytes),
)
_NAMES: Final = frozenset({str})
_DEPTH: Final = 64

#: Where a value stands: the name in the session, or the place around it and the index or key in that.
_Place = str | tuple["_Place", object]


def _extension(code: int, data: memoryview) -> Any:
    if code not in _READ:
        raise ValueError(f"unknown extension {code}")
    return _READ[code](str(data, "utf-8"))


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(dict[str, Any], ext_hook=_extension)
#: :func:`decode` but for the error, one of :data:`UNREADABLE`; every request that reads its session comes here.
read: Final = _decoder.decode
_value_decoder: Final = msgspec.msgpack.Decoder(ext_hook=_extension)
#: The same of :func:`decode_value`.
read_value: Final = _value_decoder.decode
#: :func:`join` of what :func:`split` and :func:`changed` return, in a quarter of the time.
rejoin: Final = _encoder.encode
_splitter: Final = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])

#: What reading may come to: a value of a type of ours that is none (ValueError, ArithmeticError), or too many levels.
UNREADABLE: Final = (ValueError, ArithmeticError, RecursionError)

EMPTY: Final = _encoder.encode({})


def encode(name: str, value: Any) -> bytes:
    """Write one value; raise SessionError, naming the place, for what a session can't keep.

    >>> decode_value(encode("cart", {"items": [1, 2], "price": Decimal("9.90")}))
    {'items': [1, 2], 'price': Decimal('9.90')}
    """
    try:
        return _encoder.encode(value if type(value) in PLAIN else _plain(value, name, 0))
    except (OverflowError, UnicodeEncodeError) as error:
        raise SessionError(f"session[{name!r}] can't be kept: {_why(error)}") from None


def snapshot(name: str, value: Any) -> bytes:
    """Return bytes that are others as soon as anything in a value has changed; to compare, never to keep.

    A bytearray is not told from equal bytes, of which it is no change yet. Raise SessionError for some of what a session
    can't keep; of the rest :func:`encode` does.
    """
    # Of plain values in lists and dicts marshal tells every type and the order too, in a fifth of the time of encode().
    # With version 3 it would also tell how many others hold on to them.
    try:
        return dumps(value, 2)
    except ValueError:
        return encode(name, value)


def _why(error: Exception) -> str:
    if isinstance(error, OverflowError):
        return "an int must lie between -2**63 and 2**64 - 1; keep it as text"
    return "text with lone surrogates has no UTF-8"


def _plain(value: Any, where: _Place, depth: int) -> Any:
    """Return a value as MessagePack knows it."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if depth > _DEPTH:
        raise _unkept(where, f"it is nested more than {_DEPTH} deep, or in itself")
    if kind in _WRITE:
        code, write = _WRITE[kind]
        return msgspec.msgpack.Ext(code, write(value).encode())
    # A list of numbers is as plain as they are, and so is a dict: to see that takes a tenth of the time of copying it.
    if kind is list or isinstance(value, (list, tuple)):
        if kind is list and PLAIN.issuperset(map(type, value)):
            return value
        return [_plain(item, (where, index), depth + 1) for index, item in enumerate(value)]
    if kind is dict or isinstance(value, Mapping):
        if (
            kind is dict
            and _NAMES.issuperset(map(type, value))
            and PLAIN.issuperset(map(type, value.values()))
        ):
            return value
        for key in value:
            if not isinstance(key, str):
                raise _unkept(where, f"the key {key!r} is not text")
        return {str(key): _plain(item, (where, key), depth + 1) for key, item in value.items()}
    # A text that knows it is safe HTML, the member of an enum: what it says is kept, not how it looks when printed.
    for base, write in _BASES:
        if isinstance(value, base):
            return write(value)
    raise _unkept(
        where,
        f"{kind.__name__} is none of None, bool, int, float, str, bytes, list, dict, datetime, date, time, UUID, Decimal",
    )


def _unkept(where: _Place, why: str) -> SessionError:
    """Return the error for what can't be kept; its place is only now written out."""
    steps = ""
    while not isinstance(where, str):
        where, step = where
        steps = f"[{step!r}]{steps}"
    return SessionError(f"session[{where}{steps}] can't be kept: {why}")


def decode(data: bytes) -> dict[str, Any]:
    """Read all values of a record; raise ValueError for what we have not written."""
    try:
        return read(data)
    except UNREADABLE as error:
        raise unreadable(error) from None


def unreadable(error: Exception) -> ValueError:
    """Return what is raised for data that we have not written."""
    return ValueError(f"is no session data: {error}")


def decode_value(data: bytes) -> Any:
    """Read one value; raise ValueError for what we have not written."""
    try:
        return read_value(data)
    except UNREADABLE as error:
        raise ValueError(f"is no session value: {error}") from None


def split(data: bytes) -> dict[str, msgspec.Raw]:
    """Take the data of a record apart into names and values as they are written."""
    return _splitter.decode(data)


def changed(values: Mapping[str, msgspec.Raw], changes: Mapping[str, bytes | None]) -> dict[str, msgspec.Raw]:
    """Return written values with some of them changed; None removes one."""
    result = {**values}
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = msgspec.Raw(value)
    return result


def most(data: bytes, changes: Mapping[str, bytes | None]) -> int:
    """Return how many bytes written data may have at most after some changes, without looking into them."""
    # Each name and the number of names are written with their lengths, in five bytes at most.
    return (
        len(data)
        + 5
        + sum(5 + 4 * len(name) + len(value) for name, value in changes.items() if value is not None)
    )


def join(values: Mapping[str, bytes | msgspec.Raw]) -> bytes:
    """Put written values together again.

    >>> decode(join({"a": encode("a", 1), "b": encode("b", None)}))
    {'a': 1, 'b': None}
    """
    return _encoder.encode(
        {
            name: value if isinstance(value, msgspec.Raw) else msgspec.Raw(value)
            for name, value in values.items()
        }
    )
