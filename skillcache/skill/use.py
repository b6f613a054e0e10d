"""A command that runs a script of a skill."""

from skillcache.policy.rule import Rule
from skillcache.skill import named


class Use:
    """name: of the skill; folder: the skill's, absolute, as it was come by; script: the file's path below it.

    typed: the word as the command has it; spelled: what the script may be told of its own path, by that word;
    given: the words after it; named: the outputs among them, by index; directory: where it runs, relative to the
    call's; rule: what it declares, the person's rule before the skill; outside: those globs of what it depends on
    that are not counted from the worktree's root; home: absolute, '' where it is not known.
    """

    __slots__ = (
        "directory", "folder", "given", "home", "name", "named", "outside", "rule", "script", "spelled", "typed",
    )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        folder: str,
        script: str,
        typed: str,
        given: tuple[str, ...],
        spelled: tuple[str, ...],
        directory: str,
        rule: Rule,
        outside: tuple[str, ...],
        home: str,
    ) -> None:
        self.name = name
        self.folder = folder
        self.script = script
        self.typed = typed
        self.given = given
        self.named = named.values_of(rule.outputs, given)
        self.spelled = spelled
        self.directory = directory
        self.rule = rule
        self.outside = outside
        self.home = home

    @property
    def label(self) -> str:
        """What stands for the folder in a key, wherever it lies."""
        return f"{{skill:{self.name}}}"
