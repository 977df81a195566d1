"""Policies: where they come from, what is made from them, and that a wrong one never exists."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from secmw.config import Cookies, Hsts, Xsrf
from secmw.errors import ConfigError
from secmw.http import ASGI
from secmw.keys import decode_key
from secmw.policy import Policy
from secmw.presets import PRESETS
from tests.config.strategies import ANYTHING, INNER, NAMES, SETTINGS, WORDS, sound
from tests.making import KEY, OTHER_KEY, URL, policy

PRESET_NAMES = st.sampled_from([*PRESETS, "nonsense"])


def problems(given_: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Policy.from_mapping(given_)
    return [problem.setting for problem in caught.value.problems]


# --- presets and what is written


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_has_a_constructor_of_its_name(preset: str) -> None:
    made = getattr(Policy, preset)(secret_keys=[KEY], public_url="https://localhost", sessions=None)
    assert made.preset == preset


def test_what_is_not_written_has_the_presets_value() -> None:
    made = Policy.strict(**sound(referrer_policy="origin"))
    assert made.referrer_policy == "origin"
    assert made.embedder_policy == PRESETS["strict"]["embedder_policy"].value


def test_what_is_written_is_known_apart_from_the_preset() -> None:
    made = Policy.recommended(frame_options="DENY", xsrf=None)
    assert made.written() == {"preset": "recommended", "frame_options": "DENY", "xsrf": None}


def test_without_a_preset_it_is_the_recommended_one() -> None:
    assert Policy.from_mapping(sound()).preset == "recommended"
    assert Policy(**sound()) == Policy.from_mapping(sound())


def test_a_part_keeps_the_presets_value_of_what_it_does_not_name() -> None:
    made = Policy.connect(
        **sound(xsrf={"token": False}, cookies={"readable": ["theme"]}, hsts={"include_subdomains": True})
    )
    assert made.xsrf is not None
    assert (made.xsrf.token, made.xsrf.cookie, made.xsrf.compare) == (False, "RSC-XSRF", True)
    assert (made.cookies.readable, made.cookies.legacy_twin, made.cookies.apply_to) == (
        ("theme",),
        "always",
        "all",
    )
    assert made.hsts == Hsts(max_age=2_592_000, include_subdomains=True)


def test_a_part_given_as_a_value_is_whole() -> None:
    made = Policy.connect(**sound(xsrf=Xsrf(token=False), cookies=Cookies()))
    assert made.xsrf == Xsrf(token=False)
    assert made.cookies == Cookies()


def test_the_short_form_of_a_part_keeps_the_rest_of_it() -> None:
    assert Policy.strict(**sound(hsts="30d")).hsts == Hsts(max_age=2_592_000, include_subdomains=True)
    assert Policy.connect(**sound(xsrf=True)).xsrf == PRESETS["connect"]["xsrf"].value


def test_a_part_that_the_preset_leaves_out_starts_from_its_defaults() -> None:
    made = Policy.development(secret_keys=[KEY], sessions=None, hsts={"max_age": "1d"})
    assert made.hsts == Hsts(max_age=86_400)


@pytest.mark.parametrize("value", [False, "off", "omit", None])
def test_whole_parts_are_switched_off_in_the_words_people_use(value: Any) -> None:
    assert Policy.from_mapping(sound(hsts=value, xsrf=value)).hsts is None
    assert Policy.from_mapping(sound(hsts=value, xsrf=value)).xsrf is None


def test_false_is_a_value_where_it_means_something() -> None:
    assert policy(origin_agent_cluster=False).origin_agent_cluster is False
    assert policy(origin_agent_cluster=None).origin_agent_cluster is None


def test_screening_switched_off_asks_for_no_token() -> None:
    assert Policy.recommended(screening=False, sessions=None).xsrf is None


# --- frozen


def test_a_policy_is_frozen() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        policy().hops = 2  # type: ignore[misc]


def test_a_policy_takes_keywords_only() -> None:
    with pytest.raises(TypeError):
        Policy("recommended")  # type: ignore[call-arg]


def test_a_policy_does_not_change_with_the_lists_it_was_made_of() -> None:
    hosts, csp = ["a.example"], {"img-src": ["'self'"]}
    made = policy(allowed_hosts=hosts, csp=csp)
    hosts.append("evil.example")
    csp["img-src"].append("*")
    csp["script-src"] = ["*"]
    assert made.allowed_hosts == ("a.example",)
    assert made.csp == {"img-src": ("'self'",)}


def test_what_is_done_to_one_policy_is_not_done_to_all() -> None:
    first: Any = policy()
    first.csp["script-src"] = ("*",)
    assert "script-src" not in (policy().csp or {})


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])  # noqa: S301 - our own bytes
def test_a_policy_can_be_copied_and_sent_to_another_process(copied: Any) -> None:
    made = policy(hsts="30d", referrer_policy="origin").at("/x/", frame_options=None)
    found = copied(made)
    assert found == made
    assert found.written() == made.written()


def test_what_was_written_can_not_be_forged() -> None:
    with pytest.raises(ConfigError, match="_written"):
        Policy(_written=frozenset({"hsts"}))
    with pytest.raises(ConfigError):
        msgspec.structs.replace(policy(), hops=2)


# --- every problem at once


def test_every_problem_is_reported_at_once() -> None:
    """RB-10"""
    given_ = {
        "secretkeys": [KEY],
        "hops": 99,
        "referrer_policy": "no-referer",
        "cookies": {"same_site": "lax", "secur": True},
        "paths": {"/x/": {"hops": 2}},
        "public_url": "ftp://app.example",
    }
    assert sorted(problems(given_)) == [
        *("cookies.same_site", "cookies.secur", "hops", 'paths."/x/".hops', "public_url"),
        *("referrer_policy", "secret_keys", "secretkeys"),
    ]


def test_a_setting_of_the_wrong_type_is_reported_once() -> None:
    assert problems(sound(csp=7, xsrf={"exempt": 1})) == ["csp", "xsrf.exempt"]


def test_an_unknown_setting_has_a_did_you_mean() -> None:
    with pytest.raises(ConfigError, match=r"public_ulr: is not a setting; did you mean public_url\?"):
        Policy.recommended(**sound(public_ulr="x"))


def test_a_preset_that_is_none_is_a_problem_like_any_other() -> None:
    assert problems(sound(preset="paranoid", hops=0)) == ["preset", "hops"]
    assert problems(sound(preset=[])) == ["preset"]


@pytest.mark.parametrize(
    "given_", [{1: 2}, {None: None}, {("hsts",): 1}, {"xsrf": {1: 2}}, {"paths": {1: {}}}]
)
def test_names_that_are_no_text_are_problems(given_: dict[Any, Any]) -> None:
    assert problems(sound() | given_)


# --- anything at all


@given(SETTINGS, PRESET_NAMES, st.booleans())
@example({"hsts": 10**400}, "recommended", True)
@example({"nel": {"a": [[{}]]}}, "recommended", True)
@example({"csp": {"": []}, "paths": {"/x/": {"csp": {"": []}}}}, "strict", True)
@example({"origin_agent_cluster": False, "hsts": {"max_age": 1e300}}, "connect", True)
@example({"custom_headers": {"X-A": None}}, "workbench", True)
def test_any_mapping_is_a_policy_or_a_config_error(given_: dict[str, Any], preset: str, rest: bool) -> None:
    whole = {**(sound() if rest else {}), "preset": preset, **given_}
    try:
        made = Policy.from_mapping(whole)
    except ConfigError as error:
        found = [problem.message for problem in error.problems]
    else:
        found = ["none"]
        assert set(made.written()) == set(whole)
        assert Policy.from_mapping(made.written()) == made
    assert found
    assert all(found)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=4), st.sampled_from(["/x/", "/", "x", ""]))
def test_any_path_class_is_a_policy_or_a_config_error(given_: dict[str, Any], prefix: str) -> None:
    with contextlib.suppress(ConfigError):
        made = policy().at(prefix, **given_)
        assert made.within(prefix).paths == {}
        made.compile(ASGI)


@given(
    st.dictionaries(
        st.one_of(
            st.sampled_from(NAMES),
            st.builds(
                "{}__{}".format, st.sampled_from(["hsts", "xsrf", "cookies", "hops"]), st.sampled_from(INNER)
            ),
        ).map(lambda name: f"SECMW_{name.upper()}"),
        st.one_of(WORDS, st.text(max_size=10), st.sampled_from(["{}", "[]", '{"a": 1}', '["a"]', "[["])),
        max_size=4,
    )
)
def test_any_environment_is_a_policy_or_a_config_error(environ: dict[str, str]) -> None:
    base = {"SECMW_SECRET_KEYS": KEY, "SECMW_PUBLIC_URL": URL, "SECMW_SESSIONS": "off"}
    with contextlib.suppress(ConfigError):
        Policy.from_env({**base, **environ}).compile(ASGI)


@given(st.lists(st.sampled_from(["hops = 2", "[hsts]", 'max_age = "1d"', "[tool.secmw]", "x = nan", "hops = 1979-05-27", "a.b = 1", "[[paths]]", '"" = 1', "xsrf = {}", 'public_url = "https://a.example"']), max_size=5))  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_a_policy_or_a_config_error(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "secmw.toml"
    path.write_text("\n".join(lines))
    with contextlib.suppress(ConfigError):
        assert isinstance(Policy.from_file(path), Policy)


# --- files and environment


def test_a_file_an_environment_and_python_say_the_same(tmp_path: Path) -> None:
    python = Policy.strict(
        secret_keys=[KEY], public_url=URL, sessions=None, hsts=Hsts(max_age=60), allowed_hosts=["b.example"], hops=2,
        csp={"img-src": ["'self'", "data:"]}, xsrf={"exempt": ["/hooks/"]},
    )  # fmt: skip
    path = tmp_path / "secmw.toml"
    path.write_text(f"""
        preset = "strict"
        secret_keys = ["{KEY}"]
        public_url = "{URL}"
        sessions = "off"
        allowed_hosts = ["b.example"]
        hops = 2
        csp = "img-src 'self' data:"
        hsts = {{max_age = "1m", include_subdomains = false}}
        xsrf.exempt = ["/hooks/"]
    """)
    environ = {
        "SECMW_PRESET": "strict",
        "SECMW_SECRET_KEYS": KEY,
        "SECMW_PUBLIC_URL": URL,
        "SECMW_SESSIONS": "omit",
        "SECMW_ALLOWED_HOSTS": "b.example",
        "SECMW_HOPS": "2",
        "SECMW_CSP": "img-src 'self' data:",
        "SECMW_HSTS__MAX_AGE": "60",
        "SECMW_HSTS__INCLUDE_SUBDOMAINS": "false",
        "SECMW_XSRF__EXEMPT": "/hooks/",
    }
    assert Policy.from_file(path) == python
    assert Policy.from_file(str(path)) == python
    assert Policy.from_env(environ) == python


def test_the_environment_is_the_processes_own_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in filter(lambda name: name.startswith("SECMW_"), [*os.environ]):
        monkeypatch.delenv(name)
    monkeypatch.setenv("SECMW_XSRF", "off")
    monkeypatch.setenv("MYAPP_XSRF", "omit")
    assert Policy.from_env() == Policy.recommended(xsrf=None)
    assert Policy.from_env(prefix="MYAPP_") == Policy.recommended(xsrf=None)


def test_path_classes_come_from_files_too(tmp_path: Path) -> None:
    path = tmp_path / "secmw.toml"
    path.write_text(
        f'secret_keys = ["{KEY}"]\n[paths."/content/"]\nframe_options = "omit"\nxsrf = {{token = false}}\n'
    )
    here = Policy.from_file(path).within("/content/")
    assert here.frame_options is None
    assert here.xsrf is not None
    assert not here.xsrf.token


# --- development


def test_development_makes_its_key_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = Policy.development(sessions=None), Policy.development(sessions=None)
    assert first.secret_keys == second.secret_keys
    assert decode_key(first.secret_keys[0])
    assert stat.S_IMODE((tmp_path / ".secmw").stat().st_mode) == 0o700


def test_development_with_keys_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Policy.development(secret_keys=[KEY], sessions=None).secret_keys == (KEY,)
    assert list(tmp_path.iterdir()) == []


# --- path classes


def test_a_path_class_inherits_what_it_does_not_name() -> None:
    made = policy(referrer_policy="origin", hsts="30d").at("/content/", frame_options=None)
    here = made.within("/content/")
    assert (here.frame_options, here.referrer_policy, here.hsts) == (None, "origin", Hsts(max_age=2_592_000))
    assert made.within("/other/").frame_options == "DENY"
    assert made.frame_options == "DENY"


def test_a_path_class_inherits_inside_parts_too() -> None:
    made = (
        policy(xsrf={"field": "f", "header": "X-H"})
        .at("/a/", xsrf={"token": False})
        .at("/a/b/", xsrf={"header": "X-B"})
    )
    found = [made.within(path).xsrf for path in ("/", "/a/", "/a/b/")]
    assert found == [
        Xsrf(field="f", header="X-H"),
        Xsrf(field="f", header="X-H", token=False),
        Xsrf(field="f", header="X-B", token=False),
    ]


def test_a_path_class_may_ask_where_the_base_does_not() -> None:
    made = policy(xsrf=None).at("/a/", xsrf="on").at("/b/", xsrf={"token": False})
    assert made.within("/").xsrf is None
    assert made.within("/a/").xsrf == Xsrf()
    assert made.within("/b/").xsrf == Xsrf(token=False)


def test_the_longest_prefix_wins_and_a_shorter_one_gives_the_rest() -> None:
    made = (
        policy().at("/a/b", frame_options="SAMEORIGIN").at("/a", frame_options=None, referrer_policy="origin")
    )
    here = made.within("/a/b/c")
    assert (here.frame_options, here.referrer_policy) == ("SAMEORIGIN", "origin")
    assert made.within("/ab").frame_options == "DENY"


def test_a_path_class_may_be_written_in_several_steps() -> None:
    made = policy().at("/a/", frame_options=None).at("/a/", referrer_policy="origin")
    here = made.within("/a/")
    assert (here.frame_options, here.referrer_policy) == (None, "origin")


def test_a_path_class_that_is_added_leaves_the_presets_in_place() -> None:
    made = Policy.connect(**sound()).at("/x/", referrer_policy="origin")
    assert made.within("/content/").frame_options is None


def test_making_a_path_class_leaves_the_policy_as_it_was() -> None:
    made = policy()
    made.at("/a/", frame_options=None)
    assert made.paths == {}


def test_a_wrong_path_class_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r'paths\."/a/"\.hops: is one for the whole site'):
        policy().at("/a/", hops=3)


# --- embedding


def test_one_switch_sets_everything_that_embedding_needs() -> None:
    """CK-10"""
    made = policy(cookies={"readable": ["theme"]}).embed(["https://portal.example"])
    assert made.frame_options == ("https://portal.example",)
    assert made.cookies == Cookies(same_site="None", partitioned=True, embedded=True, readable=("theme",))


def test_embedding_switches_twins_off() -> None:
    """CK-11: Partitioned cookies have none"""
    assert Policy.connect(**sound()).embed(["https://portal.example"]).cookies.legacy_twin == "never"


@pytest.mark.parametrize("origins", ["https://portal.example", ["portal"], ["https://portal.example/x"], [7]])
def test_embedding_wants_a_list_of_origins(origins: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        policy().embed(origins)
    assert [problem.setting for problem in caught.value.problems] == ["frame_options"]


# --- nothing secret is shown


def secrets_of(made: Policy) -> list[str]:
    raw = [decode_key(key) for key in made.secret_keys]
    return [*made.secret_keys, *(key.hex() for key in raw), *(repr(key)[2:20] for key in raw)]


def test_no_repr_shows_a_key() -> None:
    made = policy(secret_keys=[KEY, OTHER_KEY]).at("/x/", frame_options=None)
    plans = made.compile(ASGI)
    shown = repr(made) + str(made) + repr(plans) + repr(plans.safe.strict) + repr(plans.unsafe.find("/x/"))
    assert "secret_keys=<hidden>" in shown
    assert not any(secret in shown for secret in secrets_of(made))


def test_the_address_of_a_store_is_hidden_for_its_password() -> None:
    made = policy(store="postgresql://user:hunter2@db/x", trail="redis://:hunter2@db")
    assert "hunter2" not in repr(made)


def test_what_a_policy_shows_is_what_was_written() -> None:
    assert repr(Policy.recommended(xsrf=None, hops=2)) == "Policy(preset='recommended', hops=2, xsrf=None)"


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_keys": KEY},
        {"secret_keys": [KEY[:20]]},
        {"secret_keys": {"a": KEY}},
        {"secret_keys": [KEY, 7]},
        {"secret_keys": [[KEY]]},
        {"secret_keys": [KEY + "!"]},
        {"secret_keys": [KEY], "hops": 0},
        {"secret_key": KEY},
        {"secret_keys": [KEY], "paths": {"/x/": {"secret_keys": [KEY]}, "/y/": 3}},
        {"secret_keys": [KEY], "paths": {"/x/": {"secret_keys": [KEY]}}},
        {"secret_keys": [KEY], "paths": [{"secret_keys": [KEY]}]},
        {"secret_keys": [KEY], "xsrf": {"secret_keys": [KEY]}},
        {"secret_keys": [KEY], "store": {"url": f"redis://:{KEY}@x"}},
    ],
)
def test_no_error_shows_a_key(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        Policy.from_mapping({"sessions": None, **wrong})
    assert KEY[:16] not in str(caught.value)
    assert KEY[:16] not in repr(caught.value.problems)


# --- compiling


@pytest.mark.parametrize("store", [None, "memory://", "sqlite:///nowhere/to/be/found.db", "what://ever"])
def test_a_policy_with_sessions_compiles_wherever_they_will_live(store: str | None) -> None:
    """A store may be handed to the middleware, so that one is missing is seen there, and nothing connects here."""
    plan = policy(sessions="on", store=store).compile(ASGI).safe["/"]
    assert plan.sessions is not None
    assert plan.sessions.cookie == "__Host-id"


def test_a_policy_has_sessions_unless_it_says_otherwise() -> None:
    plan = Policy.recommended(secret_keys=[KEY], public_url=URL).compile(ASGI).safe["/"]
    assert plan.sessions is not None
    assert policy().compile(ASGI).safe["/"].sessions is None
