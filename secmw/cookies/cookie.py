"""One cookie of ours, and the Set-Cookie value that sets or deletes it.

- Whatever a browser would refuse, cut short or ignore is refused here, when the cookie is made: a cookie that exists
  can be rendered.
- Values are cookie-octets and nothing else. Nothing is quoted or escaped: encode (base64url) before.
- A lifetime is sent as Max-Age alone, at most 400 days. Every browser prefers it to Expires, and it needs no clock, so
  there are no two dates to disagree. Only a deletion, which is a constant, sends both.
- A deletion differs from its cookie in value and lifetime only; a browser would keep the cookie otherwise.

Nothing here reads a cookie (that is :mod:`secmw.cookies.find`) and no message or repr shows a value.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Final

from secmw.cookies.grammar import DOMAIN, MAX_ATTRIBUTE, MAX_PAIR, PATH, SAME_SITE, VALUE, SameSite
from secmw.cookies.prefix import check_prefix
from secmw.http import TOKEN

#: Seconds in 400 days, the longest lifetime a browser grants (RFC 6265bis section 5.5).
MAX_AGE: Final = 400 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Cookie:
    """Hold one cookie, checked; ``max_age`` is in seconds, None for as long as the browser runs, 0 to delete.

    Raises ValueError, with what to write instead, for whatever a browser would not keep as it stands.

    >>> Cookie("__Host-id", "c2VjcmV0", max_age=3600).render()
    '__Host-id=c2VjcmV0; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax'
    """

    name: str
    value: str = field(repr=False)
    _: KW_ONLY
    path: str = "/"
    domain: str | None = None
    max_age: int | None = None
    secure: bool = True
    http_only: bool = True
    same_site: SameSite | None = "Lax"
    partitioned: bool = False

    def __post_init__(self) -> None:
        if not TOKEN.fullmatch(self.name):
            raise ValueError(f"cookie name {self.name!r} is not a token; use letters, digits, '-' and '_'")
        if not VALUE.fullmatch(self.value):
            raise ValueError(f"the value of {self.name!r} is not cookie-octets; encode it, as in base64url")
        if len(self.name) + len(self.value) > MAX_PAIR:
            raise ValueError(f"{self.name!r} and its value exceed {MAX_PAIR} octets; keep less in it")
        if not PATH.fullmatch(self.path) or len(self.path) > MAX_ATTRIBUTE:
            raise ValueError(f"path {self.path!r} is no cookie path; write '/...' without blanks, up to 1024")
        if self.domain is not None and not DOMAIN.fullmatch(self.domain):
            raise ValueError(f"domain {self.domain!r} is not a host name; write it bare: 'example.org'")
        if self.max_age is not None and self.max_age < 0:
            raise ValueError(f"max_age {self.max_age} is negative; write 0 to delete the cookie")
        if self.same_site is not None and self.same_site not in SAME_SITE:
            raise ValueError(f"same_site {self.same_site!r} is unknown; write 'Lax', 'Strict' or 'None'")
        if self.same_site == "None" and not self.secure:
            raise ValueError("SameSite=None needs Secure; set secure=True")
        if self.partitioned and not self.secure:
            raise ValueError("Partitioned needs Secure; set secure=True")
        check_prefix(
            self.name, secure=self.secure, http_only=self.http_only, path=self.path, domain=self.domain
        )

    @property
    def attributes(self) -> str:
        """All of the Set-Cookie value that follows name and value, the first ``;`` included."""
        parts = ["", f"Path={self.path}"]
        if self.domain is not None:
            parts.append(f"Domain={self.domain}")
        if self.max_age is not None:
            parts.append(f"Max-Age={min(self.max_age, MAX_AGE)}")
        if self.max_age == 0:
            parts.append("Expires=Thu, 01 Jan 1970 00:00:00 GMT")
        if self.secure:
            parts.append("Secure")
        if self.http_only:
            parts.append("HttpOnly")
        if self.same_site is not None:
            parts.append(f"SameSite={self.same_site}")
        if self.partitioned:
            parts.append("Partitioned")
        return "; ".join(parts)

    def render(self) -> str:
        """Return the Set-Cookie value."""
        return f"{self.name}={self.value}{self.attributes}"

    def deletion(self) -> Cookie:
        """Return the cookie that deletes this one.

        >>> Cookie("id", "x", domain="example.org").deletion().render().partition("; Secure")[0]
        'id=; Path=/; Domain=example.org; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
        """
        return replace(self, value="", max_age=0)
