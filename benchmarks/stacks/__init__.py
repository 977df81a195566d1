"""secmw next to what people put together for the same work, framework by framework."""
