"""Which commands and calls may be replayed, and what they depend on; functions of values."""
