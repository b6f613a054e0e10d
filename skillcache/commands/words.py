"""What the words of a command name: programs, files, variables, git. Generously: a name too many costs a run."""

import os
import re
import stat
from collections.abc import Iterator, Mapping

from skillcache.core import files
from skillcache.core.outcomes import UNCAPTURABLE, Bypass

# Programs that start others, which their words or a line among them name.
_STARTER_NAMES = (
    "sh bash dash zsh ksh fish busybox env nice ionice nohup timeout gtimeout time stdbuf setsid chrt taskset"
    " unbuffer script xargs find parallel flock sudo doas su strace ltrace xvfb-run"
)
_STARTERS = frozenset(_STARTER_NAMES.split())
# The standard streams, and devices that always say the same.
_STREAMS = "/dev/stdin /dev/stdout /dev/stderr /dev/fd/0 /dev/fd/1 /dev/fd/2 /dev/null /dev/zero /dev/full"
_HARMLESS = frozenset(_STREAMS.split())
_BETWEEN = re.compile(r"[\s;&|<>(){}`\"'$!]+")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_GIT = re.compile(rb"\bgit\b")
_SCRIPT = 1 << 20  # bytes of a file that is searched for git


def programs(words: tuple[str, ...], cwd: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(word, directory) of every program that the command surely or likely starts, its own first. Raises Bypass."""
    found = [(words[0], cwd)]
    if os.path.basename(words[0]) in _STARTERS:
        folders = environ.get("PATH", os.defpath).split(":")
        for token in _tokens(words[1:]):
            if token.startswith("PATH="):
                raise Bypass(UNCAPTURABLE, "the command sets PATH")
            places = [os.path.join(cwd, token)] if "/" in token else [os.path.join(cwd, f, token) for f in folders]
            if any(os.path.isfile(place) and os.access(place, os.X_OK) for place in places):
                found.append((token, cwd))
    return tuple(dict.fromkeys(found))


def paths(words: tuple[str, ...], cwd: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The files and folders that the words name, where there are any; UNCAPTURABLE for a pipe or a device."""
    found = []
    for word in _candidates(words):
        path = os.path.join(cwd, environ.get("HOME", "/") + word[1:] if word.startswith("~/") else word)
        if not word or path in _HARMLESS:
            continue
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            found.append(path)
        else:
            raise Bypass(UNCAPTURABLE, f"{word} is a pipe or a device")
    return tuple(dict.fromkeys(found))


def variables(words: tuple[str, ...]) -> tuple[str, ...]:
    """The names that the words spell as `$NAME`."""
    return tuple(sorted({name for word in words for name in _VARIABLE.findall(word)}))


def may_ask_git(words: tuple[str, ...], named: tuple[str, ...]) -> bool:
    """Whether a word or a file of `named` speaks of git: its state is then more than the content of the worktree."""
    if any(os.path.basename(token) == "git" for token in _tokens(words)):
        return True
    for path in (words[0], *named):
        try:
            content = files.read(path, _SCRIPT) if "/" in path else None
        except OSError:
            continue
        if content is not None and _GIT.search(content):
            return True
    return False


def _candidates(words: tuple[str, ...]) -> Iterator[str]:
    yield from (word for word in words[:1] if "/" in word)
    for word in words[1:]:
        yield word
        yield word.partition("=")[2]
        if word[:1] == "@":
            yield word[1:]
        elif word[:1] == "-" and word[1:2] != "-":
            yield word[2:]
        if _BETWEEN.search(word):
            yield from _tokens((word,))


def _tokens(words: tuple[str, ...]) -> Iterator[str]:
    """The words, and the pieces of those that are a line of their own, such as after `sh -c`."""
    for word in words:
        yield from filter(None, _BETWEEN.split(word))
