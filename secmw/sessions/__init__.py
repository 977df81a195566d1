"""Sessions: what a record holds, what may be done to it, and how long it lives. Pure; stores and guards wait elsewhere."""
