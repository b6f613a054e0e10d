"""Where entries are kept: the contract, Redis and SQLite, keys and connections."""
