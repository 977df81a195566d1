"""Races with real processes: several workers, one store, and requests that wait where it hurts most.

`scenarios.py` says what must be so. `site.py` is the side of the clients, `app.py` and `serve.py` what the workers serve,
`run.py` counts rounds. `python -m tests.races 1000 redis` plays a thousand rounds of each.
"""
