"""Count the CPU instructions of requests, which no other process and no other machine of the same kind changes."""
