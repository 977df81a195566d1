"""The contract on databases under seal: each in one colour, for what is sealed is the same."""

from __future__ import annotations

import pytest

from tests.stores.sealing.contracts import Sealing
from tests.stores.sql import test_store

pytestmark = pytest.mark.server


class TestSealedSQLStoreOnMariaDB(Sealing, test_store.TestSQLStoreOnMariaDB):
    pass


class TestAsyncSealedSQLStoreOnPostgreSQL(Sealing, test_store.TestAsyncSQLStoreOnPostgreSQL):
    pass
