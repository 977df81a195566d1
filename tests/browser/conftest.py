"""One browser and its servers for the whole suite; for each test a context of its own, and its words if the test fails.

The browser lives as long as tests of this package follow one another: Playwright's synchronous interface keeps an event
loop running, in which tests elsewhere could start none.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.chromium import Servers, launch, resolver_rules, trusting_home
from tests.browser.driving import PATIENCE, Said
from tests.browser.policies import ASGI, WSGI, Sites
from tests.servers import TLS, make_tls, serve

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

SAID: Final = pytest.StashKey[Said]()
SERVERS: Final = pytest.StashKey[Servers]()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TLS:
    """One certificate for all hosts, ours and the attackers'."""
    wildcards = [f"*.{name}{sites.domain}" for sites in (ASGI, WSGI) for name in ("", "app.", "strict.")]
    return make_tls(tmp_path_factory.mktemp("tls"), *wildcards, "evil.test", "portal.test", "127.0.0.1")


@pytest.fixture(scope="session")
def servers(tls: TLS) -> Iterator[Servers]:
    """Start the servers, at the same time."""
    wanted = [
        (ASGI.server, "tests.browser.serve:asgi", tls),
        (WSGI.server, "tests.browser.serve:wsgi", tls),
        (ASGI.server, "tests.browser.serve:asgi", None),
    ]
    with ExitStack() as stack, ThreadPoolExecutor(len(wanted)) as pool:
        starts = [
            pool.submit(stack.enter_context, serve(kind, app, tls=files)) for kind, app, files in wanted
        ]
        asgi, wsgi, plain = [start.result() for start in starts]
        yield Servers(asgi=asgi, wsgi=wsgi, plain=plain)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo is started: it finds its certificate there, whose authority the browser trusts from the start."""
    from secmw.cli.demo.certificate import own_certificate

    folder = tmp_path_factory.mktemp("demo")
    own_certificate(folder / ".secmw" / "demo")
    return folder


@pytest.fixture(scope="package")
def browser(
    tls: TLS, servers: Servers, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Start Chromium."""
    authorities = [tls.authority, demo_folder / ".secmw" / "demo" / "authority.pem"]
    home = trusting_home(tmp_path_factory.mktemp("home"), authorities)
    rules = resolver_rules(servers)
    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        browser = launch(playwright, home, rules)
        yield browser
        browser.close()


@pytest.fixture
def said() -> Said:
    """What the browser says during the test."""
    return Said()


@pytest.fixture
def context(
    browser: Browser, said: Said, servers: Servers, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """Be a person who has never been anywhere: no cookies, no HSTS, nothing in any cache."""
    request.node.stash[SAID] = said
    request.node.stash[SERVERS] = servers
    context = browser.new_context()
    said.listen(context)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Be an empty tab."""
    return context.new_page()


@pytest.fixture(params=[ASGI, WSGI], ids=["asgi", "wsgi"])
def sites(request: pytest.FixtureRequest) -> Sites:
    """Be the sites of either interface: what the test says holds on both."""
    either: Sites = request.param
    return either


@pytest.fixture
def mark() -> str:
    """Be a word that nobody else has written anywhere."""
    return uuid.uuid4().hex


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say with a failure what the browser and the servers said."""
    report = yield
    if report.failed and SAID in item.stash:
        report.sections.append(("What the browser said", str(item.stash[SAID])))
        report.sections.append(("What the servers said", item.stash[SERVERS].log()))
    return report
