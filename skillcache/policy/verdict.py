"""What a judged command runs and reads."""

from skillcache.policy.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.skill.use import Use


class Verdict:
    """What a replayable command runs and reads. Every directory is relative to the command's own unless absolute.

    rule: the one that named it; executables: (word, directory) of every program that is looked up on PATH; launched:
    (word, directory, launcher) of programs that a launcher such as npx or uv looks up in the project's environment;
    operands: (path, directory) that it is given or may be given: to be captured even if git ignores them, and when one
    lies outside the project the command may read what surrounds it; skill: the skill whose script it runs; assignments:
    the variables that its wrappers set.
    """

    __slots__ = ("assignments", "executables", "launched", "operands", "rule", "skill")

    def __init__(
        self,
        rule: Rule,
        *,
        executables: tuple[tuple[str, str], ...],
        launched: tuple[tuple[str, str, str], ...],
        operands: tuple[tuple[str, str], ...],
        assignments: tuple[tuple[str, str], ...],
        skill: "Use | None",
    ) -> None:
        self.rule = rule
        self.executables = executables
        self.launched = launched
        self.operands = operands
        self.assignments = assignments
        self.skill = skill
