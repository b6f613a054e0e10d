"""Which programs get a shim, and which of their words a shell can tell are no report.

A shim must be quick to say no: what it lets through costs the start of an interpreter, and the rules then decide. So a
pattern here is wider than the rules: it names what must stand among the words, and nothing of what must not.
"""

from skillcache.commands.shims.script import SKILL
from skillcache.rules.builtin import RUNNERS, WORDS
from skillcache.rules.builtin.python import MODULES
from skillcache.rules.tasks import NAMED
from skillcache.rules.words import LAUNCHERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.rules.builtin import Tool

# What starts other programs by their name: the shim of the one that is started answers.
_INTERPRETERS = ("python", "python3", "pypy3", "php", "bash", "sh", "node", "bun", "deno", "tsx", "ts-node")
# `npm t` is `npm test`.
_SHORT = {"npm": (" t ", " tst "), "pnpm": (" t ", " tst ")}
# Scripts that rules name behind their interpreter.
_SCRIPTS = {"python": ("manage.py ",), "python3": ("manage.py ",), "php": ("artisan ",)}


def words_of() -> dict[str, tuple[str, ...]]:
    """By program's name: pieces of text of which one must be in ` word word `; none for whatever the words."""
    found: dict[str, tuple[str, ...]] = {}
    for module, names in WORDS.items():
        table: dict[str, Tool] = __import__(f"skillcache.rules.builtin.{module}", fromlist=["TABLE"]).TABLE
        for name in names.split():
            found[name] = _pieces(table[name])
    for name in RUNNERS:
        found[name] = tuple(sorted({*found.get(name, ()), *_TASKS, *_SHORT.get(name, ())}))
    for name, (subcommands, *_) in LAUNCHERS.items():
        more = tuple(f" {word} " for word in subcommands)
        found[name] = tuple(sorted({*found.get(name, ()), *more})) if subcommands else ()
    for name in _INTERPRETERS:
        if name in found and not found[name]:
            continue
        modules = tuple(f" -m {module} " for module in sorted(MODULES)) if name.startswith("py") else ()
        found[name] = tuple(sorted({*found.get(name, ()), *modules, *_SCRIPTS.get(name, ()), SKILL}))
    return found


# Shorter words are in longer ones: `test` finds `tests`, `vitest` and `test:unit`.
_TASKS = tuple(sorted(word for word in NAMED if not any(other != word and other in word for other in NAMED)))


def _pieces(tool: "Tool") -> tuple[str, ...]:
    if tool.subcommands is not None:
        return tuple(f" {word} " for word in sorted(tool.subcommands))
    return tuple(f" {word}" for word in tool.only)
