"""Harden the cookies an application sets: add what is missing, take nothing away.

- An attribute that is there stands: SameSite=Strict stays Strict. What is missing is appended, so the application's own
  bytes, order and unknown attributes are kept; where it is there but no browser would understand it, the last counts.
- SameSite=None is never added to a cookie without Secure: on plain http it would only make browsers drop the cookie.
- Partitioned is added to nothing but a SameSite=None cookie with Secure.
- A cookie that keeps the promise of its prefix still does, and its twin does.
- A deletion is hardened like any other cookie, or it would not match the cookie it deletes.

An application sets few different attributes, so what to add is worked out once for each. The value is not looked at,
but for the three characters that end a header.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from secmw.cookies.grammar import SAME_SITE, SameSite, read_attributes, split_line
from secmw.cookies.legacy import SUFFIX, needs_twin, twin_of

Twins = Literal["never", "always", "incompatible"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardening:
    """Say what every cookie shall have.

    ``secure`` and ``http_only`` add that attribute, HttpOnly not to the cookies (and their twins) that ``readable``
    names for scripts; ``same_site`` is for cookies without any, None to leave them without. ``twins`` says to whom
    SameSite=None cookies go in two copies: nobody, everybody, or the browsers known to need it.

    Raises ValueError for an unknown ``same_site`` or ``twins``.

    >>> Hardening(same_site="Lax").harden("id=s3cret; Path=/")
    ('id=s3cret; Path=/; Secure; HttpOnly; SameSite=Lax',)
    """

    secure: bool = True
    http_only: bool = True
    readable: frozenset[str] = frozenset()
    same_site: SameSite | None = "Lax"
    partitioned: bool = False
    twins: Twins = "never"
    _missing: Callable[[str, bool], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.same_site is not None and self.same_site not in SAME_SITE:
            raise ValueError(f"same_site {self.same_site!r} is unknown; write 'Lax', 'Strict' or 'None'")
        if self.twins not in ("never", "always", "incompatible"):
            raise ValueError(f"twins {self.twins!r} is unknown; write 'never', 'always' or 'incompatible'")
        object.__setattr__(self, "_missing", lru_cache(maxsize=256)(self._work_out))

    def harden(self, line: str, user_agent: str = "") -> tuple[str, ...]:
        """Return the Set-Cookie values to send for one of the application: the cookie and, where due, its twin.

        ``user_agent`` is read for ``twins="incompatible"`` alone. Raises ValueError for a line that is two headers
        (CR, LF, NUL) or sets a cookie without a name.
        """
        if "\n" in line or "\r" in line or "\0" in line:
            raise ValueError("a Set-Cookie value holds CR, LF or NUL; encode the value of the cookie")
        name, _, attributes = split_line(line)
        if not name:
            raise ValueError("a Set-Cookie value names no cookie; write name=value")
        readable = name in self.readable or name.removesuffix(SUFFIX) in self.readable
        hardened = line + self._missing(attributes, readable)
        if self.twins == "never" or (twin := twin_of(hardened)) is None:
            return (hardened,)
        if self.twins == "incompatible" and not needs_twin(user_agent):
            return (hardened,)
        return hardened, twin

    def _work_out(self, attributes: str, readable: bool) -> str:
        present = read_attributes(attributes)
        missing = []
        secure = self.secure or "secure" in present
        if secure and "secure" not in present:
            missing.append("Secure")
        if self.http_only and not readable and "httponly" not in present:
            missing.append("HttpOnly")
        same_site = present.get("samesite", "").title()
        if same_site not in SAME_SITE and self.same_site and (secure or self.same_site != "None"):
            same_site = self.same_site
            missing.append(f"SameSite={same_site}")
        if self.partitioned and secure and same_site == "None" and "partitioned" not in present:
            missing.append("Partitioned")
        return "".join(f"; {attribute}" for attribute in missing)
