"""Sessions in PostgreSQL, MySQL or MariaDB, for any number of machines.

    engine     the URL, the drivers, and how long they are waited for
    tables     what is kept, and how its tables come to be
    turns      what is asked in one query or one transaction
    store      the stores of both colours

Importing this loads no driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secmw.clock import Clock

if TYPE_CHECKING:
    from secmw.stores.sql.store import AsyncSQLStore, SQLStore


def open_url(url: str, *, asynchronous: bool, clock: Clock) -> SQLStore | AsyncSQLStore:
    """Make the store of a URL: ``postgresql://user:password@host/database``, ``mysql://user:password@host/database``."""
    try:
        from secmw.stores.sql.store import AsyncSQLStore, SQLStore
    except ImportError as error:
        raise ValueError(f"needs {error.name}, which is not installed; pip install 'secmw[sql]'") from None
    kind = AsyncSQLStore if asynchronous else SQLStore
    return kind(url, clock=clock)
