"""What a result is stored under: a key that any language can build from the same inputs."""

import re

from skillcache.core.canonical_json import canonical
from skillcache.core.digest import digest, sha256
from skillcache.library.codec import require_json
from skillcache.stores.redis_keys import entry_key, team_name

_DIGITS = 40  # hexadecimal, of SHA-256
_VERSION = re.compile(r"[A-Za-z0-9._-]+")
_ENTRY = re.compile(rf"skill_cache:(.+):[0-9a-f]{{{_DIGITS}}}(?::v{_VERSION.pattern})?", re.DOTALL)


class Place:
    """Where one result is: its key, the full text of what it depends on, and the names it is invalidated by.

    claim: the name under which its computation is claimed.
    """

    __slots__ = ("claim", "key", "names", "skill", "text")

    def __init__(self, skill: str, inputs: object, version: int | str | None, team: str | None) -> None:
        """skill, team: that `check_skill` and `check_team` have passed. Raises as `generate_cache_key` does."""
        require_json(inputs)
        self.skill = skill
        self.text = canonical(inputs)
        name = sha256(self.text.encode("utf-8")).hexdigest()[:_DIGITS]
        self.key = entry_key(skill, name, team) + _suffix(version)
        self.names = (skill,) if team is None else (skill, team_name(team))
        self.claim = digest(self.key.encode("utf-8"))

    def is_of(self, inputs: object) -> bool:
        """Whether it is still theirs: whoever gave them may have changed them."""
        require_json(inputs)
        return canonical(inputs) == self.text


def generate_cache_key(skill_name: str, inputs: object, version: int | str | None = None) -> str:
    """`skill_cache:{skill_name}:{digest}`, with `:v{version}` behind it where a version is given.

    inputs: any JSON value. digest: the first 40 hexadecimal digits of the SHA-256 of its canonical text (RFC 8785,
    UTF-8), so that the order of names does not matter, 1 and 1.0 are one number, and other languages build the same.
    version: a number, or a text of letters, digits, `.`, `_` and `-`.

    Raises TypeError for inputs that are not JSON (tuples, bytes, names that are not text), and ValueError for JSON
    without a sure canonical text: numbers that are no finite double, half a surrogate pair.
    """
    check_skill(skill_name)
    return Place(skill_name, inputs, version, None).key


def check_skill(skill: str) -> None:
    if not skill or skill.startswith("@"):  # as the names of projects, teams and namespaces do
        raise ValueError(f"a skill's name is a text that does not begin with @, not {skill!r}")


def check_team(team: str) -> None:
    if not team or ":" in team:  # "a:b" with "c" would share keys with "a" and "b:c"
        raise ValueError(f"a team's name is a text without a colon, not {team!r}")


def skill_of(key: str) -> str | None:
    """The skill's name in a text that `generate_cache_key` made, None for any other text."""
    found = _ENTRY.fullmatch(key)
    return None if found is None or found[1].startswith("@") else found[1]


def _suffix(version: int | str | None) -> str:
    if version is None:
        return ""
    if not _VERSION.fullmatch(str(version)):
        raise ValueError(f"a version is a number or letters, digits, '.', '_' and '-', not {version!r}")
    return f":v{version}"
