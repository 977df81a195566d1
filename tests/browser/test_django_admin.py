"""Django's own admin in Chromium, under `strict`: what people do there works, and no page of it offends the policy.

The site is docs/examples/django_site as it is shipped, with the settings that it has in production.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.browser.driving import Said, send, stored, visit
from tests.browser.living import ID, id_of
from tests.browser.test_refusal_page import keep
from tests.docs.blocks import DOCS
from tests.servers import HOST, TLS, serve

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, Response

pytestmark = pytest.mark.browser

EXAMPLE: Final = DOCS / "examples" / "django_site"
PASSWORD: Final = "correct horse battery"
ANOTHER: Final = "battery staple horse"

#: Each test has somebody of its own.
PEOPLE: Final = ("ada", "emma", "eve", "jane", "joe")
PREPARE: Final = f"""
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
PBKDF2PasswordHasher.iterations = 1  # as on the server
call_command("migrate", verbosity=0)
for name in {PEOPLE}:
    get_user_model().objects.create_superuser(name, password="{PASSWORD}")
"""

#: What the example reads of its environment.
SETTINGS: Final = {
    "PUBLIC_URL": f"https://{HOST}",
    "SECRET_KEY": "of these tests alone: 8c1z4b6n0w7h3q9x2m5v8c1z4b6n0w",
}

#: Not everything that is refused, and nothing that is only reported, is said as an error; an event comes of each.
LISTEN: Final = """addEventListener("securitypolicyviolation", event => console.error(
    "offends:", event.disposition, event.effectiveDirective, event.blockedURI, event.sample, document.URL))"""


#: What runs the example, and with which settings.
RUN: Final = [
    pytest.param(("gunicorn-gthread", "wsgi", "mysite.settings"), id="wsgi"),
    pytest.param(("uvicorn-httptools", "asgi", "mysite.settings"), id="asgi"),
    pytest.param(("uvicorn-httptools", "asgi", "tests.browser.django_lean"), id="lean"),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Be a copy of the example with a database, and people in it."""
    folder = tmp_path_factory.mktemp("example") / EXAMPLE.name
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.sqlite3*", "uploads", "__pycache__"))
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--command", PREPARE],
        cwd=folder,
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module", params=RUN)
def site(
    request: pytest.FixtureRequest, prepared: Path, tls: TLS, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Be the origin of the example, on a server and with a database of its own."""
    kind, interface, module = request.param
    folder = tmp_path_factory.mktemp(interface) / EXAMPLE.name
    shutil.copytree(prepared, folder)
    env = {**SETTINGS, "PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": module}
    with serve(
        kind, f"tests.browser.django_site:{interface}", tls=tls, env=env, ready="/admin/login/"
    ) as server:
        yield server.url


def tab(context: BrowserContext) -> Page:
    """Open an empty tab that says what offends a policy, and waits for pages of many files on a busy machine."""
    context.add_init_script(LISTEN)
    context.set_default_navigation_timeout(90_000)
    return context.new_page()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Be a tab of somebody."""
    return tab(context)


@pytest.fixture
def other(browser: Browser, said: Said) -> Iterator[Page]:
    """Be a tab in another browser."""
    context = browser.new_context()
    said.listen(context)
    yield tab(context)
    context.close()


def sign_in(page: Page, site: str, name: str, password: str = PASSWORD) -> Response:
    """Sign in to the admin."""
    visit(page, f"{site}/admin/")
    page.fill("#id_username", name)
    page.fill("#id_password", password)
    return send(page, button="[type=submit]")


def signed_in(page: Page, site: str) -> bool:
    """Ask for a page of the admin, and say whether it was the one that came."""
    visit(page, f"{site}/admin/")
    return page.locator("#user-tools").count() == 1


def add_document(page: Page, site: str, title: str, name: str, text: str) -> Response:
    """Fill in the form for a new document as people do: with what the scripts of the admin offer."""
    visit(page, f"{site}/admin/documents/document/add/")
    page.fill("#id_title", title)
    page.set_input_files("#id_file", {"name": name, "mimeType": "text/html", "buffer": text.encode()})
    page.click(".select2-selection")
    page.locator(".select2-search__field").press_sequentially("emm")
    page.locator(".select2-results__option", has_text="emma").click()
    page.get_by_role("link", name="Today").click()
    return send(page, button="[name=_save]")


def offences(said: Said) -> list[str]:
    """Return what the console says of any policy, and every error that a page made."""
    words = re.compile(r"offends|violates|Refused to|Content Security Policy|error: ", re.IGNORECASE)
    # Django's admin has no icon for its tab, and servers of tests have none either.
    return [line for line in said.lines if words.search(line) and "status of 404" not in line]


# --- what people do ---------------------------------------------------------------------------------------------------


def test_a_changed_password_ends_the_session_in_the_other_browser_alone(
    page: Page, other: Page, said: Said, site: str
) -> None:
    for each in (page, other):
        sign_in(each, site, "jane")
        assert signed_in(each, site)
    before = id_of(page)
    visit(page, f"{site}/admin/password_change/")
    page.fill("#id_old_password", PASSWORD)
    page.fill("#id_new_password1", ANOTHER)
    page.fill("#id_new_password2", ANOTHER)
    send(page, button="main [type=submit]")
    assert page.url.endswith("/admin/password_change/done/")
    assert not signed_in(other, site)
    assert signed_in(page, site)
    assert id_of(page) != before
    sign_in(other, site, "jane")
    assert "Please enter the correct username and password" in other.inner_text(".errornote")
    sign_in(other, site, "jane", ANOTHER)
    assert signed_in(other, site)
    assert offences(said) == []


def test_a_sign_out_ends_the_session_in_this_browser_alone(
    page: Page, other: Page, said: Said, site: str
) -> None:
    for each in (page, other):
        sign_in(each, site, "joe")
    value = id_of(page)
    visit(page, f"{site}/admin/")
    out = send(page, button="#logout-form button")
    assert out.header_value("Clear-Site-Data") == '"cache", "storage"'
    assert stored(page, ID) == []
    assert not signed_in(page, site)
    # Not even with the cookie of before.
    page.context.add_cookies([{"name": ID, "value": value, "url": site, "secure": True, "httpOnly": True}])
    assert not signed_in(page, site)
    assert signed_in(other, site)
    assert offences(said) == []


def test_an_uploaded_page_is_kept_and_never_shown(page: Page, other: Page, said: Said, site: str) -> None:
    sign_in(page, site, "emma")
    text = "<script>document.title = 'it ran'</script>"
    add_document(page, site, "Minutes", "minutes.html", text)
    assert "The document “Minutes” was added successfully." in page.inner_text(".messagelist")
    page.get_by_role("link", name="Minutes").first.click()
    link = page.get_by_role("link", name="minutes.html")
    with page.expect_download() as download:
        link.click()
    assert download.value.path().read_text() == text
    address = str(link.get_attribute("href"))
    assert visit(other, f"{site}{address}").request.redirected_from is not None
    assert other.url == f"{site}/admin/login/?next={address}"
    assert offences(said) == []


def test_staff_ends_somebodys_session_once_they_gave_their_password_again(
    page: Page, other: Page, said: Said, site: str
) -> None:
    sign_in(page, site, "ada")
    sign_in(other, site, "eve")
    assert signed_in(other, site)
    address = f"{site}/admin/secmw/session/?user=eve"
    visit(page, address)
    page.set_viewport_size({"width": 1280, "height": 460})
    keep(page, "django-admin.png")
    send(page, button="text=End all")
    assert page.url.startswith(f"{site}/_secmw/sudo")
    page.fill("#password", PASSWORD)
    send(page, button="main button")
    # Where no referrer tells of the page with the form, the way leads to the first page of the site.
    assert page.url in (address, f"{site}/admin/")
    visit(page, address)
    send(page, button="text=End all")
    assert "1 session ended." in page.inner_text(".messagelist")
    assert not signed_in(other, site)
    visit(page, f"{site}/admin/secmw/auditevent/")
    assert "an administrator ended a session" in page.inner_text("#content")
    assert offences(said) == []


# --- what its pages do ------------------------------------------------------------------------------------------------

PATHS: Final = (
    "auth/user/",
    "auth/user/add/",
    "auth/user/1/change/",
    "auth/user/1/password/",
    "auth/user/1/history/",
    "auth/user/1/delete/",
    "auth/group/add/",
    "documents/document/",
    "documents/document/?q=x",
    "password_change/",
    "secmw/session/",
    "secmw/auditevent/",
    "nowhere/",
)


def test_no_page_of_the_admin_offends_the_policy(page: Page, said: Said, site: str) -> None:
    sign_in(page, site, "ada")
    add_document(page, site, "Plan", "plan.html", "<p>A plan.")
    response = visit(page, f"{site}/admin/")
    assert str(response.header_value("Content-Security-Policy")).startswith("default-src 'none'")
    for path in PATHS:
        visit(page, f"{site}/admin/{path}")
    visit(page, f"{site}/admin/documents/document/")
    page.check("#action-toggle")
    page.select_option("[name=action]", "delete_selected")
    send(page, button="[name=index]")
    assert "Are you sure" in page.inner_text("#content")
    assert offences(said) == []


def test_the_scripts_of_the_admin_do_their_work(page: Page, said: Said, site: str) -> None:
    sign_in(page, site, "ada")
    visit(page, f"{site}/admin/auth/user/1/change/")
    # Two lists instead of one, and what moves from one to the other.
    first = page.locator("#id_user_permissions_from option").first
    name = first.inner_text()
    first.dblclick()
    expect(page.locator("#id_user_permissions_to option")).to_have_text(name)
    # The calendar and the clock.
    page.click("#calendarlink0")
    page.locator("#calendarin0 td a", has_text="15").click()
    expect(page.locator("#id_last_login_0")).to_have_value(re.compile("-15$"))
    page.click("#clocklink0")
    page.locator("#clockbox0").get_by_role("link", name="Noon").click()
    expect(page.locator("#id_last_login_1")).to_have_value("12:00:00")
    # A window that adds a group, and tells this page of it.
    with page.expect_popup() as opened:
        page.click("#add_id_groups")
    opened.value.fill("#id_name", "Editors")
    opened.value.click("[name=_save]")
    expect(page.locator("#id_groups_to option")).to_have_text("Editors")
    # Dark and light.
    page.locator("button.theme-toggle:visible").click()
    expect(page.locator("html")).to_have_attribute("data-theme", re.compile("light|dark"))
    # What hides and shows the list of everything, and finds in it.
    page.fill("#nav-filter", "Doc")
    expect(page.locator("#nav-sidebar .model-user")).to_be_hidden()
    assert offences(said) == []


def test_an_offence_is_heard(page: Page, said: Said, site: str) -> None:
    """What the tests above say is worth something."""
    visit(page, f"{site}/admin/login/")
    page.evaluate("""() => {
        const style = document.createElement("style");
        style.textContent = "body { display: none }";
        document.head.append(style);
    }""")
    said.hear(page, "offends: enforce style-src-elem")
    assert len(offences(said)) >= 1
    expect(page.locator("body")).to_be_visible()
