"""Permissions-Policy (W3C Permissions Policy), a structured-field dictionary of features and who may use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import near, origin, sf_key, sf_string, table, texts

#: The features that a specification or a browser names; others are sent with a notice, because new ones appear.
FEATURES: Final = frozenset(
    (
        "accelerometer", "ambient-light-sensor", "aria-notify", "attribution-reporting", "autoplay",
        "battery", "bluetooth", "browsing-topics", "camera", "captured-surface-control", "clipboard-read",
        "clipboard-write", "compute-pressure", "controlled-frame", "cross-origin-isolated",
        "deferred-fetch", "deferred-fetch-minimal", "digital-credentials-create", "digital-credentials-get",
        "direct-sockets", "display-capture", "document-domain", "encrypted-media",
        "execution-while-not-rendered", "execution-while-out-of-viewport", "focus-without-user-activation",
        "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "identity-credentials-get",
        "idle-detection", "join-ad-interest-group", "keyboard-map", "language-detector", "language-model",
        "local-fonts", "local-network-access", "magnetometer", "microphone", "midi", "navigation-override",
        "on-device-speech-recognition", "otp-credentials", "payment", "picture-in-picture",
        "private-aggregation", "private-state-token-issuance", "private-state-token-redemption",
        "publickey-credentials-create", "publickey-credentials-get", "rewriter", "run-ad-auction",
        "screen-wake-lock", "serial", "shared-storage", "shared-storage-select-url", "smart-card",
        "speaker-selection", "storage-access", "sub-apps", "summarizer", "sync-script", "sync-xhr",
        "translator", "unload", "usb", "usb-unrestricted", "vertical-scroll", "web-share",
        "window-management", "writer", "xr-spatial-tracking",
    )
)  # fmt: skip

_EXAMPLE = '{"camera": [], "fullscreen": ["self"]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsPolicy:
    """Say which of the browser's features a page and the frames in it may use.

    Protects people from an injected script or an embedded page that asks for their camera, microphone or location.
    An empty list forbids a feature to everybody, ``*`` allows it to everybody, and ``self`` and origins, unlike in a
    CSP, are written without quotes.

    >>> PermissionsPolicy(features={"camera": (), "payment": ("self", "https://pay.example.org")}).render()
    'camera=(), payment=(self "https://pay.example.org")'
    """

    name: ClassVar[str] = "Permissions-Policy"
    setting: ClassVar[str] = "permissions_policy"
    https_only: ClassVar[bool] = False

    features: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        features = {
            sf_key(name): _allowlist(name, allowed)
            for name, allowed in table(self.features, _EXAMPLE).items()
        }
        object.__setattr__(self, "features", MappingProxyType(features))

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the table; None and an empty one send nothing."""
        features = policy.permissions_policy
        return cls(features=table(features, _EXAMPLE)) if features else None

    @property
    def notices(self) -> tuple[str, ...]:
        """Name the features that are not known here; browsers ignore those that they do not know."""
        return tuple(
            _notice(name) for name in self.features if name not in FEATURES and not name.startswith("ch-")
        )

    def render(self) -> str:
        """Write the dictionary, features in the order given."""
        return ", ".join(f"{name}={_member(allowed)}" for name, allowed in self.features.items())


def _notice(name: str) -> str:
    guess = near(name, FEATURES)
    notice = f"permissions_policy names {name}, which browsers may not know and then ignore"
    return f"{notice}; {guess}" if guess else notice


def _allowlist(feature: str, allowed: object) -> tuple[str, ...]:
    try:
        entries = texts(allowed)
        if "*" in entries and len(entries) > 1:
            raise ValueError("'*' already allows everybody; write it alone")
        return tuple(entry if entry in ("*", "self") else _origin(entry) for entry in entries)
    except ValueError as error:
        raise ValueError(f"{feature}: {error}") from None


def _origin(entry: str) -> str:
    word = entry.strip("'")
    if word in ("*", "self"):
        raise ValueError(f'{entry!r} takes no single quotes here; write "{word}"')
    if word == "none":
        raise ValueError(f"{entry!r} is for CSP; write an empty list, []")
    return origin(entry)


def _member(allowed: tuple[str, ...]) -> str:
    if allowed == ("*",):
        return "*"
    return f"({' '.join(entry if entry == 'self' else sf_string(entry) for entry in allowed)})"
