"""A Bash command line read as bash reads it, conservatively; a function of the text alone."""

from skillcache.shell.line import Command, Line, join
from skillcache.shell.parse import parse as read

__all__ = ["Command", "Line", "join", "read"]
