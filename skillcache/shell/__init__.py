"""A Bash command line read as bash reads it, conservatively; a function of the text alone."""

from skillcache.shell.line import Command, Line, join

__all__ = ["Command", "Line", "join", "read"]


def read(text: str) -> Line:
    """The line as commands; raises Bypass for whatever is not surely understood."""
    from skillcache.shell.parse import parse

    return parse(text)
