"""The contract on databases under seal, but for what is theirs alone; :mod:`tests.stores.sealing.everywhere` has all of it."""

from __future__ import annotations

import pytest

from tests.stores.sealing.contracts import BrieflySealing
from tests.stores.sql import test_store

pytestmark = pytest.mark.server


class TestSealedSQLStoreOnPostgreSQL(BrieflySealing, test_store.TestSQLStoreOnPostgreSQL):
    pass


class TestSealedSQLStoreOnMariaDB(BrieflySealing, test_store.TestSQLStoreOnMariaDB):
    pass
