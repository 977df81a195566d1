"""Notes, with Quart and the adapter beside this file. Run it: hypercorn app:app"""

from __future__ import annotations

import quart_secmw
from quart import Quart, redirect, render_template_string, request, session
from quart.typing import ResponseReturnValue

import secmw

PEOPLE = {"jane": ("42", "correct horse")}

PAGE = """<!doctype html>
<title>Notes</title>
{% for message in get_flashed_messages() %}<p role="status">{{ message }}</p>{% endfor %}
<ul>{% for note in session.get("notes", []) %}<li>{{ note }}</li>{% endfor %}</ul>
<form method="post" action="/notes">{{ xsrf_field() }} <input name="note"> <button>Add</button></form>
<form method="post" action="/sign-in">{{ xsrf_field() }} <input name="name">
  <input name="password" type="password"> <button>Sign in</button></form>
<script nonce="{{ csp_nonce() }}">document.title += " (" + document.querySelectorAll("li").length + ")"</script>
"""

app = Quart(__name__)


def verify(user_id: str, password: str) -> bool:
    return any(known == (user_id, password) for known in PEOPLE.values())


quart_secmw.Secmw(
    app,
    secmw.Policy.development(store="memory://", sessions={"sign_in_url": "/"}),
    hooks=secmw.Hooks(verify=verify),
)


@app.get("/")
async def page() -> str:
    return await render_template_string(PAGE)


@app.post("/notes")
async def add() -> ResponseReturnValue:
    session.setdefault("notes", []).append((await request.form)["note"])
    return redirect("/", 303)


@app.post("/sign-in")
async def sign_in() -> ResponseReturnValue:
    form = await request.form
    user_id, _ = PEOPLE.get(form["name"], ("", ""))
    if not verify(user_id, form["password"]):
        return redirect("/", 303)
    quart_secmw.exchange().session.login(user_id, form["name"])
    return redirect("/", 303)


@app.get("/account")
@quart_secmw.login_required
async def account() -> str:
    return f"You are {quart_secmw.exchange().session.user_description}."


@app.post("/account/delete")
@quart_secmw.sudo_required(max_age=60)
async def delete() -> str:
    return "Gone."


@app.post("/hooks/<name>")
@quart_secmw.xsrf_exempt
async def hook(name: str) -> str:
    return name


@app.get("/widget")
@quart_secmw.override(frame_options=None)
async def widget() -> str:
    return "A widget that any page may show."


@app.websocket("/live")
@quart_secmw.login_required
async def live() -> None:
    from quart import websocket

    await websocket.send(quart_secmw.exchange().session.user_description)
