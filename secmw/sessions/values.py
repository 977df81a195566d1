"""Values: what a session holds, and which names of it one request read, lent out and changed. Pure.

Only changes are written, and only the names they are about, so that requests side by side do not undo each other. What is
lent out (a list, a dict) is compared with what it was when the response starts, so that a change in place is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from secmw.errors import SessionError
from secmw.sessions import codec

if TYPE_CHECKING:
    from secmw.sessions.rules import Rules


class Values(MutableMapping[str, Any]):
    """Be a mapping of names to values that knows what became of it; :class:`secmw.sessions.session.Session` is one.

    Raise SessionError, at once, for a value that can't be kept.
    """

    rules: Rules
    #: Whether there may be something to write, and whether anything was looked at: then the response is one person's.
    pending: bool
    read = False

    _data: dict[str, Any] | None
    _base = codec.EMPTY
    _changes: dict[str, bytes | None] | None = None
    _lent: dict[str, bytes] | None = None
    #: The data as they were when they were read, and the names that this request has written since.
    _first = codec.EMPTY
    _own: frozenset[str] = frozenset()
    _strict = False

    def strict(self) -> None:
        """Have the changes of this request refused (409) if another request changed the same names meanwhile."""
        self._strict = True

    @property
    def data(self) -> dict[str, Any]:
        """All values, as they are now; for what is lent out of it nobody looks after."""
        return self._decoded() if self._data is None else self._data

    def _decoded(self) -> dict[str, Any]:
        base = self._first = self._base
        try:
            data = self._data = codec.read(base)
        except codec.UNREADABLE as error:
            raise codec.unreadable(error) from None
        return data

    def __getitem__(self, name: str) -> Any:
        self.read = True
        data = self._data
        if data is None:
            data = self._decoded()
        value = data[name]
        kind = type(value)
        if kind is list or kind is dict:
            self._lend(name, value)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        self.read = True
        data = self._data
        if data is None:
            data = self._decoded()
        if name not in data:
            return default
        value = data[name]
        kind = type(value)
        if kind is list or kind is dict:
            self._lend(name, value)
        return value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a value; where there is none, put the default there first."""
        if name not in self:
            self[name] = default
        return self[name]

    def __contains__(self, name: object) -> bool:
        self.read = True
        return name in self.data

    def __iter__(self) -> Iterator[str]:
        self.read = True
        return iter(list(self.data))

    def __len__(self) -> int:
        self.read = True
        return len(self.data)

    def __setitem__(self, name: str, value: Any) -> None:
        self._writable()
        check_text("a name in a session", name)
        written = codec.encode(name, value)
        if len(written) > self.rules.max_size:
            raise SessionError(
                f"session[{name!r}] would take {len(written)} bytes; sessions.max_size allows {self.rules.max_size}"
                " for all values; keep large things in a database, and their key here"
            )
        self.data[name] = value
        self._change(name, written)
        if type(value) not in codec.PLAIN:
            # Whoever put it there may go on filling it.
            self._lend(name, value)

    def __delitem__(self, name: str) -> None:
        self._writable()
        self.read = True
        del self.data[name]
        # What was not there when this request read the session, and is not its own, is not its to remove.
        self._change(name, None, gone=name not in self._own and name not in codec.split(self._first))

    def clear(self) -> None:
        """Remove every name that was there when this request read the session; others stay."""
        for name in list(self.data):
            del self[name]

    def _change(self, name: str, written: bytes | None, *, gone: bool = False) -> None:
        if self._changes is None:
            self._changes = {}
        if gone:
            self._changes.pop(name, None)
        else:
            self._changes[name] = written
        if self._lent is not None:
            self._lent.pop(name, None)
        self.pending = True

    def _lend(self, name: str, value: Any) -> None:
        """Take note of a value that can be changed in place."""
        if self._lent is None:
            self._lent = {}
        if name not in self._lent:
            self._lent[name] = codec.encode(name, value)
            self.pending = True

    def changes(self) -> dict[str, bytes | None]:
        """Return the names that this request changed: written value, None for removed.

        Raise SessionError for a value that was changed in place into something that can't be kept.
        """
        changes = self._changes if self._changes is not None else {}
        if self._lent:
            for name, before in self._lent.items():
                after = codec.encode(name, self.data[name])
                if after != before:
                    changes[name] = self._lent[name] = after
        self._changes = changes
        return changes

    def expected(self, names: dict[str, bytes | None]) -> dict[str, bytes | None]:
        """Return what stood under some names when this request read the session, if it asked to be strict."""
        if not self._strict:
            return {}
        before = codec.split(self._base)
        return {name: bytes(before[name]) if name in before else None for name in names}

    def whole(self) -> bytes:
        """Return all data, changes included, as a new record holds them."""
        values: dict[str, Any] = dict(codec.split(self._base))
        for name, value in self.changes().items():
            if value is None:
                values.pop(name, None)
            else:
                values[name] = value
        return codec.join(values)

    def _writable(self) -> None:
        """Raise SessionError where nothing can be written."""
        raise NotImplementedError


def check_text(what: str, given: object) -> None:
    """Raise SessionError for what can't be written out as text."""
    if not isinstance(given, str):
        raise SessionError(f"{what} is text, not {type(given).__name__}")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise SessionError(f"{what} can't be kept: text with lone surrogates has no UTF-8") from None
