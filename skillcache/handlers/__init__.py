"""One module per kind of event, each with `handle(data, world) -> str`: the answer for standard output, or ''."""
