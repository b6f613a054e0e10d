"""Which calls may be answered from the cache, and what their results depend on; functions of values."""
