"""What other servers call. They have no page of ours open, so they send no token; a signature says who they are."""

from __future__ import annotations

import hmac

from flask import Blueprint, abort, current_app, request

from secmw_flask import exchange, xsrf_exempt

hooks = xsrf_exempt(Blueprint("hooks", __name__, url_prefix="/hooks"))


@hooks.post("/payment")
def paid() -> tuple[str, int]:
    secret = current_app.config["PAYMENT_SECRET"].encode()
    expected = hmac.digest(secret, request.get_data(), "sha256").hex()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        abort(403)
    exchange().audit("order_paid", request.get_json()["order"])
    return "", 204
