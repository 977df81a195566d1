"""A front end of static files, and the API it calls. Run it: uvicorn --no-proxy-headers --no-server-header app:app"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import secmw

NOTES = ["Buy milk"]


async def list_notes(request: Request) -> JSONResponse:
    return JSONResponse(NOTES)


async def add_note(request: Request) -> JSONResponse:
    NOTES.append((await request.json())["note"])
    return JSONResponse(NOTES, status_code=201)


site = Starlette(
    routes=[
        Route("/api/notes", list_notes),
        Route("/api/notes", add_note, methods=["POST"]),
        Mount("/", StaticFiles(directory=Path(__file__).parent / "static", html=True)),
    ]
)

app = secmw.asgi.Middleware(site, secmw.Policy.development(sessions=None))
