"""Which calls may be answered from the cache, and what their results depend on; functions of values."""

from skillcache.policy.judge import judge
from skillcache.policy.look import first_look
from skillcache.policy.rule import Rule
from skillcache.policy.verdict import Verdict

__all__ = ["Rule", "Verdict", "first_look", "judge"]
