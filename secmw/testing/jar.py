"""The cookies of the test client: which a browser would keep, and which it would send (RFC 6265bis).

A small jar for one host: it knows no SameSite, because it does not know who asks, and no public suffixes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCookie:
    """Hold a cookie with its attributes as they were sent; ``path`` is what it covers, named or not."""

    name: str
    value: str
    path: str = "/"
    domain: str | None = None
    max_age: int | None = None
    expires: str | None = None
    secure: bool = False
    http_only: bool = False
    same_site: str | None = None
    partitioned: bool = False

    @classmethod
    def parse(cls, line: str, path: str = "/") -> SetCookie | None:
        """Read the value of one Set-Cookie header of a response to ``path``; None for what is no cookie.

        >>> SetCookie.parse("id=1; Path=/a; HttpOnly; SameSite=Lax").same_site
        'Lax'
        """
        pair, *parts = line.split(";")
        name, equals, value = (text.strip(" \t") for text in pair.partition("="))
        if not name or not equals:
            return None
        attributes: dict[str, str] = {}
        for part in parts:
            key, _, text = part.partition("=")
            # The last one counts.
            attributes[key.strip(" \t").lower()] = text.strip(" \t")
        covered = attributes.get("path", "")
        age = attributes.get("max-age", "")
        return cls(
            name=name,
            value=value,
            path=covered if covered.startswith("/") else path[: path.rfind("/")] or "/",
            domain=attributes.get("domain", "").removeprefix(".").lower() or None,
            max_age=int(age) if age.removeprefix("-").isdecimal() and age.isascii() else None,
            expires=attributes.get("expires"),
            secure="secure" in attributes,
            http_only="httponly" in attributes,
            same_site=attributes.get("samesite"),
            partitioned="partitioned" in attributes,
        )

    @property
    def deletes(self) -> bool:
        """Whether it has expired already: Max-Age decides, then Expires."""
        if self.max_age is not None:
            return self.max_age <= 0
        try:
            return self.expires is not None and parsedate_to_datetime(self.expires).timestamp() <= time.time()
        except (ValueError, OverflowError):
            return False

    def kept_by(self, host: str, *, secure: bool) -> bool:
        """Say whether a browser keeps this cookie of ``host``: its attributes and its prefix fit together."""
        if self.domain is not None and host != self.domain and not host.endswith(f".{self.domain}"):
            return False
        if self.secure and not secure:
            return False
        if not self.secure and (self.partitioned or (self.same_site or "").lower() == "none"):
            return False
        name = self.name.lower()
        if name.startswith("__host-"):
            return self.secure and self.domain is None and self.path == "/"
        return self.secure or not name.startswith("__secure-")

    def sent_to(self, path: str, *, secure: bool) -> bool:
        """Say whether a browser sends this cookie along with a request for ``path``."""
        if self.secure and not secure:
            return False
        return path == self.path or path.startswith(self.path if self.path.endswith("/") else f"{self.path}/")
