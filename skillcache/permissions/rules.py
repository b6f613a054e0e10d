"""A person's rules as one value, and its verdict on a command."""

from skillcache.errors import ConfigError
from skillcache.permissions import approval, operands
from skillcache.permissions.readings import read
from skillcache.policy.pattern import matches, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TOOL = "Bash"


class Rules:
    """deny, ask, allow: the rules as written; roots: the folders that path rules may be relative to.

    The first root is the call's own folder, the second, if any, the project's.
    """

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
        subject = _Subject(command, self.roots, self.home)
        for kind, rules in (("deny", self.deny), ("ask", self.ask)):
            if any(subject.is_named_by(rule) for rule in rules):
                return kind
        specifiers = [parsed[1] for rule in self.allow if (parsed := _parse(rule)) and parsed[0] == TOOL]
        if None in specifiers or "*" in specifiers:
            return "allow"
        project = self.roots[:2][-1]
        return "allow" if approval.approves([text for text in specifiers if text], command, project) else None


class _Subject:
    """A command and what is read from it, once for all rules."""

    __slots__ = ("command", "home", "line", "operands", "roots")

    def __init__(self, command: str, roots: "Sequence[str]", home: str) -> None:
        self.command = command
        self.line = read(command)
        self.roots = roots
        self.home = home
        self.operands: operands.Operands | None = None

    def is_named_by(self, rule: str) -> bool:
        """Whether a deny or ask rule may be meant for the command."""
        parsed = _parse(rule)
        if parsed is None:
            # Of malformed rules the client takes wildcards over tools (`B*`) and ignores the others.
            return "*" in rule and "(" not in rule and matches(rule, TOOL)
        tool, specifier = parsed
        if tool in {TOOL, "*"}:
            if specifier is None or self.line is None:
                return True
            return any(matches(specifier, text) for text in self.line.texts)
        if specifier is None or tool not in operands.TOOLS:
            return False
        if self.line is None:
            return True
        if self.operands is None:
            self.operands = operands.Operands(self.line, self.roots, self.home)
        return operands.covers(tool, specifier, self.operands, self.home)


def _parse(rule: str) -> tuple[str, str | None] | None:
    try:
        return parse(rule)
    except ConfigError:
        return None
