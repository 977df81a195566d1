"""Notes: a front end of one page, and the FastAPI back end that it calls.

Run it: uvicorn --no-proxy-headers --no-server-header app:app
"""

from __future__ import annotations

import hashlib
import secrets
from hmac import compare_digest
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

import secmw
from secmw_starlette import SecmwMiddleware, get_session, login_required, sudo_required

# --- who may sign in; an application keeps this in its database

SALT = secrets.token_bytes(16)


def slowly(password: str) -> bytes:
    return hashlib.scrypt(password.encode(), salt=SALT, n=2**14, r=8, p=1)


HASHES = {"jane": slowly("correct horse")}
NOTES: dict[str, list[str]] = {"jane": ["Buy milk"]}


def verify(user_id: str, password: str) -> bool:
    """Say whether a password is right; it takes as long for somebody who is not there."""
    return compare_digest(slowly(password), HASHES.get(user_id, b""))


# --- the API

AnySession = Annotated[secmw.Session, Depends(get_session)]
SignedIn = Annotated[secmw.Session, Depends(login_required)]
Elevated = Annotated[secmw.Session, Depends(sudo_required(max_age=60))]


class Credentials(BaseModel):
    name: str
    password: str


class Note(BaseModel):
    text: str


api = FastAPI(docs_url=None, redoc_url=None)


@api.get("/api/me")
async def me(session: AnySession) -> dict[str, str | None]:
    return {"name": session.user_id}


@api.post("/api/sign-in")
def sign_in(given: Credentials, session: AnySession) -> dict[str, str | None]:
    if not verify(given.name, given.password):
        raise HTTPException(403, "Wrong name or password")
    session.login(given.name, description=given.name)
    return {"name": session.user_id}


@api.post("/api/sign-out")
async def sign_out(session: AnySession) -> dict[str, str | None]:
    session.logout()
    return {"name": session.user_id}


@api.get("/api/notes")
async def notes(session: SignedIn) -> list[str]:
    return NOTES[session.user_id or ""]


@api.post("/api/notes", status_code=201)
async def add_note(note: Note, session: SignedIn) -> list[str]:
    NOTES[session.user_id or ""].append(note.text)
    return NOTES[session.user_id or ""]


@api.delete("/api/notes")
async def remove_all(session: Elevated) -> list[str]:
    NOTES[session.user_id or ""].clear()
    return []


@api.websocket("/api/live")
async def live(websocket: WebSocket, session: SignedIn) -> None:
    """Stay open as long as the session: secmw closes it with the code 1008."""
    await websocket.accept()
    async for _ in websocket.iter_text():
        pass


# --- the front end: everything comes from files of this site, and nothing else may run

api.mount("/", StaticFiles(directory=Path(__file__).parent / "static", html=True))

policy = secmw.Policy.development(
    csp={
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "connect-src": ["'self'"],
        "img-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
    csp_report_only=None,
    sessions={"recheck": 1},
)
app = SecmwMiddleware(api, policy, hooks=secmw.Hooks(verify=verify))
