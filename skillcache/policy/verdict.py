"""What a judged line runs and reads."""

from skillcache.policy.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.skill.use import Use


class Verdict:
    """What a replayable line runs and reads. Every directory is relative to the call's unless absolute.

    rules: those that named its commands, in order, each once; executables: (word, directory) of every program that
    the shell looks up; launched: (word, directory, launcher) of programs that a launcher such as npx or uv looks up
    in the project's environment; reads: (path, directory) of files that filters print or compare, to be captured
    wherever they lie; operands: (path, directory) that ruled commands are given or may be given: to be captured
    even if git ignores them, and when one lies outside the project the command may read what surrounds it;
    skills: its commands that run a skill's script; assignments: the variables set in the line; seconds: the shortest
    time limit, 0 for none; ends_in: the directory after it when all of it ran.
    """

    __slots__ = (
        "assignments", "ends_in", "executables", "launched", "operands", "reads", "rules", "seconds", "skills",
    )  # fmt: skip

    def __init__(self, ends_in: str) -> None:
        self.rules: tuple[Rule, ...] = ()
        self.executables: tuple[tuple[str, str], ...] = ()
        self.launched: tuple[tuple[str, str, str], ...] = ()
        self.reads: tuple[tuple[str, str], ...] = ()
        self.operands: tuple[tuple[str, str], ...] = ()
        self.assignments: tuple[tuple[str, str], ...] = ()
        self.skills: tuple[Use, ...] = ()
        self.seconds = 0.0
        self.ends_in = ends_in
