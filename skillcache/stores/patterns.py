r"""Glob patterns as Redis reads them, byte by byte, and which entries one names.

    *      any bytes, or none        [abc] [a-z] [^abc]   one byte of a set, or not of it
    ?      one byte                  \                    the next byte as it is

An unfinished set is read as finished, as in Redis; `[]` matches nothing.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from skillcache.stores.contract import entry_key, project_name, team_name

ENTRIES = entry_key("*", "*")
TEAM_ENTRIES = entry_key("*", "*", "*")
PREFIX, TEAM_PREFIX = ENTRIES.partition("*")[0], TEAM_ENTRIES.partition("*")[0]
_NAME_AND_DIGEST = re.compile(r"(.+?):([^:]+(?::v[^:]+)?)", re.DOTALL)
_TEAM = team_name("")
# Names that no entry is stored under: raising one for a pattern such as "*a*" would reach far beyond the pattern.
_GROUPS = (project_name(""), _TEAM)
_TOOL = "Bash"
_BYTES = frozenset(range(256))
_NO_COLON = _BYTES - {ord(":")}
_HEX = frozenset(b"0123456789abcdef")

_Token = frozenset[int] | None  # bytes that one place takes; None: any bytes, or none


class Parts(NamedTuple):
    """Of an entry's key. team: "" for an entry that is not shared; digest: with the version behind it, if any."""

    team: str
    name: str
    digest: str


def parts_of(key: str) -> Parts | None:
    """None for what is not the key of an entry."""
    if key.startswith(PREFIX):
        team, rest = "", key.removeprefix(PREFIX)
    elif key.startswith(TEAM_PREFIX):
        team, _, rest = key.removeprefix(TEAM_PREFIX).partition(":")
    else:
        return None
    found = _NAME_AND_DIGEST.fullmatch(rest)
    return Parts(team, *found.groups()) if found else None


class Pattern:
    """text: a glob on entries' names ("report-*") or, where it begins as a key does, on whole keys.

    globs: what a server is asked for; some of the keys that match these may not be meant.
    """

    def __init__(self, text: str) -> None:
        self._whole = text.startswith((PREFIX, TEAM_PREFIX))
        self._text = text
        self._regex = compile_glob(text)
        if self._whole:
            self.globs: tuple[str, ...] = (text,)
        elif _tokens(_bytes(f"{text}:")) == [*_tokens(_bytes(text)), frozenset(b":")]:
            self.globs = (entry_key(text, "*"), entry_key(text, "*", "*"))
        else:  # its unfinished end would take in what follows
            self.globs = (ENTRIES, TEAM_ENTRIES)

    def means(self, key: str) -> bool:
        parts = parts_of(key)
        return parts is not None and bool(self._regex.fullmatch(_bytes(key if self._whole else parts.name)))

    def touched(self, names: Iterable[str]) -> list[str]:
        """Which to raise so that no entry is served whose key the pattern means, sorted.

        Those of `names`, the known ones, that it may mean, and the one that it spells out: a first run of that may be
        under way. For all that a team has it is the team's own name alone, which each of its entries is bound to.
        """
        asked = {*names, *self._spelled()}
        tokens = _tokens(_bytes(self._text))
        if self._text.startswith(TEAM_PREFIX) and _meets(tokens, TEAM_PREFIX, "\0"):  # a name that nobody gives
            teams = {name for name in asked if name.startswith(_TEAM)}
            return sorted(name for name in teams if _meets_team(tokens, name.removeprefix(_TEAM)))
        entries = sorted(name for name in asked if name != _TOOL and not name.startswith(_GROUPS))
        if not self._whole:
            return [name for name in entries if self._regex.fullmatch(_bytes(name))]
        return [name for name in entries if _meets(tokens, PREFIX, name) or _meets(tokens, TEAM_PREFIX, name)]

    def _spelled(self) -> list[str]:
        text = self._text
        if self._whole:
            text = text.removeprefix(PREFIX).removeprefix(TEAM_PREFIX).removesuffix(":*")
        tokens = _tokens(_bytes(text))
        if not all(token is not None and len(token) == 1 for token in tokens):
            return []
        literal = b"".join(bytes(token) for token in tokens if token).decode("utf-8", "surrogateescape")
        if not self._text.startswith(TEAM_PREFIX):
            return [literal] if literal else []
        team, _, name = literal.partition(":")
        return [name] if name else [team_name(team)]


@lru_cache
def compile_glob(glob: str) -> "re.Pattern[bytes]":
    """For `fullmatch` on bytes, in linear time: what stands between two `*` is where it occurs first."""
    pieces = [b""]
    for token in _tokens(_bytes(glob)):
        if token is None:
            pieces.append(b"")
        elif not token:
            pieces[-1] += b"(?!)"
        else:
            pieces[-1] += b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(token)) + b"]"
    first, *rest = pieces
    middle, last = rest[:-1], rest[-1:]
    pattern = [first, *(b"(?>.*?%b)" % piece for piece in middle), *(b".*%b" % piece for piece in last)]
    return re.compile(b"".join(pattern), re.DOTALL)


def _tokens(glob: bytes) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(glob):
        byte = glob[at : at + 1]
        if byte == b"*":
            if tokens[-1:] != [None]:
                tokens.append(None)
        elif byte == b"?":
            tokens.append(_BYTES)
        elif byte == b"[":
            token, at = _set(glob, at + 1)
            tokens.append(token)
        else:
            if byte == b"\\" and at + 1 < len(glob):
                at += 1
            tokens.append(frozenset(glob[at : at + 1]))
        at += 1
    return tokens


def _set(glob: bytes, at: int) -> tuple[frozenset[int], int]:
    """The set that begins at `at`, behind the bracket, and where its last byte stands."""
    negated = glob[at : at + 1] == b"^"
    at += negated
    found: set[int] = set()
    while at < len(glob) and glob[at : at + 1] != b"]":
        if glob[at : at + 1] == b"\\" and at + 1 < len(glob):
            at += 1
            found.add(glob[at])
        elif glob[at + 1 : at + 2] == b"-" and at + 2 < len(glob):
            low, high = sorted((glob[at], glob[at + 2]))
            found.update(range(low, high + 1))
            at += 2
        else:
            found.add(glob[at])
        at += 1
    return (_BYTES - found if negated else frozenset(found)), at


def _meets(tokens: list[_Token], prefix: str, name: str) -> bool:
    """Whether a glob on keys matches that of some entry of that name, in any team, of any digest."""
    places = _pass(tokens, {0}, _bytes(prefix))
    if prefix == TEAM_PREFIX:
        places = _pass(tokens, _pass_any(tokens, places), b":")
    digest = _pass_any(tokens, _pass(tokens, places, _bytes(f"{name}:")), _HEX)
    version = _pass_any(tokens, _pass(tokens, digest, b":v"))
    return len(tokens) in digest | version


def _meets_team(tokens: list[_Token], team: str) -> bool:
    """The same for some entry of that team."""
    return len(tokens) in _pass_any(tokens, _pass(tokens, {0}, _bytes(f"{TEAM_PREFIX}{team}:")), _BYTES)


def _pass(tokens: list[_Token], places: set[int], text: bytes) -> set[int]:
    """Where in the glob one may stand behind `text`, from those places."""
    for byte in text:
        following = set()
        for place in places | {place + 1 for place in places if tokens[place : place + 1] == [None]}:
            token = tokens[place] if place < len(tokens) else frozenset()
            if token is None:
                following.add(place)
            elif byte in token:
                following.add(place + 1)
        places = following
    return places


def _pass_any(tokens: list[_Token], places: set[int], among: frozenset[int] = _NO_COLON) -> set[int]:
    """The same behind any text of those bytes."""
    found: set[int] = set()
    for first in places:
        place = first
        found.add(place)
        for token in tokens[first:]:
            if token is not None and not token & among:
                break
            place += 1
            found.add(place)
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
