"""A person's rules as one value, and its verdict on a command."""

from skillcache.errors import ConfigError
from skillcache.permissions import approval, operands
from skillcache.permissions.readings import Line, read
from skillcache.policy.pattern import matches, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TOOL = "Bash"


class Rules:
    """deny, ask, allow: the rules as written; roots: folders that path rules are relative to, the call's own first."""

    __slots__ = ("allow", "ask", "deny", "home", "roots")

    def __init__(
        self,
        deny: "Sequence[str]" = (),
        ask: "Sequence[str]" = (),
        allow: "Sequence[str]" = (),
        roots: "Sequence[str]" = ("/",),
        home: str = "/",
    ) -> None:
        self.deny = tuple(deny)
        self.ask = tuple(ask)
        self.allow = tuple(allow)
        self.roots = tuple(roots)
        self.home = home

    def verdict(self, command: str) -> str | None:
        """What the rules say of this Bash command: "deny", "ask", "allow", or None where they are silent."""
        line = read(command)
        for kind, rules in (("deny", self.deny), ("ask", self.ask)):
            for rule in rules:
                if self._stops(rule, command, line):
                    return kind
        specifiers = [parsed[1] for rule in self.allow if (parsed := _parse(rule)) and parsed[0] == TOOL]
        if None in specifiers or "*" in specifiers or approval.approves([text for text in specifiers if text], command):
            return "allow"
        return None

    def _stops(self, rule: str, command: str, line: Line | None) -> bool:
        parsed = _parse(rule)
        if parsed is None:
            return _is_wide(rule)
        tool, specifier = parsed
        if tool in {TOOL, "*"}:
            if specifier is None or line is None:
                return True
            return any(matches(specifier, text) for text in (command, *line.texts))
        if specifier is None or tool not in operands.TOOLS:
            return False
        return line is None or operands.covers(tool, specifier, line, self.roots, self.home)


def _parse(rule: str) -> tuple[str, str | None] | None:
    try:
        return parse(rule)
    except ConfigError:
        return None


def _is_wide(rule: str) -> bool:
    """Whether a malformed rule is a wildcard over tools (`B*`), which the client takes; it ignores the others."""
    return "*" in rule and "(" not in rule and matches(rule, TOOL)
