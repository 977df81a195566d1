"""A request as checks see it, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Ask:
    method: str = "POST"
    scheme: str = "https"
    host: str = "app.example"
    origin: str = "https://app.example"
    path: str = "/"
    client: str | None = "192.0.2.1"
    cookie: str | None = None
    certified: bool = False
    selector: str | None = None
    headers: Mapping[Any, Any] = field(default_factory=dict)
    forwarded: bool = False
    claims_https: bool = False
    socket: bool = False
    local: bool = False
    named: bool = True
    target: tuple[bytes | str, bytes | str] = ("/", "")

    @property
    def raw_cookie(self) -> str | None:
        return self.cookie

    @property
    def presented(self) -> bytes | None:
        """An id with this selector; nobody looks at the secret."""
        return None if self.selector is None else f"{self.selector}.{'0' * 43}".encode()
