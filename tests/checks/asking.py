"""A request as checks see it, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from secmw.http import WSGI, Wire


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
    wire: Wire = WSGI
    #: Given as text, by name; as the wire spells them afterwards, while ``said`` stays.
    headers: Mapping[Any, Any] = field(default_factory=dict)
    said: Mapping[str, str] = field(init=False)
    forwarded: bool = False
    claims_https: bool = False
    socket: bool = False
    local: bool = False
    named: bool = True
    target: tuple[bytes | str, bytes | str] = ("/", "")

    def __post_init__(self) -> None:
        object.__setattr__(self, "said", self.headers)
        spelled = {self.wire.field(name): self.wire.encode(value) for name, value in self.headers.items()}
        object.__setattr__(self, "headers", spelled)

    @property
    def raw_cookie(self) -> str | None:
        return self.cookie

    @property
    def presented(self) -> bytes | None:
        """An id with this selector; nobody looks at the secret."""
        return None if self.selector is None else f"{self.selector}.{'0' * 43}".encode()
