"""Whether somebody on the way may hear what a store is told, and answer in its place: by where the store is. Pure."""

from __future__ import annotations

from secmw.hosts import parse_authority


def leaves(host: str) -> bool:
    """Say whether what is sent to a host leaves this machine; no host, and the path of a socket, mean this one.

    >>> leaves("db.example"), leaves("10.0.0.5"), leaves("localhost"), leaves("::1"), leaves("/run/postgresql"), leaves("")
    (True, True, False, False, False, False)
    """
    # libpq writes an abstract socket with an @.
    if not host or host.startswith(("/", "@")):
        return False
    try:
        return not parse_authority(f"[{host}]" if ":" in host else host).is_local
    except ValueError:
        return True
