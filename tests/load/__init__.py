"""Examples under load: wrk asks as much as it can, and beside it people with sessions look at every answer they get."""
