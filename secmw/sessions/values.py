"""Values: what a session holds, and which names of it one request read, lent out and changed. Pure.

Only changes are written, and only the names they are about, so that requests side by side do not undo each other. What is
lent out (a list, a dict) is compared with what it was when the response starts, so that a change in place is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from secmw.errors import SessionError
from secmw.sessions import codec

if TYPE_CHECKING:
    from secmw.sessions.rules import Rules


#: Nothing was asked for, but values that can be changed in place were handed out.
LENT: Final = "lent"


class Original(NamedTuple):
    """Be a list or a dict of a record that many requests read: as it is written, to make a copy of for each, and its snapshot."""

    written: bytes
    snapshot: bytes


class Values(MutableMapping[str, Any]):
    """Be a mapping of names to values that knows what became of it; :class:`secmw.sessions.session.Session` is one.

    Raise SessionError, at once, for a value that can't be kept.
    """

    rules: Rules
    #: Whether there is something to write, or, :data:`LENT`, may be; and whether anything was looked at: then the response is
    #: one person's.
    pending: bool | str
    read = False

    _data: dict[str, Any] | None
    _base = codec.EMPTY
    #: The values where this process has read the same record before: for looking at, while there are no data of our own. A list
    #: or a dict that was lent out of it once is an :class:`Original` from then on.
    _glimpse: dict[str, Any] | None = None
    _changes: dict[str, bytes | None] | None = None
    #: What was handed out and can be changed in place, with its snapshot from before.
    _lent: dict[str, tuple[Any, bytes]] | None = None
    #: The data as they were when they were read, and the names that this request has written since.
    _first = codec.EMPTY
    _own: frozenset[str] = frozenset()
    _strict = False

    def strict(self) -> None:
        """Have the changes of this request refused (409) if another request changed the same names meanwhile."""
        self._strict = True

    @property
    def data(self) -> dict[str, Any]:
        """All values that are this application's, as they are now; for what is lent out of it nobody looks after."""
        return self._decoded() if self._data is None else self._data

    def _look(self) -> Mapping[str, Any]:
        data = self._data
        return (self._glimpse or self._looked_into()) if data is None else data

    def _looked_into(self) -> Mapping[str, Any]:
        """Return the values, for looking at; a list or a dict among them is not to be handed out."""
        return self._decoded()

    def _decoded(self) -> dict[str, Any]:
        # What was looked at once stays what it was, whatever another request has written meanwhile.
        base = self._first = self._base if self._glimpse is None else self._first
        try:
            data = self._data = self.rules.read(base)
        except codec.UNREADABLE as error:
            raise codec.unreadable(error) from None
        if self._lent is not None:
            data.update((name, value) for name, (value, _) in self._lent.items())
        return data

    def __getitem__(self, name: str) -> Any:
        self.read = True
        data: Mapping[str, Any] | None = self._data
        if data is None:
            data = self._glimpse or self._looked_into()
        value = data[name]
        kind = type(value)
        if kind is list or kind is dict or kind is Original:
            return self._lend(name, value)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        self.read = True
        data: Mapping[str, Any] | None = self._data
        if data is None:
            data = self._glimpse or self._looked_into()
        if name not in data:
            return default
        value = data[name]
        kind = type(value)
        if kind is list or kind is dict or kind is Original:
            return self._lend(name, value)
        return value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a value; where there is none, put the default there first."""
        if name not in self:
            self[name] = default
        return self[name]

    def __contains__(self, name: object) -> bool:
        self.read = True
        return name in self._look()

    def __iter__(self) -> Iterator[str]:
        self.read = True
        return iter(list(self._look()))

    def __len__(self) -> int:
        self.read = True
        return len(self._look())

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
        if type(value) not in codec.UNCHANGING:
            # Whoever put it there may go on filling it.
            self._lend(name, value)

    def __delitem__(self, name: str) -> None:
        self._writable()
        self.read = True
        del self.data[name]
        # What was not there when this request read the session, and is not its own, is not its to remove.
        self._change(name, None, gone=name not in self._own and name not in self.rules.split(self._first))

    def clear(self) -> None:
        """Remove every name that was there when this request read the session; others stay, and other applications' do."""
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

    def _lend(self, name: str, value: Any) -> Any:
        """Hand out a value that can be changed in place, and take note of what it was; of one that others look at too, a copy."""
        lent = self._lent
        if lent is None:
            lent = self._lent = {}
        elif name in lent:
            return lent[name][0]
        if self._data is not None or self._glimpse is None:
            before = codec.snapshot(name, value)
        else:
            if type(value) is not Original:
                value = Original(codec.encode(name, value), codec.snapshot(name, value))
                self._glimpse[name] = value
            written, before = value
            value = codec.read_value(written)
        lent[name] = value, before
        self.pending = self.pending or LENT
        return value

    @property
    def due(self) -> bool:
        """Whether there is something to write, or may be soon: of what was only lent, whether it was changed in place.

        A value that can't be kept counts as changed; :meth:`changes` says so.
        """
        if self.pending is LENT:
            try:
                for name, (value, before) in (self._lent or {}).items():
                    if codec.snapshot(name, value) != before:
                        break
                else:
                    return False
            except SessionError:
                pass
            self.pending = True
        return bool(self.pending)

    def changes(self) -> dict[str, bytes | None]:
        """Return the names that this request changed, as they are kept: written value, None for removed.

        Raise SessionError for a value that was changed in place into something that can't be kept.
        """
        changes = self._changes if self._changes is not None else {}
        lent = self._lent or {}
        for name, (value, before) in lent.items():
            after = codec.snapshot(name, value)
            if after != before:
                changes[name] = codec.encode(name, value)
                lent[name] = value, after
                self.pending = True
        self._changes = changes
        stored = self.rules.stored
        return changes if stored is None else {stored(name): value for name, value in changes.items()}

    def expected(self, names: dict[str, bytes | None]) -> dict[str, bytes | None]:
        """Return what stood under some names, as they are kept, when this request read the session, if it asked to be strict."""
        if not self._strict:
            return {}
        before = codec.split(self._base)
        return {name: bytes(before[name]) if name in before else None for name in names}

    def whole(self) -> bytes:
        """Return all data, of other applications too, changes included, as a new record holds them."""
        return codec.rejoin(codec.changed(codec.split(self._base), self.changes()))

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
