"""Server (RFC 9110 section 10.2.4). This replaces it; removing it is ``drop_headers``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import field_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Say a name of your own instead of the software's and its version.

    Protects from scans for versions with known holes. Some servers add their own Server after every application;
    then only the server's switch helps.

    >>> Server(value="Web").render()
    'Web'
    """

    name: ClassVar[str] = "Server"
    setting: ClassVar[str] = "server"
    https_only: ClassVar[bool] = False
    notices: ClassVar[tuple[str, ...]] = ()

    value: str

    def __post_init__(self) -> None:
        value = field_value(self.value)
        if not value:
            raise ValueError("is empty; write a name such as Web, or None to send no Server")
        object.__setattr__(self, "value", value)

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the text; None sends nothing."""
        return None if policy.server is None else cls(value=policy.server)

    def render(self) -> str:
        """Write the value."""
        return self.value
