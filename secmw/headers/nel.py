"""NEL, Network Error Logging (W3C), a JSON object."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from secmw.headers.base import HeaderSettings
from secmw.headers.values import field_name, seconds, suggest, table, text, texts

_EXAMPLE = '{"report_to": "network", "max_age": 2592000}'


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkErrorLogging:
    """Make browsers report that they could not reach us: DNS, TCP, TLS and HTTP failures.

    They remember the policy for ``max_age`` seconds (0 forgets it). ``report_to`` names a group of the older
    ``Report-To`` header, which browsers still want here; send that one with ``custom_headers``. The fractions, from 0
    to 1, say how many successes and failures are reported. Reports hold addresses of people: tell them.

    >>> NetworkErrorLogging(report_to="network", max_age=2_592_000).render()
    '{"report_to":"network","max_age":2592000}'
    """

    name: ClassVar[str] = "NEL"
    setting: ClassVar[str] = "nel"
    https_only: ClassVar[bool] = False
    notices: ClassVar[tuple[str, ...]] = ()

    max_age: int
    report_to: str | None = None
    include_subdomains: bool = False
    success_fraction: float | None = None
    failure_fraction: float | None = None
    request_headers: tuple[str, ...] = ()
    response_headers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seconds(self.max_age, 2_592_000)
        if self.report_to is not None:
            text(self.report_to)
        if self.max_age and not self.report_to:
            raise ValueError("report_to is missing; write the name of a group of your Report-To header")
        if not isinstance(self.include_subdomains, bool):
            raise ValueError(
                f"include_subdomains = {self.include_subdomains!r} is not a boolean; write true or false"
            )
        for member in ("success_fraction", "failure_fraction"):
            if (fraction := getattr(self, member)) is not None:
                _fraction(member, fraction)
        for member in ("request_headers", "response_headers"):
            object.__setattr__(self, member, tuple(map(field_name, texts(getattr(self, member)))))

    @classmethod
    def of(cls, policy: HeaderSettings) -> Self | None:
        """Take the members of the table; None sends nothing, an unknown member is a ValueError."""
        if policy.nel is None:
            return None
        members = dict(table(policy.nel, _EXAMPLE))
        known = [field.name for field in fields(cls)]
        for member in members:
            if member not in known:
                raise ValueError(f"{member!r} is no member of NEL; {suggest(member, known)}")
        if "max_age" not in members:
            raise ValueError(f"max_age is missing; write it like {_EXAMPLE}")
        return cls(**members)

    def render(self) -> str:
        """Write the members that are set, without blanks."""
        # Few policies have this header.
        import json

        members: dict[str, Any] = {"report_to": self.report_to, "max_age": self.max_age}
        members |= {
            "include_subdomains": self.include_subdomains or None,
            "success_fraction": self.success_fraction,
            "failure_fraction": self.failure_fraction,
            "request_headers": self.request_headers or None,
            "response_headers": self.response_headers or None,
        }
        return json.dumps(
            {name: value for name, value in members.items() if value is not None}, separators=(",", ":")
        )


def _fraction(member: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"{member} = {value!r} is not a fraction; write a number from 0 to 1")
