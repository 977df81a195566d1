"""X-Frame-Options (HTML Living Standard, RFC 7034), and what the same setting means for CSP's frame-ancestors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import field_value, origin, texts

_ANCESTORS = {"DENY": ("'none'",), "SAMEORIGIN": ("'self'",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOptions:
    """Keep other sites from showing our pages in a frame.

    Protects from clickjacking: a page of ours, invisible over somebody else's buttons. Browsers that know CSP's
    frame-ancestors heed that instead, so both are sent and say the same. They know two values, DENY and SAMEORIGIN;
    any other is sent as it is, with a notice. A list of origins can be said in frame-ancestors alone.

    >>> FrameOptions(value="deny").render()
    'DENY'
    """

    name: ClassVar[str] = "X-Frame-Options"
    setting: ClassVar[str] = "frame_options"
    https_only: ClassVar[bool] = False

    value: str

    def __post_init__(self) -> None:
        value = field_value(self.value)
        if value.upper() in ("", "NONE"):
            raise ValueError(
                f"{value!r} could mean nobody or anybody; write DENY so that nobody may frame the page, "
                "or leave frame_options out (None) so that anybody may"
            )
        object.__setattr__(self, "value", value.upper() if value.upper() in _ANCESTORS else value)

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take a text; None and a (valid) list of origins send no X-Frame-Options."""
        options = policy.frame_options
        if isinstance(options, str):
            return cls(value=options)
        if options is not None:
            frame_ancestors(options)
        return None

    @property
    def notices(self) -> tuple[str, ...]:
        """Say that browsers ignore a value, and what they heed."""
        if self.value in _ANCESTORS:
            return ()
        word, _, rest = self.value.partition(" ")
        origins = rest.strip() if word.upper() == "ALLOW-FROM" else self.value
        fix = f'["{origins}"]' if "://" in origins else "DENY, SAMEORIGIN or a list of origins"
        notice = (
            f"X-Frame-Options: {self.value} is sent as it is, but browsers ignore it and let anybody frame the page; "
            f"write frame_options = {fix}"
        )
        return (notice,)

    def render(self) -> str:
        """Write the value."""
        return self.value


def frame_ancestors(options: object) -> tuple[str, ...]:
    """Return the sources of frame-ancestors that ``frame_options`` stands for; none for None and verbatim text.

    >>> frame_ancestors(["https://portal.example.org"])
    ('https://portal.example.org',)
    """
    if options is None:
        return ()
    if isinstance(options, str):
        return _ANCESTORS.get(options.strip(" \t").upper(), ())
    origins = texts(options)
    if not origins:
        raise ValueError(
            "is an empty list; write DENY so that nobody may frame the page, or None so that anybody may"
        )
    return tuple(item if item == "'self'" else _ancestor(item) for item in origins)


def _ancestor(item: str) -> str:
    if item.strip("'").lower() == "self":
        raise ValueError(f"{item} needs single quotes around it; write \"'self'\"")
    if item.strip("'").lower() == "none":
        raise ValueError(
            f"{item!r} is no origin; write frame_options = DENY so that nobody may frame the page"
        )
    return origin(item)
