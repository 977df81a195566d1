"""What all pages of the demo share: where the two sites are, the templates, and how much of a body is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from secmw.pages.sessions import spoken

if TYPE_CHECKING:
    from starlette.requests import Request

    from secmw.exchange import Exchange

HERE: Final = Path(__file__).parent
PAGES: Final = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PAGES.filters["spoken"] = spoken

_LONGEST_BODY: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Say where the two sites are, the application and the one that attacks it, and what their server can do."""

    app: str
    attacker: str
    tls: bool
    sockets: bool


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """Render a page of the application; its own scripts carry the nonce of this request."""
    exchange: Exchange = request.scope["secmw"]
    return HTMLResponse(
        PAGES.get_template(template).render(nonce=exchange.nonce, here=request.url.path, **values), status
    )


async def limited(request: Request) -> bytes:
    """Read a small body; of a larger one, its beginning."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            break
    return body[:_LONGEST_BODY]


async def form(request: Request) -> dict[str, str]:
    """Read a small form: the first value of every field."""
    text = (await limited(request)).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
