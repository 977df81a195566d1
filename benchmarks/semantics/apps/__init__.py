"""The applications: one for each library, set up as its documentation says, all doing what the query asks of them.

Each runs in a server's process and is imported by name, so no module here needs any library but its own.
"""
