"""A policy for test clients, which speak plain HTTP to a host that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from secmw.presets import PRESETS

if TYPE_CHECKING:
    from secmw.policy import Policy

#: Whom test clients speak to: Starlette's and Django's the first, Flask's the second.
TEST_HOSTS: Final = ("testserver", "localhost")


def policy(policy: Policy) -> Policy:
    """Return the same policy for test clients, which speak plain HTTP to ``testserver`` or ``localhost``.

    What is relaxed, and why:

    - ``https`` is ``"off"``, ``public_url`` is spelled ``http://`` and ``force_secure`` is left out: there is
      no HTTPS to redirect to. HSTS, which is sent over HTTPS only, is therefore not seen.
    - ``allowed_hosts`` also names ``testserver`` and ``localhost``, unless any host is allowed already.
    - ``cookies``: not ``secure``, no ``prefix``, not ``partitioned``, no ``legacy_twin``, and
      ``SameSite=None`` becomes ``Lax``: a client drops Secure cookies over plain HTTP, and the others need
      Secure.
    - the development preset, which serves this machine only, becomes ``recommended`` with development's
      values.

    Everything else stays: the other headers, both XSRF questions, path classes, exemptions, trusted proxies,
    keys. :class:`Client` speaks HTTPS, so it can also test a policy as it is, with ``base_url`` set to its
    ``public_url``.

    >>> from secmw import Policy
    >>> strict = Policy.strict(public_url="https://app.example.org", xsrf=None, sessions=None)
    >>> tested = policy(strict)
    >>> tested.https, tested.public_url, tested.cookies.secure
    ('off', 'http://app.example.org', False)
    >>> tested.csp == strict.csp
    True
    """
    settings = policy.written()
    if policy.preset == "development":
        usual = PRESETS["recommended"]
        changed = {name: row.value for name, row in PRESETS["development"].items() if row is not usual[name]}
        settings = {**changed, **settings, "preset": "recommended"}
    settings.pop("force_secure", None)
    settings["https"] = "off"
    if policy.public_url is not None:
        settings["public_url"] = f"http://{policy.public_url.partition('://')[2]}"
    if policy.allowed_hosts or policy.public_url is not None:
        settings["allowed_hosts"] = (*policy.allowed_hosts, *TEST_HOSTS)
    settings["cookies"] = msgspec.structs.replace(
        policy.cookies,
        secure=False,
        prefix=False,
        partitioned=False,
        legacy_twin="never",
        same_site="Lax" if policy.cookies.same_site == "None" else policy.cookies.same_site,
    )
    return type(policy).from_mapping(settings)
