from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, Response
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View
from werkzeug.routing import BaseConverter, Rule

from secmw.testing import Client
from secmw_flask import Secmw, xsrf_exempt
from tests.adapters.secmw_flask.apps import ORIGIN, application, relaxed

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def done(**_: Any) -> str:
    return "done"


def hook() -> Callable[..., str]:
    """Make an exempt view, a new one each time."""
    return xsrf_exempt(lambda **_: "done")


def outcome(app: Flask, path: str, method: str = "POST", **headers: str) -> str:
    """Say what becomes of a request as another site's server sends it: no cookie, no origin, no token."""
    client = Client(app, base_url=ORIGIN)
    response = client.request(method, path, headers=headers, browser=False)
    return response.text if response.status == 200 else str(response.status)


def test_an_exempt_view_is_asked_nothing_and_every_other_one_is() -> None:
    app = application()
    app.post("/hook")(hook())
    app.post("/other", endpoint="other")(done)
    assert outcome(app, "/hook") == "done"
    assert outcome(app, "/other") == "403"
    assert outcome(app, "/hook/") == "403"
    assert outcome(app, "/nowhere") == "403"


def test_another_sites_page_may_send_to_an_exempt_view() -> None:
    app = application()
    app.post("/hook")(hook())
    app.post("/other", endpoint="other")(done)
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert outcome(app, "/hook", **evil) == "done"
    assert outcome(app, "/other", **evil) == "403"


def test_converters_decide_as_they_do_for_flask() -> None:
    class Even(BaseConverter):
        regex = "[0-9]*[02468]"
        weight = 10

    app = application()
    app.url_map.converters["even"] = Even
    app.post("/hooks/<even:number>")(hook())
    app.post("/hooks/<int:number>", endpoint="odd")(done)
    app.post("/hooks/<path:rest>", endpoint="rest")(done)
    assert outcome(app, "/hooks/12") == "done"
    assert outcome(app, "/hooks/13") == "403"
    assert outcome(app, "/hooks/a/b") == "403"


def test_a_path_is_exempt_only_if_all_its_unsafe_methods_are() -> None:
    app = application()
    app.post("/mixed")(hook())
    app.delete("/mixed", endpoint="delete")(done)
    app.get("/shown", endpoint="shown")(done)
    app.post("/shown", endpoint="sent")(hook())
    assert [outcome(app, "/mixed", method) for method in ("POST", "DELETE")] == ["403", "403"]
    assert outcome(app, "/shown") == "done"


def test_a_view_that_only_an_upgrade_reaches_counts_too() -> None:
    app = application()
    app.post("/both")(hook())
    app.url_map.add(Rule("/both", endpoint="socket", websocket=True))
    app.view_functions["socket"] = done
    app.post("/one", endpoint="one")(hook())
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert [outcome(app, "/both"), outcome(app, "/both", **upgrade)] == ["403", "403"]
    assert [outcome(app, "/one"), outcome(app, "/one", **upgrade)] == ["done", "400"]


def test_a_view_for_every_method_is_exempt_if_it_is_marked() -> None:
    app = application()
    app.url_map.add(Rule("/any", endpoint="any"))
    app.view_functions["any"] = hook()
    app.url_map.add(Rule("/all", endpoint="all"))
    app.view_functions["all"] = done
    app.post("/all", endpoint="one")(hook())
    assert [outcome(app, "/any", method) for method in (*UNSAFE, "PURGE")] == ["done"] * 5
    assert [outcome(app, "/all", method) for method in ("POST", "PURGE")] == ["403", "403"]


def test_a_method_that_no_view_takes_is_flasks_to_refuse() -> None:
    app = application()
    app.post("/hook")(hook())
    assert outcome(app, "/hook", "DELETE") == "405"


def test_what_flask_would_redirect_is_not_exempt() -> None:
    app = application()
    app.post("/slash/")(hook())
    app.post("/new", endpoint="new")(hook())
    app.url_map.add(Rule("/old", redirect_to="/new", endpoint="old", methods=["POST"]))
    app.post("/half", endpoint="half")(hook())
    app.delete("/half/", endpoint="other")(done)
    assert outcome(app, "/slash/") == "done"
    assert outcome(app, "/half") == "403"
    assert outcome(app, "/slash") == "403"
    assert outcome(app, "/old") == "403"


@pytest.mark.parametrize(
    "path", ["//hook", "/./hook", "/x/../hook", "/%68ook/..", "/hook;x", "/hook%2F", "/hook%00"]
)
def test_a_path_that_could_be_tidied_up_is_not_exempt(path: str) -> None:
    app = application()
    app.post("/hook")(hook())
    app.post("/<path:rest>", endpoint="rest")(done)
    assert outcome(app, path) in ("403", "400")


def test_a_view_that_is_marked_once_is_marked_wherever_it_is_reached() -> None:
    app = application()
    marked = hook()
    app.post("/a", endpoint="a")(marked)
    app.post("/b", endpoint="b")(marked)
    assert [outcome(app, path) for path in ("/a", "/b")] == ["done", "done"]


def test_the_mark_may_stand_above_the_route_or_below_another_decorator() -> None:
    def twice(view: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(view)
        def doubled() -> str:
            return view() + view()

        return doubled

    app = application()
    xsrf_exempt(app.post("/above")(lambda: "done"))
    app.post("/below", endpoint="below")(twice(hook()))
    assert (outcome(app, "/above"), outcome(app, "/below")) == ("done", "donedone")


# --- classes and blueprints


class Base(MethodView):
    def post(self) -> ResponseReturnValue:
        return "done"

    def delete(self) -> ResponseReturnValue:
        return "done"


def test_a_class_of_views_is_exempt_and_those_made_of_it_are_not() -> None:
    @xsrf_exempt
    class Hook(Base):
        pass

    class Admin(Hook):
        pass

    class Listed(Base):
        decorators = [xsrf_exempt]  # noqa: RUF012 - as Flask's documentation writes it

    app = application()
    for view in (Hook, Admin, Listed, Base):
        app.add_url_rule(f"/{view.__name__}", view_func=view.as_view(view.__name__))
    assert [outcome(app, f"/{name}") for name in ("Hook", "Admin", "Listed", "Base")] == [
        "done",
        "403",
        "done",
        "403",
    ]


def test_methods_are_exempt_if_all_unsafe_ones_are() -> None:
    class One(MethodView):
        def get(self) -> str:
            return "shown"

        @xsrf_exempt
        def post(self) -> str:
            return "done"

    class OneOfTwo(Base):
        @xsrf_exempt
        def post(self) -> ResponseReturnValue:
            return "done"

    class Dispatching(View):
        methods = ["POST"]  # noqa: RUF012 - as Flask's documentation writes it

        @xsrf_exempt
        def post(self) -> str:
            return "done"

        def dispatch_request(self) -> str:
            return "something else"

    app = application()
    for view in (One, OneOfTwo):
        app.add_url_rule(f"/{view.__name__}", view_func=view.as_view(view.__name__))
    assert (outcome(app, "/One"), outcome(app, "/OneOfTwo")) == ("done", "403")


def test_a_blueprint_is_exempt_with_all_that_is_in_it() -> None:
    app = application()
    hooks, inner, other = (Blueprint(name, __name__) for name in ("hooks", "inner", "other"))
    for blueprint in (hooks, inner, other):
        blueprint.post("/one", endpoint="one")(done)
    hooks.register_blueprint(inner, url_prefix="/inner")
    assert xsrf_exempt(hooks) is hooks
    app.register_blueprint(hooks, url_prefix="/hooks")
    app.register_blueprint(other, url_prefix="/other")
    app.register_blueprint(inner, name="alone", url_prefix="/alone")
    paths = ("/hooks/one", "/hooks/inner/one", "/other/one", "/alone/one")
    assert [outcome(app, path) for path in paths] == ["done", "done", "403", "403"]


# --- what is not clear


def test_where_the_host_decides_nothing_is_exempt(caplog: pytest.LogCaptureFixture) -> None:
    for settings in ({"host_matching": True, "static_host": "localhost"}, {"subdomain_matching": True}):
        app = Flask(__name__, static_folder=None, **settings)
        Secmw(app, relaxed())
        app.url_map.add(
            Rule("/hook", endpoint="hook", host="localhost" if "static_host" in settings else None)
        )
        app.view_functions["hook"] = hook()
        with caplog.at_level(logging.WARNING, "secmw"):
            assert outcome(app, "/hook") == "403"
    assert "host or subdomain matching" in caplog.text


def test_what_is_wrapped_inside_of_secmw_may_lead_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    app = Flask(__name__)
    inner = app.wsgi_app

    def elsewhere(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith("/api/"):
            return Response("another application")(environ, start_response)
        return inner(environ, start_response)

    app.wsgi_app = elsewhere  # type: ignore[method-assign]  # as Flask's documentation does it
    Secmw(app, relaxed())
    app.post("/<path:rest>")(hook())
    assert outcome(app, "/api/transfer") == "403"
    assert "wrapped before Secmw(app)" in caplog.text


def test_a_converter_that_fails_exempts_nothing() -> None:
    class Failing(BaseConverter):
        def to_python(self, value: str) -> Any:
            raise ZeroDivisionError

    app = application()
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.url_map.converters["failing"] = Failing
    app.post("/<failing:x>")(hook())
    assert outcome(app, "/a") == "403"


def test_a_rule_without_a_view_exempts_nothing() -> None:
    app = application()
    app.url_map.add(Rule("/hook", endpoint="nobody"))
    assert outcome(app, "/hook") == "403"


def test_what_can_t_be_marked_is_an_error() -> None:
    with pytest.raises(TypeError, match="a view or a blueprint"):
        xsrf_exempt("/hook")
    with pytest.raises(TypeError, match="bound method"):
        xsrf_exempt(Base().post)


def test_the_application_may_be_mounted_below_a_path() -> None:
    app = application()
    app.post("/hook")(hook())
    client = Client(app, base_url=ORIGIN, root_path="/shop")
    assert client.request("POST", "/shop/hook", browser=False).text == "done"
