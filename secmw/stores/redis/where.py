"""Where a Redis is, read from its URL. Pure; what is said of a URL never repeats it, for it may hold a password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from ssl import SSLContext

PREFIX: Final = "secmw:"
"""What the names of all our keys begin with, unless the URL says otherwise."""

_WRITE: Final = (
    "write redis://host:6379/0, rediss://user:password@host:6379/0 or redis+unix:///run/redis.sock?db=0"
)
_TCP: Final = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_UNIX: Final = ("unix", "redis+unix", "valkey+unix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Say how a server is reached, and where our keys are; ``authority`` is a file of certificates that are trusted."""

    host: str = "localhost"
    port: int = 6379
    path: str = ""
    database: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    authority: str = ""
    prefix: str = PREFIX

    def context(self) -> SSLContext:
        """Make the context of a TLS connection."""
        import ssl

        return ssl.create_default_context(cafile=self.authority or None)

    def greeting(self) -> list[tuple[bytes, ...]]:
        """Return what a new connection says first; a server that does not answer PING is none."""
        said: list[tuple[bytes, ...]] = []
        if self.password:
            names = (self.user.encode(),) if self.user else ()
            said.append((b"AUTH", *names, self.password.encode()))
        if self.database:
            said.append((b"SELECT", b"%d" % self.database))
        return said or [(b"PING",)]


def parse(url: str) -> Where:
    """Read a URL; raise ValueError, saying what to write, for one that is none of a Redis.

    >>> parse("rediss://app:secret@db/2?prefix=shop:")
    Where(host='db', port=6379, path='', database=2, user='app', tls=True, authority='', prefix='shop:')
    """
    scheme = url.partition(":")[0].lower()
    if scheme.endswith(("+sentinel", "+cluster")):
        raise ValueError(f"Sentinel and Cluster can't be used yet; {_WRITE}")
    if scheme not in _TCP and scheme not in _UNIX:
        raise ValueError(f"there is no Redis behind this scheme; {_WRITE}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        # What urllib says repeats a part of it.
        raise ValueError(f"is not the URL of a Redis; {_WRITE}") from None
    local = scheme in _UNIX
    path, database = unquote(parts.path), options.pop("db", "")
    if local:
        if host or port or not path.strip("/"):
            raise ValueError("a unix socket needs an absolute path; write redis+unix:///run/redis.sock?db=0")
    elif not host:
        raise ValueError(f"the host is missing; {_WRITE}")
    elif path.strip("/"):
        database, path = path.strip("/"), ""
    tls = not local and _TCP[scheme]
    authority, prefix = options.pop("ca", ""), options.pop("prefix", PREFIX)
    if options or parts.fragment:
        raise ValueError("a Redis takes no option but db, prefix and ca; a password goes before the host")
    if authority and not tls:
        raise ValueError("ca needs TLS; write rediss://host:6379/0?ca=/etc/ssl/redis.pem")
    if not (database.isascii() and database.isdigit()) and database:
        raise ValueError("the database must be a number; write redis://host:6379/0")
    return Where(
        host=host or "",
        port=6379 if port is None else port,
        path=path if local else "",
        database=int(database or 0),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        authority=authority,
        prefix=prefix,
    )
