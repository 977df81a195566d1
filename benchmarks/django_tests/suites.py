"""What is played: classes of Django's tests, with the engine or the middleware of secmw in the place of Django's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from unittest import TestCase, mock

from asgiref.sync import iscoroutinefunction

if TYPE_CHECKING:
    from django.http import HttpRequest


class Suite(NamedTuple):
    """Be some classes of one module of Django's tests; ``ours`` puts secmw into them."""

    name: str
    module: str
    classes: tuple[str, ...]
    ours: Callable[[Any, type[Any]], type[TestCase]]


def load(suite: Suite) -> list[type[TestCase]]:
    """Return the classes of a suite, with secmw in them."""
    module = import_module(suite.module)
    return [suite.ours(module, getattr(module, name)) for name in suite.classes]


# --- requests, as a test makes them -----------------------------------------------------------------------------------


def through(get_response: Callable[..., Any]) -> Any:
    """Return the middleware of secmw, with the policy of the settings that a test has just overridden."""
    from secmw_django import SecmwMiddleware

    return SecmwMiddleware(get_response)


def complete(request: HttpRequest, *, asynchronous: bool = False) -> HttpRequest:
    """Return a request that has been sent by somebody; secmw answers none that has no host and no path."""
    from django.core.handlers.asgi import ASGIRequest
    from django.core.handlers.wsgi import WSGIRequest
    from django.test import AsyncRequestFactory, RequestFactory

    if isinstance(request, WSGIRequest | ASGIRequest):
        # The factory leaves the host to SERVER_NAME, which is no browser's word.
        request.META.setdefault("HTTP_HOST", "testserver")
        return request
    if asynchronous:
        made: HttpRequest = AsyncRequestFactory().get("/", secure=True)
    else:
        made = complete(RequestFactory().get("/", secure=True))
    extra = {name: value for name, value in vars(request).items() if name not in vars(made)}
    vars(made).update(extra)
    return made


@contextmanager
def plain() -> Iterator[None]:
    """Have plain HTTP allowed unless a test says what it wants of it: without a word Django allows it, and secmw redirects."""
    from django.conf import settings
    from django.test import override_settings

    if settings.is_overridden("SECURE_SSL_REDIRECT"):
        yield
    else:
        with override_settings(SECMW={**settings.SECMW, "https": "off"}):
            yield


class Halves:
    """Be secmw's middleware in the two halves of Django's older kind, which the tests of SecurityMiddleware call."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        self._get_response = get_response

    def process_request(self, request: Any) -> Any:
        """Return what is answered in an application's place, None if the request is let through."""
        came: list[HttpRequest] = []

        def view(request: HttpRequest) -> Any:
            came.append(request)
            return self._get_response(request)

        with plain():
            response = through(view)(complete(request))
        # The same request comes again, and nothing is asked twice.
        request.environ.pop("secmw", None)
        return None if came else response

    def __call__(self, request: Any) -> Any:
        with plain():
            return through(self._get_response)(complete(request))


class Frames:
    """Be secmw's middleware where a test asks for Django's XFrameOptionsMiddleware."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        asynchronous = iscoroutinefunction(self._get_response)
        return through(self._get_response)(complete(request, asynchronous=asynchronous))


class InFront:
    """Be secmw's middleware and, behind it, Django's SessionMiddleware, which is what a project has."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        from django.contrib.sessions.middleware import SessionMiddleware

        self._inner = SessionMiddleware(get_response)
        self.process_response = self._inner.process_response

    def __call__(self, request: Any) -> Any:
        if request.COOKIES:
            # What a test puts there has come in a header.
            request.environ["HTTP_COOKIE"] = "; ".join(
                f"{name}={value}" for name, value in request.COOKIES.items()
            )
        request.environ.pop("secmw", None)
        # The factory's is plain HTTP, over which secmw sends no Secure cookie, whoever asks for one.
        request.environ["wsgi.url_scheme"] = "https"
        return through(self._inner)(complete(request))


def forget() -> None:
    """Have the store forget what a test's project agreed on with it: the next is another one, with other cookies."""
    from django.conf import settings

    from secmw.clock import system
    from secmw.sessions import agreement
    from secmw.stores import open_store

    if "store" not in settings.SECMW:
        return
    store = open_store(settings.SECMW["store"])
    write = agreement.forget(store.load(agreement.KEPT_UNDER), system.now())
    if write is not None:
        store.write(write)
    store.close()


# --- suites -----------------------------------------------------------------------------------------------------------


def _engine(_module: Any, mixin: type[Any]) -> type[TestCase]:
    from django.test import SimpleTestCase

    from secmw_django.sessions import SessionStore

    return type(mixin.__name__, (mixin, SimpleTestCase), {"backend": SessionStore})


def _security(_module: Any, case: type[Any]) -> type[TestCase]:
    def middleware(self: Any, *arguments: Any, **named: Any) -> Halves:
        return Halves(self.response(*arguments, **named))

    return type(case.__name__, (case,), {"middleware": middleware})


def _named(name: str, stand_in: type[Any]) -> Callable[[Any, type[Any]], type[TestCase]]:
    """Put a class in the place of one that a module of tests imports."""

    def ours(module: Any, case: type[Any]) -> type[TestCase]:
        def run(self: Any, result: Any = None) -> Any:
            forget()
            with mock.patch.object(module, name, stand_in):
                return case.run(self, result)

        return type(case.__name__, (case,), {"run": run})

    return ours


_SESSIONS: Final = "sessions_tests.tests"

#: What needs a store of sessions, and is played on each.
STORED: Final = (
    Suite("SessionTestsMixin", _SESSIONS, ("SessionTestsMixin",), _engine),
    Suite(
        "SessionMiddlewareTests",
        _SESSIONS,
        ("SessionMiddlewareTests",),
        _named("SessionMiddleware", InFront),
    ),
)

#: What needs none.
STORELESS: Final = (
    Suite("SecurityMiddlewareTest", "middleware.test_security", ("SecurityMiddlewareTest",), _security),
    Suite(
        "XFrameOptionsMiddlewareTest",
        "middleware.tests",
        ("XFrameOptionsMiddlewareTest",),
        _named("XFrameOptionsMiddleware", Frames),
    ),
    Suite(
        "the decorators of views against frames",
        "decorators.test_clickjacking",
        ("XFrameOptionsDenyTests", "XFrameOptionsSameoriginTests", "XFrameOptionsExemptTests"),
        _named("XFrameOptionsMiddleware", Frames),
    ),
)


class Reason(NamedTuple):
    """Say why a test does not apply, and by which words of its traceback it is known to fail for that, and nothing else."""

    why: str
    sign: str


def _reasons(*rows: tuple[str, str, str]) -> Mapping[str, Reason]:
    return {test: Reason(why, sign) for test, sign, why in rows}


_SHORTENS: Final = (
    "an expiry only ever shortens: where the policy lets cookies go with the browser's run, `set_expiry(10)` keeps none beyond it;"
    " and the policy of a session is the one it began with, whatever settings say later"
)
_LISTED: Final = (
    "browsers' list takes a year and all subdomains, so a policy that asks for less is refused at start-up"
)
_CLEARED: Final = "the cookie is cleared, spelled in another order, with `Secure` and `HttpOnly`, for this host and all its paths"

#: What does not apply, and why: everything else has to pass, and what is listed has to fail.
REASONS: Final = _reasons(
    (
        "SessionTestsMixin.test_session_key_valid_string_saved",
        "None != '12345678'",
        "a session's id is random and never anybody's to choose, so `_session_key` takes none",
    ),
    (
        "SessionTestsMixin.test_get_expire_at_browser_close",
        "get_expire_at_browser_close(), True)",
        _SHORTENS,
    ),
    (
        "SessionTestsMixin.test_get_expire_at_browser_close_async",
        "get_expire_at_browser_close(), True)",
        _SHORTENS,
    ),
    (
        "SessionMiddlewareTests.test_no_httponly_session_cookie",
        "True != ''",
        "no script reads a session's cookie; `manage.py check` says that SESSION_COOKIE_HTTPONLY = False is not heeded",
    ),
    (
        "SessionMiddlewareTests.test_session_delete_on_end",
        "+ Set-Cookie: sessionid=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax",
        _CLEARED,
    ),
    (
        "SessionMiddlewareTests.test_session_delete_on_end_with_custom_domain_and_path",
        "+ Set-Cookie: sessionid=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax",
        f"{_CLEARED}; `manage.py check` says that SESSION_COOKIE_DOMAIN and SESSION_COOKIE_PATH are not heeded",
    ),
    (
        "SessionMiddlewareTests.test_flush_empty_without_session_cookie_doesnt_set_cookie",
        "<SimpleCookie: sessionid=''> != {}",
        "a sign-out clears the cookie, and what a browser has stored of the site, whether or not a session was left",
    ),
    (
        "SessionMiddlewareTests.test_save_every_request_with_non_empty_session_renews_session_cookie",
        "inside a request the session is secmw's to write, and so is its cookie",
        "requests keep a session alive in the store; its cookie is sent when it changes, and Django's middleware sets none",
    ),
    (
        "SessionMiddlewareTests.test_empty_session_saved",
        "Session matching query does not exist",
        "it looks for the session in the table of Django's own engine, and inside a request the key is the public selector",
    ),
    ("SecurityMiddlewareTest.test_sts_preload", "hsts.preload = true: needs max_age", _LISTED),
    ("SecurityMiddlewareTest.test_sts_subdomains_and_preload", "hsts.preload = true: needs max_age", _LISTED),
    (
        "SecurityMiddlewareTest.test_redirect_exempt",
        "<HttpResponse status_code=301",
        "SECURE_REDIRECT_EXEMPT holds patterns; `manage.py check` says so, and that `http_exempt` takes paths",
    ),
    (
        "SecurityMiddlewareTest.test_redirect_ssl_host",
        "'https://testserver/some/url' != 'https://secure.example.com/some/url'",
        (
            "SECURE_SSL_HOST becomes `public_url`; other hosts of ALLOWED_HOSTS are redirected to themselves, and all others refused,"
            " which `manage.py check` says"
        ),
    ),
    (
        "SecurityMiddlewareTest.test_ssl_redirect_off",
        "<HttpResponse status_code=301",
        "HTTPS is the preset's word, and False is Django's default; who wants plain HTTP writes `https = 'off'`",
    ),
    (
        "SecurityMiddlewareTest.test_referrer_policy_on",
        "'strict-origin, origin' != 'strict-origin,origin'",
        "the same list, spelled with a space after each comma",
    ),
    (
        "XFrameOptionsMiddlewareTest.test_is_extendable",
        "'DENY' != 'SAMEORIGIN'",
        "there is no such class to extend; `@override(frame_options=...)` above a view, or a path class, says it",
    ),
)
