"""What a server imports: one of the suite's builds, with sessions in a file that all workers share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from secmw import Policy
from secmw.hooks import Hooks
from tests.conformance import hosting
from tests.conformance.policies import KEY, ORIGIN

if TYPE_CHECKING:
    from tests.conformance.app import Receive, Scope, Send

#: Which of BUILDS.
_BUILD: Final = os.environ.get("LOAD_BUILD", "asgi")


def policy() -> Policy:
    """Make the policy that everything here is served under: `recommended`, behind the one proxy that wrk plays."""
    return Policy.recommended(
        secret_keys=[KEY],
        public_url=ORIGIN,
        trusted_proxies=["127.0.0.1"],
        store=os.environ.get("LOAD_STORE", "memory://"),
        sessions={"sign_in_url": "/sign-in"},
    )


def _given(_policy: Policy, _interface: str) -> dict[str, Any]:
    return {"hooks": Hooks(verify=hosting.verify)}


def _application() -> Any:
    # The suite's own store lives in one process, and its clock can be moved; the frameworks' applications ask for it by name.
    vars(hosting)["given"] = _given
    from tests.conformance.builds import BUILDS

    return BUILDS[_BUILD].make(policy())


application = _application()


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request; what else a framework's application has besides being called is no server's business."""
    await application(scope, receive, send)


def wsgi(environ: Any, start_response: Any) -> Any:
    """Do the same for WSGI."""
    return application(environ, start_response)
