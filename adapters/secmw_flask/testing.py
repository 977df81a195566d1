"""Flask's test client as a browser that has a page of this site open: forms and scripts of that page carry a token."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import create_environ
from werkzeug.wsgi import get_current_url

from secmw.errors import SessionError
from secmw.http import SAFE_METHODS, WSGI
from secmw_flask.interface import OURS, TRANSACTION
from secmw_flask.session import NoSession

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers

    from secmw import Xsrf
    from secmw_flask.session import SecmwSession

#: Whoever gives one of these says where the request comes from.
_FROM: Final = ("HTTP_ORIGIN", "HTTP_REFERER", "HTTP_SEC_FETCH_SITE")


class SecmwClient(FlaskClient):
    """Be ``app.test_client()`` of an application under secmw.

    Unsafe requests carry ``Origin`` and the XSRF token, as those of a page do; the first one asks for a token before. What is
    given wins: ``headers={"Origin": "https://evil.example"}`` is another site's page, and ``{"X-XSRF-TOKEN": ""}`` holds the token
    back. With ``Authorization``, or without cookies, nothing is added.
    """

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[SecmwSession]:
        """Open the session of this client, and write what becomes of it through the store; it can sign somebody in."""
        kwargs["environ_overrides"] = {**(kwargs.get("environ_overrides") or {}), TRANSACTION: OURS}
        with super().session_transaction(*args, **kwargs) as found:
            if isinstance(found, NoSession):
                raise SessionError(found.why)
            yield cast("SecmwSession", found)

    def run_wsgi_app(
        self, environ: WSGIEnvironment, buffered: bool = False
    ) -> tuple[Iterable[bytes], str, Headers]:
        """Send one request; redirects come here too."""
        policy = self.application.extensions["secmw"].policy
        unsafe = environ["REQUEST_METHOD"] not in SAFE_METHODS and "HTTP_AUTHORIZATION" not in environ
        if unsafe and policy.xsrf is not None and self._cookies is not None:
            self._as_a_page(environ, policy.xsrf)
        return super().run_wsgi_app(environ, buffered)

    def _as_a_page(self, environ: WSGIEnvironment, xsrf: Xsrf) -> None:
        url = urlsplit(get_current_url(environ))
        origin = f"{url.scheme}://{url.netloc}"
        if not any(key in environ for key in _FROM):
            environ["HTTP_ORIGIN"] = origin
        key = WSGI.field(xsrf.header.lower())
        if not xsrf.token or key in environ:
            return
        token: Any = self.get_cookie(xsrf.cookie, url.hostname or "localhost")
        if token is None:
            base = origin + environ.get("SCRIPT_NAME", "")
            asking = create_environ("/_secmw/xsrf", base, environ_base=self.environ_base)
            super().run_wsgi_app(asking, buffered=True)
            token = self.get_cookie(xsrf.cookie, url.hostname or "localhost")
        if token is not None:
            environ[key] = token.value
