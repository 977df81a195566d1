"""Notes, with Flask. Run it: flask --app notes_flask run --port 8000"""

from __future__ import annotations

from flask import Flask, redirect, render_template_string, request
from flask.typing import ResponseReturnValue

import secmw

NOTES = ["Buy milk"]

PAGE = """<!doctype html>
<title>Notes</title>
<ul>{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>
<form method="post" action="/notes">
  <input type="hidden" name="xsrf_token" value="{{ xsrf_token() }}">
  <input name="note"> <button>Add</button>
</form>
"""

app = Flask(__name__)
policy = secmw.Policy.development(sessions=None)
app.wsgi_app = secmw.wsgi.Middleware(app.wsgi_app, policy)  # type: ignore[method-assign]  # as Flask's docs do it


@app.context_processor
def security() -> dict[str, object]:
    exchange: secmw.Exchange = request.environ["secmw"]
    return {"xsrf_token": exchange.xsrf_token, "csp_nonce": lambda: exchange.nonce}


@app.get("/")
def page() -> str:
    return render_template_string(PAGE, notes=NOTES)


@app.post("/notes")
def add() -> ResponseReturnValue:
    NOTES.append(request.form["note"])
    return redirect("/", 303)
