"""Which lines start the hooks of the settings: the client asks the entries' `if`, and starts none for other lines."""

from skillcache.policy.rule import BUILT_IN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillcache.policy.rule import Rule

# What the commands of the built-in rules have in common, and those of skills; the first five are in 92 % of the
# replayable lines that agents were seen to run. Each word starts one more process for a line that the client does not
# take apart, so the words of rare tools are not here: a rule of one's own adds them.
WORDS = (
    "test", "check", "lint", "tsc", "vet", "mypy", "clippy", "verify", "analy", "spec", "jest", "pyright", "unit",
    "rubocop",
    "skills/",  # a script of a skill
)  # fmt: skip


def has_word(text: str) -> bool:
    """Whether every line that holds the text starts them."""
    return any(word in text for word in WORDS)


def starts_hooks(line: str, rules: "Iterable[Rule]") -> bool:
    """Whether a line does that these rules name: each rule of one's own has an entry for the lines that it names."""
    return has_word(line) or any(rule.origin != BUILT_IN for rule in rules)
