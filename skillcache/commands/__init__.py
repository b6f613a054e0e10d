"""The way of one command, from its words to its status: what a shim and `skillcache run` do."""
