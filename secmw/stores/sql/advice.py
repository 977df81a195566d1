"""What of the way to a database is weaker than sessions need, by its URL. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from secmw.stores.link import leaves
from secmw.stores.sql.engine import spoken

if TYPE_CHECKING:
    from sqlalchemy import URL

#: With which of libpq's modes it is asked who answers; it may stand in the environment too, and is `prefer` otherwise.
_CHECKED: Final = ("verify-ca", "verify-full")


def judge(url: URL, environ: Mapping[str, str]) -> Iterator[str]:
    """Say what to write into a URL that :func:`~secmw.stores.sql.engine.checked` has read: a sentence each."""
    query = url.normalized_query
    named = [*query.get("host", ()), *query.get("hostaddr", ())]
    hosts = [url.host or "", *(host.partition(":")[0] for host in named)]
    if not any(map(leaves, hosts)):
        return
    if url.get_backend_name() == "postgresql":
        mode = [*query.get("sslmode", ()), environ.get("PGSSLMODE", ""), "prefer"]
        if next(filter(None, mode)) not in _CHECKED:
            yield f"{spoken(url)} may be anybody, for nobody checks who answers: add sslmode=verify-full to the URL"
    elif not any(query.get(name) for name in ("ssl_ca", "ssl_capath")):
        yield (
            f"{spoken(url)} may be anybody, for nobody checks who answers: add ssl_ca=/etc/ssl/mysql.pem to the URL, the "
            "authority that its certificate is of"
        )
