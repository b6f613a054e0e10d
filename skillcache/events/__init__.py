"""The client's events, one module each: standard input to answer, in a hook's process."""
