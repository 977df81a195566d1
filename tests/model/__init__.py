"""A model of sessions: what the design promises, written a second time and differently, and a search for a history in
which the library does something else.

`oracle.py`, `book.py` and `ledger.py` say what must be so. `driver.py` moves real requests through the real middleware, on
a store of memory, SQLite or `shared.py`; `requests.py`, `acts.py` and `world.py` bring both together on what `stage.py` has
made. `steps.py` makes histories out of bytes, and `faults.py` breaks the library on purpose. `python -m tests.model 100000`
searches for long.
"""
