"""Content-Security-Policy and Content-Security-Policy-Report-Only."""

from __future__ import annotations

import pytest

from secmw.headers import ContentSecurityPolicy, ContentSecurityPolicyReportOnly
from tests.headers.settings import Settings


def enforced(settings: Settings) -> str | None:
    header = ContentSecurityPolicy.of(settings)
    return None if header is None else header.render()


def test_the_recommended_value() -> None:
    """CS-01"""
    assert (
        enforced(Settings())
        == "base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'none'"
    )


def test_the_recommended_report_only_value() -> None:
    header = ContentSecurityPolicyReportOnly.of(Settings())
    assert header is not None
    assert header.uses_nonce
    assert header.render("YWJj") == (
        "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; img-src 'self' data:; "
        "object-src 'none'; script-src 'self' 'nonce-YWJj'; script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'"
    )


@pytest.mark.parametrize(
    ("frame_options", "value"),
    [
        ("DENY", "frame-ancestors 'none'"),
        ("sameorigin", "frame-ancestors 'self'"),
        (
            ("https://a.example.org", "https://b.example.org"),
            "frame-ancestors https://a.example.org https://b.example.org",
        ),
        ("ALLOW-FROM https://a.example.org", None),
        (None, None),
    ],
)
def test_frame_options_alone_is_a_policy(
    frame_options: str | tuple[str, ...] | None, value: str | None
) -> None:
    """CS-07"""
    assert enforced(Settings(csp=None, frame_options=frame_options)) == value
    assert enforced(Settings(csp={}, frame_options=frame_options)) == value


def test_frame_options_joins_the_other_directives() -> None:
    """CS-05"""
    assert (
        enforced(Settings(csp={"img-src": ("*",)}, frame_options="SAMEORIGIN"))
        == "img-src *; frame-ancestors 'self'"
    )


@pytest.mark.parametrize("name", ["frame-ancestors", "Frame-Ancestors"])
def test_frame_ancestors_of_csp_win(name: str) -> None:
    settings = Settings(csp={name: ("https://a.example.org",)}, frame_options="DENY")
    assert enforced(settings) == "frame-ancestors https://a.example.org"


def test_a_bad_frame_option_is_left_to_its_own_setting_and_nobody_may_frame_us() -> None:
    assert enforced(Settings(csp=None, frame_options=("nonsense",))) == "frame-ancestors 'none'"


def test_a_bad_policy_is_refused_with_directive_and_fix() -> None:
    """CS-04"""
    with pytest.raises(
        ValueError, match="script-src: self needs lower case and single quotes around it; write \"'self'\""
    ):
        ContentSecurityPolicy.of(Settings(csp={"script-src": ("self",)}))


def test_report_only_leaves_framing_to_the_other() -> None:
    header = ContentSecurityPolicyReportOnly.of(
        Settings(csp_report_only={"img-src": ("*",)}, frame_options="DENY")
    )
    assert header is not None
    assert header.render() == "img-src *"


@pytest.mark.parametrize("policy", [None, {}])
def test_an_empty_report_only_sends_nothing(policy: dict[str, tuple[str, ...]] | None) -> None:
    assert ContentSecurityPolicyReportOnly.of(Settings(csp_report_only=policy)) is None


@pytest.mark.parametrize("name", ["sandbox", "upgrade-insecure-requests"])
def test_report_only_refuses_what_browsers_ignore_there(name: str) -> None:
    """CS-06"""
    with pytest.raises(
        ValueError, match=f"{name}: browsers ignore it in Content-Security-Policy-Report-Only"
    ):
        ContentSecurityPolicyReportOnly.of(Settings(csp_report_only={name: ()}))
    assert enforced(Settings(csp={name: ()}, frame_options=None)) == name


def test_both_are_sent_side_by_side() -> None:
    """CS-06"""
    settings = Settings(
        csp={"img-src": ("*",)}, csp_report_only={"img-src": ("'self'",), "report-to": ("csp",)}
    )
    assert ContentSecurityPolicy.of(settings)
    assert ContentSecurityPolicyReportOnly.of(settings)


@pytest.mark.parametrize(("sources", "uses"), [(("'nonce'",), True), (("'self'",), False)])
def test_a_policy_says_whether_it_uses_a_nonce(sources: tuple[str, ...], uses: bool) -> None:
    """CS-02"""
    assert ContentSecurityPolicy(directives={"img-src": ("*",), "script-src": sources}).uses_nonce is uses


def test_a_policy_can_not_be_changed_after_it_was_checked() -> None:
    given = {"img-src": ("*",)}
    header = ContentSecurityPolicy(directives=given)
    given["script-src"] = ("anything; at all",)
    assert header.render() == "img-src *"
    with pytest.raises(TypeError):
        header.directives["script-src"] = ("*",)  # type: ignore[index]


def test_a_directive_that_browsers_gave_up_gets_a_notice() -> None:
    header = ContentSecurityPolicy(directives={"block-all-mixed-content": (), "img-src": ("*",)})
    assert header.notices == (
        "csp names block-all-mixed-content: browsers block it unasked; leave it out, or write upgrade-insecure-requests",
    )
    assert (
        ContentSecurityPolicyReportOnly(directives={"prefetch-src": ("*",)})
        .notices[0]
        .startswith("csp_report_only names")
    )
