"""Whose a short name is: many projects on one store have a `users`, a `workflow-12` and a `worker`."""

import os
from uuid import UUID

from skillcache.core import git
from skillcache.core.files import sha256

_DIGITS = 12  # hexadecimal, of SHA-256


def scope_of(namespace: str | None) -> str:
    """The namespace, by default the project of the current folder. Raises ValueError."""
    if namespace is None:
        return _project()
    if not namespace or not namespace.isprintable() or not {"@", " "}.isdisjoint(namespace):
        raise ValueError(f"a namespace is a word without @, not {namespace!r}")
    return namespace


def scoped(name: str, namespace: str | None) -> str:
    """`name@scope`. A UUID, as a session of Claude Code has, is one in the world and stays as it is."""
    if namespace is None and is_uuid(name):
        return name
    return f"{name}@{scope_of(namespace)}"


def scoped_word(name: str, namespace: str | None) -> str:
    """The same as one word, whatever the project is called."""
    if namespace is None and not is_uuid(name):
        return f"{name}@{sha256(_project().encode('utf-8', 'replace')).hexdigest()[:_DIGITS]}"
    return scoped(name, namespace)


def is_uuid(name: str) -> bool:
    try:
        return len(name) == 36 and str(UUID(name)) == name.lower()
    except ValueError:
        return False


def _project() -> str:
    try:
        place = git.locate(os.getcwd())
    except FileNotFoundError:  # the folder was removed under a process that stays
        return "/"
    try:
        return git.project_of(place)
    except OSError:  # a repository that cannot be read is a folder
        return os.fsencode(place.root).decode("utf-8", "backslashreplace")
