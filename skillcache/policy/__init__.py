"""Which calls may be answered from the cache, and what their results depend on; functions of values."""

from skillcache.policy.look import first_look
from skillcache.policy.rule import Rule
from skillcache.policy.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.shell.line import Line
    from skillcache.skill.find import Finder

__all__ = ["Rule", "Verdict", "first_look", "judge"]


def judge(line: "Line", rules: tuple[Rule, ...] = (), finder: "Finder | None" = None) -> Verdict:
    """What a replayable line runs and reads; `rules`: the person's own, the first that matches counting.

    `finder`: of skills, where the line may run a script of one; with it this looks at their files.

    Raises Bypass. What it takes is imported here, since most lines do not get past the first look.
    """
    from skillcache.policy import judgement

    return judgement.judge(line, rules, finder)
