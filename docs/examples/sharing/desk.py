"""The desk, with FastAPI. It shows the audit trail, which is one for all three."""

from __future__ import annotations

from typing import Annotated

import common
from fastapi import APIRouter, Depends, FastAPI, Form
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from secmw import Policy, Session
from secmw.audit import open_trail
from secmw_starlette import SecmwMiddleware, get_session, login_required, xsrf_token

settings = common.settings("desk")
trail = open_trail(settings["store"])
desk = APIRouter(prefix="/desk")

Theirs = Annotated[Session, Depends(get_session)]


@desk.get("/", response_class=HTMLResponse)
async def look(session: Theirs, token: Annotated[str, Depends(xsrf_token)]) -> str:
    return common.page("desk", session, token)


@desk.post("/items")
async def add(session: Theirs, item: Annotated[str, Form()]) -> RedirectResponse:
    session.setdefault("items", []).append(item)
    return RedirectResponse("/desk/", 303)


@desk.post("/theme")
async def change(session: Theirs, theme: Annotated[str, Form()]) -> RedirectResponse:
    session["theme"] = theme
    return RedirectResponse("/desk/", 303)


@desk.post("/sign-out")
async def sign_out(session: Theirs) -> RedirectResponse:
    session.logout()
    return RedirectResponse("/desk/", 303)


@desk.get("/audit", dependencies=[Depends(login_required)])
async def audit() -> list[list[str]]:
    events = await run_in_threadpool(trail.recent, 20)
    return [[event.action, event.user_description] for event in reversed(events)]


inner = FastAPI()
inner.include_router(desk)
app = SecmwMiddleware(inner, Policy.from_mapping(settings), hooks=common.HOOKS)
