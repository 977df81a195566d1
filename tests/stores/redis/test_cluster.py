"""Where a key of a Cluster lies, and whom to ask next: ways taken step by step, through a Cluster of functions."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from secmw.errors import StoreError
from secmw.stores.redis import scripts
from secmw.stores.redis.asking import Ask, Command, Refused, UnreachedError
from secmw.stores.redis.cluster import SLOTS, Cluster, key_of, read, slot
from secmw.stores.redis.where import Node, parse

ONE, TWO, THREE = Node("one", 1), Node("two", 2), Node("three", 3)
GET = (b"GET", b"a")
HALF = SLOTS // 2
WHO = (b"CLUSTER", b"SLOTS")


def told(*masters: Node, replica: Node | None = None) -> list[Any]:
    """Return what a node says of a Cluster whose masters share the slots."""
    borders = [number * SLOTS // len(masters) for number in range(len(masters) + 1)]
    more = [[replica.host.encode(), replica.port, b"id", []]] if replica else []
    return [
        [borders[number], borders[number + 1] - 1, [node.host.encode(), node.port, b"id", []], *more]
        for number, node in enumerate(masters)
    ]


class Nodes:
    """Be a Cluster: what each node answers to a command, and what each was asked."""

    def __init__(self, *masters: Node, url: str = "redis+cluster://one:1,two:2") -> None:
        self.map: Any = told(*masters)
        self.cluster = Cluster(parse(url))
        self.asked: list[tuple[Node, tuple[Command, ...], int]] = []
        self.failing: dict[Node, StoreError] = {}
        self.answer: Callable[[Node, Command], Any] = lambda node, command: (node, command)

    def ask(self, *commands: Command, **more: Any) -> list[Any]:
        """Take a way to its end."""
        answers: list[Any] = self.walk(self.cluster.way(Ask(commands, **more)))
        return answers

    def walk(self, way: Generator[Any, Any, Any]) -> Any:
        outcomes = None
        try:
            while True:
                outcomes = [self._outcome(node, asked) for node, asked in way.send(outcomes)]
        except StopIteration as end:
            return end.value

    def sent(self) -> list[tuple[Node, tuple[Command, ...], int]]:
        """Return what was asked since the last time."""
        sent, self.asked = self.asked, []
        return sent

    def _outcome(self, node: Node, asked: Ask) -> Any:
        self.asked.append((node, tuple(asked.commands), asked.copies))
        if node in self.failing:
            return self.failing[node]
        return [self.map if command == WHO else self.answer(node, command) for command in asked.commands]


@given(st.binary(max_size=30) | st.from_regex(rb"\w*\{[\w{}]*\}\w*", fullmatch=True))
def test_a_key_lies_where_the_others_say(key: bytes) -> None:
    """As in redis-py."""
    assert slot(key) == key_slot(key)


def test_every_command_has_one_key() -> None:
    assert key_of(GET) == b"a"
    assert (
        key_of(scripts.END.call(b"key", b"1")) == key_of(scripts.in_full(scripts.END.call(b"key"))) == b"key"
    )


def test_each_command_goes_to_the_node_of_its_key_and_answers_come_in_order() -> None:
    nodes = Nodes(ONE, TWO)
    commands = [(b"GET", b"%d" % number) for number in range(20)]
    owners = [ONE if slot(key_of(command)) < HALF else TWO for command in commands]
    assert {ONE, TWO} == set(owners)
    assert nodes.ask(*commands) == list(zip(owners, commands, strict=True))
    first, *others = nodes.sent()
    assert first == (ONE, (WHO,), 0)
    assert len(others) == 2
    # What is known is not asked again.
    nodes.ask(GET)
    assert nodes.sent() == [(owners[0] if slot(b"a") < HALF else TWO, (GET,), 0)]


def test_a_slot_that_has_moved_is_asked_for_where_it_is_from_then_on() -> None:
    nodes = Nodes(ONE)
    nodes.ask(GET)
    nodes.sent()
    nodes.answer = lambda node, _: Refused(f"MOVED {slot(b'a')} two:2") if node == ONE else b"x"
    assert nodes.ask(GET) == [b"x"]
    assert nodes.sent() == [(ONE, (GET,), 0), (TWO, (GET,), 0)]
    # Nobody had told of that node: it is asked what else it has, and once.
    nodes.map = told(TWO)
    assert nodes.ask(GET) == nodes.ask(GET) == [b"x"]
    assert nodes.sent() == [(ONE, (WHO,), 0), (TWO, (GET,), 0), (TWO, (GET,), 0)]


def test_a_slot_that_moves_to_a_known_node_costs_no_question_for_the_others() -> None:
    nodes = Nodes(ONE, TWO)
    nodes.ask(GET)
    nodes.sent()
    (owner,) = {ONE if slot(b"a") < HALF else TWO}
    other = TWO if owner == ONE else ONE
    moved = f"MOVED {slot(b'a')} {other.host}:{other.port}"
    nodes.answer = lambda node, _: Refused(moved) if node == owner else b"x"
    assert nodes.ask(GET) == nodes.ask(GET) == [b"x"]
    assert [node for node, *_ in nodes.sent()] == [owner, other, other]


def test_a_slot_on_its_way_is_asked_for_elsewhere_once() -> None:
    nodes = Nodes(ONE)

    def answer(node: Node, command: Command) -> Any:
        if node == TWO:
            return b"OK" if command == (b"ASKING",) else b"x"
        return Refused(f"ASK {slot(b'a')} two:2") if command == GET else b"y"

    nodes.answer = answer
    assert nodes.ask(GET, (b"GET", b"b"), copies=1) == [b"x", b"y"]
    assert nodes.sent()[1:] == [(ONE, (GET, (b"GET", b"b")), 0), (TWO, ((b"ASKING",), GET), 0)]
    assert nodes.ask(GET) == [b"x"]
    assert [node for node, *_ in nodes.sent()] == [ONE, TWO]


def test_nodes_that_send_us_in_circles_are_a_store_error() -> None:
    nodes = Nodes(ONE, TWO)
    nodes.answer = lambda node, _: Refused(f"MOVED {slot(b'a')} {'two:2' if node == ONE else 'one:1'}")
    with pytest.raises(StoreError, match="don't agree"):
        nodes.ask(GET)
    assert len(nodes.sent()) < 10


def test_who_can_not_be_reached_was_told_nothing_and_another_is_asked() -> None:
    """Its replica has taken its place; a write too."""
    nodes = Nodes(ONE)
    nodes.ask(GET)
    nodes.sent()
    nodes.failing[ONE] = UnreachedError("gone")
    nodes.map = told(TWO)
    assert nodes.ask((b"SET", b"a", b"1")) == [(TWO, (b"SET", b"a", b"1"))]
    assert [node for node, *_ in nodes.sent()] == [ONE, TWO, TWO]


def test_what_may_have_been_carried_out_is_not_asked_again() -> None:
    nodes = Nodes(ONE)
    nodes.ask(GET)
    nodes.failing[ONE] = StoreError("Redis has closed the connection")
    nodes.map = told(TWO)
    nodes.sent()
    with pytest.raises(StoreError, match="has closed"):
        nodes.ask(GET)
    assert [node for node, *_ in nodes.sent()] == [ONE]
    # The next one asks first who has what, and the node that failed last of all.
    assert nodes.ask(GET) == [(TWO, GET)]
    assert [node for node, *_ in nodes.sent()] == [TWO, TWO]


def test_a_cluster_of_which_nobody_answers_is_a_store_error() -> None:
    """RB-02"""
    nodes = Nodes(ONE)
    nodes.failing = {ONE: UnreachedError("gone"), TWO: UnreachedError("gone too")}
    with pytest.raises(StoreError, match="gone"):
        nodes.ask(GET)
    assert len(nodes.sent()) == 2
    nodes.failing = {}
    nodes.map = []
    with pytest.raises(StoreError, match="knows who has what"):
        nodes.ask(GET)
    nodes.map = Refused("ERR This instance has cluster support disabled")
    with pytest.raises(StoreError, match=r"Redis refused: ERR$"):
        nodes.ask(GET)


@pytest.mark.parametrize("code", ["CLUSTERDOWN", "LOADING", "READONLY", "MASTERDOWN"])
def test_a_node_that_can_not_answer_makes_us_ask_who_has_what(code: str) -> None:
    nodes = Nodes(ONE)
    nodes.answer = lambda _, __: Refused(f"{code} for some reason")
    (answer,) = nodes.ask(GET)
    assert answer.code == code
    nodes.sent()
    nodes.ask(GET)
    assert nodes.sent()[0][1] == (WHO,)


def test_a_slot_that_nobody_has_is_a_store_error() -> None:
    nodes = Nodes(ONE)
    nodes.map[0][1] = slot(b"a") - 1
    with pytest.raises(StoreError, match="no node of the Cluster has this slot"):
        nodes.ask(GET)


def test_what_ends_a_session_is_confirmed_where_there_are_replicas() -> None:
    """Anywhere: a master that has lost its own is no reason to believe it without."""
    for url, replica, expected in (
        ("redis+cluster://one:1", None, 0),
        ("redis+cluster://one:1", THREE, 1),
        ("redis+cluster://one:1?confirm=0", THREE, 0),
        ("redis+cluster://one:1?confirm=2", None, 2),
    ):
        where = parse(url)
        nodes = Nodes(ONE, url=url)
        nodes.map = [*told(ONE, TWO), *told(ONE, replica=replica)]
        nodes.ask(GET, copies=where.copies)
        assert nodes.sent()[-1][2] == expected


def test_the_keys_of_all_masters_are_gone_through_one_after_another() -> None:
    """And a Cluster that has shrunk meanwhile ends the round."""
    nodes = Nodes(ONE, TWO)
    cursors = {b"0": b"7", b"7": b"0"}
    nodes.answer = lambda node, command: [cursors[command[1]], [node.host.encode() + command[1]]]
    seen, cursor = [], b"0"
    for _ in range(4):
        ((cursor, names),) = nodes.ask((b"SCAN", cursor, b"COUNT", b"5"))
        seen += names
    assert seen == [b"one0", b"one7", b"two0", b"two7"]
    assert cursor == b"0"
    ((cursor, _),) = nodes.ask((b"SCAN", b"1:7"))
    assert cursor == b"0"
    assert nodes.ask((b"SCAN", b"5:7")) == [[b"0", []]]
    nodes.answer = lambda _, __: Refused("NOPERM")
    assert nodes.ask((b"SCAN", b"0"))[0].code == "NOPERM"
    nodes.failing[ONE] = StoreError("gone")
    with pytest.raises(StoreError, match="gone"):
        nodes.ask((b"SCAN", b"0"))


def test_a_node_without_a_name_has_the_one_we_called_it_by() -> None:
    """Redis says nothing, or '?', where it can't know how others reach it."""
    answer = [[0, 5, [None, 7, b"id"]], [6, 9, [b"?", 8, b"id"]], [10, SLOTS - 1, [b"", 9, b"id"]]]
    assert read(answer, ONE).masters == [Node("one", 7), Node("one", 8), Node("one", 9)]
    nodes = Nodes(ONE)
    nodes.answer = lambda node, _: Refused(f"MOVED {slot(b'a')} :7") if node == ONE else b"x"
    assert nodes.ask(GET) == [b"x"]
    assert nodes.sent()[-1][0] == Node("one", 7)


_SAID = st.recursive(
    st.none() | st.integers() | st.binary(max_size=4), lambda inner: st.lists(inner, max_size=4)
)


@given(_SAID, st.sampled_from(["MOVED", "ASK"]), st.text(" :0123456789x", min_size=1, max_size=12))
def test_what_is_no_answer_is_a_store_error_and_nothing_else(said: Any, code: str, elsewhere: str) -> None:
    """Or it is one: nobody who waits is left without a word."""
    nodes = Nodes(ONE)
    nodes.answer = lambda _, __: Refused(f"{code} {elsewhere}")
    with pytest.raises(StoreError):
        nodes.ask(GET)
    nodes.answer = lambda _, __: b"x"
    nodes.map, nodes.cluster = said, Cluster(parse("redis+cluster://one:1"))
    with pytest.raises(StoreError):
        nodes.ask(GET)


def test_the_masters_are_asked_for_anew() -> None:
    nodes = Nodes(ONE, TWO)
    assert nodes.walk(nodes.cluster.masters()) == ([ONE, TWO], False)
    nodes.map = told(TWO, replica=THREE)
    assert nodes.walk(nodes.cluster.masters()) == ([TWO], True)
    assert nodes.cluster.nodes == {ONE, TWO}
