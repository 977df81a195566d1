"""What FastAPI's OpenAPI says of endpoints that demand a sign-in."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from starlette.middleware import Middleware

from secmw import Policy, Session
from secmw_starlette import RESPONSES, SecmwMiddleware, get_session, login_required, sudo_required
from tests.adapters.secmw_starlette.sites import client, policy, wrapped


def described() -> FastAPI:
    api = FastAPI()

    @api.get("/open")
    async def open_to_all(session: Annotated[Session, Depends(get_session)]) -> str:
        return "x"

    @api.get("/page")
    async def page(session: Annotated[Session, Depends(login_required)]) -> str:
        return "x"

    @api.post("/keys")
    @sudo_required(max_age=60)
    async def keys() -> str:
        return "x"

    return api


def operation(schema: dict[str, Any], path: str, method: str) -> tuple[Any, list[str]]:
    found = schema["paths"][path][method]
    return found.get("security"), sorted(found["responses"])


def test_a_demand_is_a_security_scheme_with_its_answers() -> None:
    api = described()
    wrapped(api)
    schema = api.openapi()
    assert schema["components"]["securitySchemes"]["session"]["in"] == "cookie"
    assert schema["components"]["securitySchemes"]["session"]["name"] == "__Host-id"
    assert operation(schema, "/open", "get") == (None, ["200"])
    assert operation(schema, "/page", "get") == ([{"session": []}], ["200", "401"])
    assert operation(schema, "/keys", "post") == ([{"session": []}], ["200", "401", "403"])
    answer = schema["paths"]["/page"]["get"]["responses"]["401"]
    assert list(answer["content"]) == ["application/problem+json"]


@pytest.mark.parametrize("registered", [False, True])
def test_it_names_the_cookie_of_the_policy(registered: bool) -> None:
    given: Policy = policy(sessions={"cookie": "sid"})
    api = described()
    if registered:
        api.user_middleware.append(Middleware(SecmwMiddleware, policy=given))
        app: Any = api
    else:
        app = wrapped(api, given=given)
    schema = client(app).get("/openapi.json").json()
    assert schema["components"]["securitySchemes"]["session"]["name"] == "__Host-sid"
    assert client(app).get("/openapi.json").json() == schema


def test_the_last_policy_that_an_application_is_put_under_counts() -> None:
    api = described()
    for name in ("one", "two"):
        wrapped(api, given=policy(sessions={"cookie": name}))
        found = api.openapi()["components"]["securitySchemes"]["session"]["name"]
        assert found == f"__Host-{name}"


def test_an_openapi_of_the_applications_own_is_completed() -> None:
    api = described()
    usual = api.openapi

    @functools.lru_cache
    def own() -> dict[str, Any]:
        return {**usual(), "x-own": 1}

    vars(api)["openapi"] = own
    wrapped(api, given=policy(sessions={"cookie": "sid"}))
    schema = api.openapi()
    assert (schema["x-own"], schema["components"]["securitySchemes"]["session"]["name"]) == (1, "__Host-sid")


def test_a_mounted_application_is_described_too() -> None:
    sub = described()
    api = FastAPI()
    api.mount("/sub", sub)
    schema = client(wrapped(api, given=policy(sessions={"cookie": "sid"}))).get("/sub/openapi.json").json()
    assert schema["components"]["securitySchemes"]["session"]["name"] == "__Host-sid"


def test_an_endpoints_own_answers_stay_and_ours_can_be_written() -> None:
    api = FastAPI()
    own: dict[int | str, dict[str, Any]] = {401: {"description": "own"}}

    @api.get("/own", responses=own)
    async def has_own(session: Annotated[Session, Depends(login_required)]) -> str:
        return "x"

    @api.get("/ours", responses=RESPONSES)
    async def has_ours() -> str:
        return "x"

    wrapped(api)
    schema = api.openapi()
    assert schema["paths"]["/own"]["get"]["responses"]["401"]["description"] == "own"
    assert operation(schema, "/ours", "get") == (None, ["200", "401", "403"])
