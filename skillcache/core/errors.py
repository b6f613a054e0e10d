"""The error tree. Hot modules raise these; the runtime and the CLI are the only ones to catch the root."""

from skillcache.core.outcomes import Outcome


class SkillcacheError(Exception):
    """Root of everything this package raises on purpose."""


class Bypass(SkillcacheError):
    """The call cannot be answered from the cache; carries the outcome that says why."""

    def __init__(self, outcome: Outcome, detail: str = "") -> None:
        super().__init__(f"{outcome.text}: {detail}" if detail else outcome.text)
        self.outcome = outcome
        self.detail = detail


class StoreError(SkillcacheError):
    """The store failed; `outcome` is one of the store_* errors, `detail` never holds a credential."""

    def __init__(self, outcome: Outcome, detail: str = "") -> None:
        super().__init__(f"{outcome.text}: {detail}" if detail else outcome.text)
        self.outcome = outcome
        self.detail = detail


class ConfigError(SkillcacheError):
    """A configuration file or variable has a value we cannot use; says where and what is allowed."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


class RecursiveCall(SkillcacheError, RecursionError):
    """A function asks for its own result, for the same arguments, while it computes it."""

    def __init__(self, skill: str) -> None:
        super().__init__(f"{skill} asks for its own result while it computes it, for the same arguments")
        self.skill = skill
