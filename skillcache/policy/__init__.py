"""Which calls may be answered from the cache, and what their results depend on; functions of values."""

from skillcache.policy.rule import Rule
from skillcache.policy.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.skill.find import Finder

__all__ = ["Rule", "Verdict", "judge"]


def judge(words: tuple[str, ...], rules: tuple[Rule, ...] = (), finder: "Finder | None" = None) -> Verdict:
    """What a replayable command runs and reads; `rules`: the person's own, the first that matches counting.

    `finder`: of skills, where the command may run a script of one; with it this looks at their files. Raises Bypass.
    """
    from skillcache.policy import judgement  # a call of another tool needs none

    return judgement.judge(words, rules, finder)
