"""Which paths belong to which prefix, and which paths are too odd to belong anywhere.

Pure text. A path here is the decoded path below the mount point; RFC 3986 section 3.3.
"""

from __future__ import annotations


def covers(prefix: str, path: str) -> bool:
    """Say whether a path lies under a prefix, on a segment boundary.

    >>> covers("/admin", "/admin"), covers("/admin", "/admin/x"), covers("/admin", "/administrator")
    (True, True, False)
    >>> covers("/hooks/", "/hooks/a"), covers("/hooks/", "/hooks")
    (True, False)
    """
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")


def exempt(entries: tuple[str, ...], path: str) -> bool:
    """Say whether a path is one of the entries, or lies under one that ends in ``/``.

    >>> exempt(("/health", "/.well-known/acme-challenge/"), "/health/x")
    False
    """
    return any(path == entry or (entry.endswith("/") and path.startswith(entry)) for entry in entries)


def below(root: str, path: str) -> str:
    """Strip the mount point from a path, once, on a segment boundary; servers differ in whether they leave it on.

    >>> below("/app", "/app/x"), below("/app", "/x"), below("/app", "/apple"), below("/app", "/app")
    ('/x', '/x', '/apple', '/')
    """
    root = root.rstrip("/")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        return path[len(root) :] or "/"
    return path


def odd(path: str, raw: str = "") -> bool:
    r"""Say whether a path could mean another one to an application that tidies it up.

    True for dot segments, empty segments, a backslash, a control character, a missing leading slash, parameters
    (``;``), a leftover percent sign (double encoding) and, in the path as it was sent (``raw``), an encoded slash,
    backslash or dot.

    >>> [odd(path) for path in ("/a/b", "/a//b", "/a/../b", "/a/.", "/a\\b", "/a/b/")]
    [False, True, True, True, True, False]
    """
    if (
        not path.startswith("/")
        or "//" in path
        or "\\" in path
        or "%" in path
        or ";" in path
        or not path.isprintable()
    ):
        return True
    if "/." in path and any(segment in (".", "..") for segment in path.split("/")):
        return True
    if "%" in raw:
        lower = raw.lower()
        return "%2f" in lower or "%5c" in lower or "%2e" in lower
    return False
