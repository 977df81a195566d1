"""Cookie name prefixes: promises that a browser checks before it keeps the cookie.

- ``__Secure-``     Secure
- ``__Host-``       Secure, Path=/, no Domain: no other host can have set it
- ``__Http-``       Secure, HttpOnly: no script can have set it
- ``__Host-Http-``  all of these

Browsers compare prefixes without regard to case (RFC 6265bis section 4.1.3), and so does this file. It only looks at
names and attributes; it renders nothing.
"""

from __future__ import annotations


def check_prefix(name: str, *, secure: bool, http_only: bool, path: str, domain: str | None) -> None:
    """Check that a cookie keeps what its name promises; raise ValueError where a browser would drop it.

    >>> check_prefix("__Host-id", secure=True, http_only=True, path="/", domain="example.org")
    Traceback (most recent call last):
    ValueError: the prefix of '__Host-id' forbids Domain; drop domain or rename it to __Secure-
    """
    promise = name.lower()
    if not promise.startswith(("__secure-", "__host-", "__http-")):
        return
    if not secure:
        raise ValueError(f"the prefix of {name!r} needs Secure; set secure=True or drop the prefix")
    if promise.startswith(("__http-", "__host-http-")) and not http_only:
        raise ValueError(f"the prefix of {name!r} needs HttpOnly; set http_only=True or drop 'Http-'")
    if promise.startswith("__host-") and domain is not None:
        raise ValueError(f"the prefix of {name!r} forbids Domain; drop domain or rename it to __Secure-")
    if promise.startswith("__host-") and path != "/":
        raise ValueError(f"the prefix of {name!r} needs Path=/; set path='/' or rename it to __Secure-")


def prefixed(name: str, *, secure: bool, path: str, domain: str | None) -> str:
    """Return the name with the strongest prefix whose conditions hold, or as it is where none does.

    A name that has a prefix already keeps it.

    >>> prefixed("id", secure=True, path="/", domain=None)
    '__Host-id'
    >>> prefixed("id", secure=True, path="/shop", domain=None)
    '__Secure-id'
    """
    if not secure or name.lower().startswith(("__secure-", "__host-", "__http-")):
        return name
    return f"__Host-{name}" if path == "/" and domain is None else f"__Secure-{name}"
