"""Notes, with Starlette: a form, a script's call and a WebSocket.

Run it: uvicorn --no-proxy-headers --no-server-header notes_starlette:app
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import secmw

NOTES = ["Buy milk"]

PAGE = """<!doctype html>
<title>Notes</title>
<ul>{items}</ul>
<form method="post" action="/notes">
  <input type="hidden" name="xsrf_token" value="{token}">
  <input name="note"> <button>Add</button>
</form>
"""


async def page(request: Request) -> HTMLResponse:
    token = request.scope["secmw"].xsrf_token()
    items = "".join(f"<li>{escape(note)}</li>" for note in NOTES)
    return HTMLResponse(PAGE.format(items=items, token=token))


async def add(request: Request) -> RedirectResponse:
    form = parse_qs((await request.body()).decode())
    NOTES.append(form["note"][0])
    return RedirectResponse("/", status_code=303)


async def add_by_script(request: Request) -> JSONResponse:
    NOTES.append((await request.json())["note"])
    return JSONResponse({"notes": NOTES})


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


notes = Starlette(
    routes=[
        Route("/", page),
        Route("/notes", add, methods=["POST"]),
        Route("/api/notes", add_by_script, methods=["POST"]),
        WebSocketRoute("/echo", echo),
    ]
)

app = secmw.asgi.Middleware(notes, secmw.Policy.development(sessions=None))
