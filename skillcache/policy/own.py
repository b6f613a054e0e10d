"""The person's own rules, from the plain tables that configuration files give."""

from skillcache.policy.rule import Rule
from skillcache.settings import Settings

# What a rule about a tool whose results do not depend on files says of their age, unless it says so itself.
ONLINE_TTL = 3_600  # seconds


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """The project's rules first, then the person's: the first that names a call counts.

    What may differ is said by the person alone, for a rule of the project by one with the same `match`.
    """
    defaults: dict[str, object] = {name: int(settings.number(name)) for name in ("ttl", "failures_ttl")}
    by_file: dict[object, list[Rule]] = {}
    leveled = {table["match"]: table["normalize"] for table in settings.rules if "normalize" in table}
    for table in settings.rules:
        known = {"normalize": leveled[table["match"]]} if table["match"] in leveled else {}
        by_file.setdefault(table["origin"], []).append(_rule({**known, **table}, defaults))
    return tuple(rule for rules in reversed(by_file.values()) for rule in rules)


def _rule(table: dict[str, object], defaults: dict[str, object]) -> Rule:
    """`table` was checked by `skillcache.configuration`."""
    given = {name: _frozen(value) for name, value in table.items() if name not in {"match", "name"}}
    pattern = str(table["match"])
    if pattern.startswith(("WebFetch", "WebSearch", "mcp__")):
        defaults = {**defaults, "ttl": ONLINE_TTL, "depends": ()}
    elif pattern.startswith("Skill("):
        defaults = {**defaults, "ttl": 0}  # what the skill says
    return Rule(str(table.get("name") or name_of(pattern)), pattern, **{**defaults, **given})  # type: ignore[arg-type]


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def name_of(pattern: str) -> str:
    """What counters and entries call the rule: a command's first word, the skill, or the tool with what it is of."""
    tool, _, inside = pattern.partition("(")
    specifier = inside.removesuffix(")")
    if tool == "Bash":
        words = specifier.split(" ")[0].removesuffix(":*").rpartition("/")[2]
    elif tool == "Skill":
        return specifier
    else:
        words = f"{tool.rstrip('_*')}-{specifier.removeprefix('domain:')}" if specifier else tool.rstrip("_*")
    kept = "" if tool == "Bash" else "_"
    return "".join(c if (c.isalnum() and c.isascii()) or c in kept else "-" for c in words).strip("-") or "rule"
