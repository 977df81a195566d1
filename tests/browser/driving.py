"""What the tests do with a browser, and what they ask it: in the words of people, not of protocols."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import (
        BrowserContext,
        ConsoleMessage,
        Frame,
        Request,
        Response,
        WebError,
    )

#: Seconds that a message from the browser may take; it tells of most things a moment after they happened.
PATIENCE: Final = 30.0


@dataclass  # without slots: Playwright hangs its own attributes on whoever listens
class Said:
    """Write down what the browser says about everything that happens in a context."""

    console: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        self.console.append(message.text)
        self.lines.append(f"console {message.type}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.lines.append(f"error: {error.error}")

    def _response(self, response: Response) -> None:
        self.lines.append(f"{response.status} {response.request.method} {response.url}")

    def _failed(self, request: Request) -> None:
        self.lines.append(f"failed {request.method} {request.url}: {request.failure}")

    def hear(self, page: Page, pattern: str) -> str:
        """Wait until the browser says something that fits, and return that line."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in self.lines:
                if re.search(pattern, line):
                    return line
            page.wait_for_timeout(30)
        raise AssertionError(f"the browser never said {pattern!r}; it said:\n{self}")

    def __str__(self) -> str:
        return "\n".join(self.lines) or "(nothing)"


def visit(page: Page, url: str) -> Response:
    """Open an address, and return the last response."""
    response = page.goto(url)
    assert response is not None, f"{url} was not loaded anew"
    return response


def send(page: Page, *, button: str = "#send") -> Response:
    """Press the button of the form on a page, and return the response to what it sent."""
    with page.expect_navigation() as navigation:
        page.click(button)
    return navigation.value


_SUBMIT: Final = """([action, fields, enctype]) => {
    const form = document.createElement("form");
    Object.assign(form, {method: "post", action, enctype});
    for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), {name, value}));
    }
    document.body.append(form);
    form.submit();
}"""


def submit(
    page: Page,
    action: str,
    fields: Mapping[str, str] | None = None,
    *,
    enctype: str = "application/x-www-form-urlencoded",
) -> Response:
    """Have the page that is open send a form of its own making to an address, and return the response."""
    with page.expect_navigation() as navigation:
        page.evaluate(_SUBMIT, [action, dict(fields or {"note": "forged"}), enctype])
    return navigation.value


_FRAME: Final = """url => new Promise(resolve => {
    const frame = document.createElement("iframe");
    frame.onload = () => resolve();
    frame.src = url;
    document.body.append(frame);
})"""


def frame(page: Page | Frame, url: str) -> Frame | None:
    """Have the page that is open show an address in a frame; return it, or None if the browser shows nothing of it.

    A frame that may not be shown is loaded too, as far as the page around it can tell.
    """
    around = page.main_frame if isinstance(page, Page) else page
    before = set(around.child_frames)
    page.evaluate(_FRAME, url)
    made = [each for each in around.child_frames if each not in before]
    assert len(made) == 1, f"{len(made)} frames were made"
    shown: str = made[0].evaluate("location.href")
    return made[0] if shown.removesuffix("/") == url.removesuffix("/") else None


def sandboxed(page: Page) -> Frame:
    """Have the page that is open make a frame in a sandbox, which has no origin, and return it."""
    page.evaluate(
        """() => {
            const frame = document.createElement("iframe");
            frame.sandbox = "allow-scripts allow-forms allow-popups";
            frame.srcdoc = "<p id=inside>";
            document.body.append(frame);
        }"""
    )
    inside = page.frame_locator("[sandbox]").locator("#inside").element_handle().owner_frame()
    assert inside is not None, "the frame is gone"
    assert inside.evaluate("self.origin") == "null"
    return inside


_FETCH: Final = """async ([url, init]) => {
    try {
        const answer = await fetch(url, init);
        return {status: answer.status, type: answer.type, body: await answer.text()};
    } catch (error) {
        return {error: error.message};
    }
}"""


def fetch(page: Page | Frame, url: str, **init: Any) -> dict[str, Any]:
    """Have the page that is open fetch an address, and return what its script got to see."""
    got: dict[str, Any] = page.evaluate(_FETCH, [url, init])
    return got


_SOCKET: Final = """url => new Promise(resolve => {
    const socket = new WebSocket(url);
    socket.onmessage = event => {
        resolve(event.data);
        socket.onclose = null;
        socket.close();
    };
    socket.onclose = event => resolve(`closed ${event.code}`);
})"""

#: What a page sees of a handshake that was refused: nothing else, by the specification.
REFUSED_SOCKET: Final = "closed 1006"


def open_socket(page: Page | Frame, url: str) -> str:
    """Have the page that is open connect to a WebSocket; return the first message, or how it closed."""
    said: str = page.evaluate(_SOCKET, url.replace("https://", "wss://").replace("http://", "ws://"))
    return said


def readable(page: Page | Frame) -> list[tuple[str, str]]:
    """Return the cookies that scripts of the page can read."""
    text: str = page.evaluate("document.cookie")
    pairs = (pair.partition("=") for pair in text.split("; ") if pair)
    return [(name, value) for name, _, value in pairs]


def stored(page: Page, name: str | None = None) -> list[dict[str, Any]]:
    """Return the cookies of the page's context as the browser keeps them (CDP), those of one name if given."""
    session = page.context.new_cdp_session(page)
    try:
        cookies: list[dict[str, Any]] = session.send("Network.getAllCookies")["cookies"]
    finally:
        session.detach()
    return [cookie for cookie in cookies if name is None or cookie["name"] == name]


def one(page: Page, name: str) -> dict[str, Any]:
    """Return the one cookie of a name."""
    found = stored(page, name)
    kept = [(cookie["name"], cookie["domain"]) for cookie in stored(page)]
    assert len(found) == 1, f"{len(found)} cookies are called {name}; the browser keeps {kept}"
    return found[0]


def way(response: Response) -> list[tuple[int, str, str | None]]:
    """Return the redirects that led to a response: status, address, and why the browser itself did it if so."""
    steps: list[tuple[int, str, str | None]] = []
    request = response.request.redirected_from
    while request is not None:
        answer = request.response()
        assert answer is not None, f"no response to {request.url}"
        steps.insert(0, (answer.status, request.url, answer.headers.get("non-authoritative-reason")))
        request = request.redirected_from
    return steps


def refused(response: Response, reason: str, status: int = 403) -> None:
    """Assert that a person sees a refusal of ours, for this reason."""
    text = response.text()
    assert response.status == status, f"{response.status} instead of {status} from {response.url}:\n{text}"
    assert f"<code>{reason}</code>" in text, f"not refused for {reason}:\n{text}"
