"""Where a Redis is, read from its URL. Pure; what is said of a URL never repeats it, for it may hold a password."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from secmw.errors import StoreError

if TYPE_CHECKING:
    from ssl import SSLContext

PREFIX: Final = "secmw:"
"""What the names of all our keys begin with, unless the URL says otherwise."""

_WRITE: Final = (
    "write redis://host:6379/0, rediss://user:password@host:6379/0, redis+unix:///run/redis.sock?db=0, "
    "redis+sentinel://host1:26379,host2:26379/mymaster or redis+cluster://host1:6379,host2:6379"
)
_SENTINEL: Final = "write redis+sentinel://host1:26379,host2:26379/mymaster/0"
_CLUSTER: Final = "write redis+cluster://host1:6379,host2:6379"
_TCP: Final = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_UNIX: Final = ("unix", "redis+unix", "valkey+unix")
_PORTS: Final = {"": 6379, "sentinel": 26379, "cluster": 6379}

Kind = Literal["", "sentinel", "cluster"]


class Node(NamedTuple):
    """Be the address of one server."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Say how a server is reached, and where our keys are; ``authority`` is a file of certificates that are trusted.

    ``nodes`` are the sentinels that know the ``master`` of that name, or some nodes of a Cluster. ``confirm`` is how many
    replicas must have what ends a session before it counts; None leaves that to what is known of them. A new connection
    says ``last`` at the end of its greeting.
    """

    host: str = "localhost"
    port: int = 6379
    path: str = ""
    database: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    authority: str = ""
    prefix: str = PREFIX
    kind: Kind = ""
    nodes: tuple[Node, ...] = ()
    master: str = ""
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)
    confirm: int | None = None
    last: tuple[bytes, ...] = ()

    @property
    def copies(self) -> int:
        """How many replicas must have what ends a session; one alone has none that is known."""
        return self.confirm if self.confirm is not None else int(bool(self.kind))

    @property
    def name(self) -> str:
        """What it is called when something is said of it."""
        return self.master or self.path or f"{self.host}:{self.port}"

    def context(self) -> SSLContext:
        """Make the context of a TLS connection."""
        import ssl

        return ssl.create_default_context(cafile=self.authority or None)

    def at(self, node: Node) -> Where:
        """Return how one server is reached by itself."""
        return replace(self, host=node.host, port=node.port, nodes=())

    def sentinel(self, node: Node) -> Where:
        """Return how a sentinel is reached, and asked for the master."""
        return replace(
            self.at(node),
            database=0,
            user=self.sentinel_user,
            password=self.sentinel_password,
            last=(b"SENTINEL", b"MASTER", self.master.encode()),
        )

    def named(self, node: Node) -> Where:
        """Return how the master is reached that sentinels name, and asked whether it is one."""
        return replace(self.at(node), last=(b"ROLE",))

    def greeting(self) -> list[tuple[bytes, ...]]:
        """Return what a new connection says first; a server that does not answer PING is none."""
        said: list[tuple[bytes, ...]] = []
        if self.password:
            names = (self.user.encode(),) if self.user else ()
            said.append((b"AUTH", *names, self.password.encode()))
        if self.database:
            said.append((b"SELECT", b"%d" % self.database))
        if self.last:
            said.append(self.last)
        return said or [(b"PING",)]

    def greeted(self, answer: Any) -> None:
        """Judge the last answer to a greeting; a server that has become a replica would lose what it is told."""
        if self.last == (b"ROLE",) and not (isinstance(answer, list) and answer[:1] == [b"master"]):
            raise StoreError("the server that the sentinels name is no master")

    def refused(self, code: str) -> StoreError:
        """Return what is to be said of a greeting that was refused."""
        if self.last[:1] == (b"SENTINEL",) and code == "ERR":
            return StoreError("no sentinel there knows a master of that name")
        return StoreError(f"Redis refused: {code}")


def parse(url: str) -> Where:
    """Read a URL; raise ValueError, saying what to write, for one that is none of a Redis.

    >>> where = parse("rediss+sentinel://app:secret@one,two:7000/mymaster/2?prefix=shop:")
    >>> where.nodes, where.master, where.database, where.tls
    ((Node(host='one', port=26379), Node(host='two', port=7000)), 'mymaster', 2, True)
    """
    scheme = url.partition(":")[0].lower()
    local = scheme in _UNIX
    plain, plus, kind = scheme.partition("+")
    if not local and (plain not in _TCP or kind not in _PORTS or (plus and not kind)):
        raise ValueError(f"there is no Redis behind this scheme; {_WRITE}")
    try:
        parts = urlsplit(url)
        users, _, hosts = parts.netloc.rpartition("@")
        user, _, password = users.partition(":")
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        nodes = _nodes(hosts, 0 if local else _PORTS[kind])
    except ValueError:
        # What urllib says repeats a part of it.
        raise ValueError(f"is not the URL of a Redis; {_WRITE}") from None
    if parts.fragment:
        raise ValueError("a '#' ends a URL; one in a password is written %23")
    said: dict[str, Any] = {"user": unquote(user), "password": unquote(password)}
    said["prefix"] = options.pop("prefix", PREFIX)
    said["confirm"] = _number(options.pop("confirm", None), "confirm is how many replicas; write confirm=1")
    database = options.pop("db", None)
    if local:
        path = unquote(parts.path)
        if nodes or not path.strip("/"):
            raise ValueError("a unix socket needs an absolute path; write redis+unix:///run/redis.sock?db=0")
        said |= {"host": "", "path": path}
    else:
        said |= _reached(kind, nodes, unquote(parts.path).strip("/"), options)
        said["tls"], said["authority"] = _TCP[plain], options.pop("ca", "")
        if said["authority"] and not said["tls"]:
            raise ValueError("ca needs TLS; write rediss://host:6379/0?ca=/etc/ssl/redis.pem")
        database = said.pop("database", None) or database
    if options:
        raise ValueError(
            "a Redis takes no option but db, prefix, confirm and ca, and with Sentinel sentinel_user and "
            "sentinel_password; a password goes before the host"
        )
    said["database"] = (
        _number(database or None, "the database must be a number; write redis://host:6379/0") or 0
    )
    if said["database"] and said.get("kind") == "cluster":
        raise ValueError(f"a Cluster has no database but 0; {_CLUSTER}")
    return Where(**said)


def _reached(kind: str, nodes: tuple[Node, ...], path: str, options: dict[str, str]) -> dict[str, Any]:
    """Read where servers are, whichever way they are found."""
    if not nodes:
        raise ValueError(f"the host is missing; {_WRITE}")
    if kind == "sentinel":
        master, _, database = path.partition("/")
        if not master:
            raise ValueError(f"the name of the master is missing; {_SENTINEL}")
        said = {"kind": kind, "nodes": nodes, "master": master, "database": database}
        return said | {name: options.pop(name, "") for name in ("sentinel_user", "sentinel_password")}
    if kind == "cluster":
        return {"kind": kind, "nodes": nodes, "database": path}
    if len(nodes) > 1:
        raise ValueError(f"one Redis has one host; {_SENTINEL} or {_CLUSTER.removeprefix('write ')}")
    return {"host": nodes[0].host, "port": nodes[0].port, "database": path}


def _nodes(hosts: str, port: int) -> tuple[Node, ...]:
    nodes = []
    for host in hosts.split(",") if hosts else ():
        parts = urlsplit(f"//{host}")
        if not parts.hostname:
            raise ValueError
        nodes.append(Node(parts.hostname, port if parts.port is None else parts.port))
    return tuple(nodes)


def _number(value: str | None, otherwise: str) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise ValueError(otherwise)
    return int(value)
