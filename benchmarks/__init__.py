"""Benchmarks of the hot request path; run with ``make bench``."""
