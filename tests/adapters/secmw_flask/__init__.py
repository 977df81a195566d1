"""Flask under secmw, as people write it: through its own test client wherever that can say it."""
