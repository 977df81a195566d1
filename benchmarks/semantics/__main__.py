"""Play everything from the command line and print the tables."""

from __future__ import annotations

import argparse

from benchmarks.semantics.subjects import SUBJECTS
from benchmarks.semantics.table import tables

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What becomes of a session, with secmw and with others.")
    parser.add_argument("--only", default="", help="with those alone whose name begins so")
    only = parser.parse_args().only
    print(tables(subject for subject in SUBJECTS if subject.name.startswith(only)))
