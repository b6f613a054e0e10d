"""A first look at a line, before it is read: most calls are not ours."""

from skillcache.policy.builtin import may_name
from skillcache.policy.rule import Rule


def first_look(text: str, rules: tuple[Rule, ...] = ()) -> bool:
    """False when no rule can name anything in the line; `rules`: the person's own."""
    return may_name(text) or any(literal_of(rule.specifier) in text for rule in rules if rule.enabled)


def may_run_script(text: str, cwd: str) -> bool:
    """Whether a line that begins in `cwd` may run a script of a skill: False for nearly every line."""
    return "skills/" in text or "/skills/" in cwd


def literal_of(pattern: str) -> str:
    """The longest run of the pattern's characters that must stand in what it matches."""
    return max(pattern.replace(":*", "*").replace("\\", "*").replace(" ", "*").split("*"), key=len)
