"""The person's own rules, from the plain tables that configuration files give."""

from skillcache.policy.pattern import parse
from skillcache.policy.rule import Rule
from skillcache.settings import Settings


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """The project's rules first, then the person's: the first that names a command counts."""
    defaults = {name: int(settings.number(name)) for name in ("ttl", "failures_ttl")}
    by_file: dict[object, list[Rule]] = {}
    for table in settings.rules:
        by_file.setdefault(table["origin"], []).append(_rule(table, defaults))
    return tuple(rule for rules in reversed(by_file.values()) for rule in rules)


def _rule(table: dict[str, object], defaults: dict[str, int]) -> Rule:
    """`table` was checked by `skillcache.configuration`."""
    given = {name: _frozen(value) for name, value in table.items() if name not in {"match", "name"}}
    pattern = str(table["match"])
    return Rule(str(table.get("name") or _name(pattern)), pattern, **{**defaults, **given})  # type: ignore[arg-type]


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _name(pattern: str) -> str:
    """The first word of the pattern, as the name of counters and entries."""
    _, specifier = parse(pattern)
    word = (specifier or "").split(" ")[0].removesuffix(":*").rpartition("/")[2]
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in word).strip("-") or "rule"
