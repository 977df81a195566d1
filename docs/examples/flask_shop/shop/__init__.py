"""A shop with Flask: blueprints, a cart, sign-in, a page behind the password, a webhook. Run it: flask --app shop run --port 8000

For more than this machine: FLASK_SECMW_PRESET=recommended, FLASK_SECMW_PUBLIC_URL=https://shop.example.org,
FLASK_SECMW_SECRET_KEYS="$(secmw keys new)", FLASK_SECMW_STORE=sqlite:///var/lib/shop/sessions.db, FLASK_PAYMENT_SECRET, and
gunicorn --forwarded-allow-ips="" 'shop:create_app()'.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex

from flask import Flask

from secmw import Hooks
from secmw_flask import Secmw
from shop import account, goods, hooks, people

secmw = Secmw(hooks=Hooks(verify=people.verify))


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(
        SECMW_PRESET="development",
        SECMW_SESSIONS={"sign_in_url": "/account/sign-in"},
        SECMW_CSP={
            "default-src": ["'self'"],
            "style-src": ["'nonce'"],
            "base-uri": ["'none'"],
            "form-action": ["'self'"],
        },
        PAYMENT_SECRET=token_hex(),  # until FLASK_PAYMENT_SECRET says what the payment service signs with
    )
    app.config.from_prefixed_env()
    app.config.update(config or {})
    for part in (goods.goods, account.account, hooks.hooks):
        app.register_blueprint(part)
    secmw.init_app(app)
    return app
