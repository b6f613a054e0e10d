"""The tables of the README and the reference, made from the code. `python -m tests.readme_tables` writes them there."""

from __future__ import annotations

from pathlib import Path

from skillcache.cli.rules import LANGUAGES
from skillcache.core.outcomes import ALL
from skillcache.core.paths import HOME_VARIABLE
from skillcache.fingerprint.variables import BUT, FOLDERS, IGNORED, SET
from skillcache.rules.builtin import WORDS as TOOLS
from skillcache.rules.builtin import tool_of
from skillcache.rules.tasks import TABLE as RUNNERS
from skillcache.settings import PROJECT, TABLE

CHECKOUT = Path(__file__).parent.parent
README = CHECKOUT / "README.md"
PAGES = (README, *sorted((CHECKOUT / "skillcache/docs").glob("*.md")))  # what a person reads of us
_SHOWN = 4  # commands of a language, where the README gives examples


def patterns_of(language: str) -> list[str]:
    """The `Bash(...)` patterns of a language's built-in rules, each once."""
    patterns: dict[str, None] = {}
    for word in TOOLS[language].split():
        tool = tool_of(word)
        assert tool is not None
        patterns.update(dict.fromkeys(pattern.strip() for pattern in tool.pattern.split(",")))
    return list(patterns)


def rules() -> str:
    rows = ["| | commands |", "|---|---|"]
    for language, title in LANGUAGES.items():
        names = [_command(pattern) for pattern in patterns_of(language)]
        rows.append(f"| {title} | {', '.join(names)} |")
    runners = ", ".join(f"`{name}`" for name in RUNNERS)
    rows.append(f"| tasks with such a name | `npm test`, `make lint`, `just check`, ... for {runners} |")
    return "\n".join(rows)


def examples() -> str:
    rows = ["| | commands |", "|---|---|"]
    for language, title in LANGUAGES.items():
        names = [_command(pattern) for pattern in patterns_of(language)]
        rows.append(f"| {title} | {', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more |")
    rows.append("| tasks with such a name | `npm test`, `make lint`, `just check`, ... |")
    return "\n".join(rows)


def settings() -> str:
    rows = ["| name | default | variable | a project's file may set it | |", "|---|---|---|---|---|"]
    rows += [
        f"| `{row.name}` | `{_toml(row.default)}` | `{row.variable}` | {'yes' if row.scope == PROJECT else 'no'}"
        f" | {row.text} |"
        for row in TABLE
    ]
    rows.append(f"| | | `{HOME_VARIABLE}` | no | where our files are, an absolute path |")
    return "\n".join(rows)


def outcomes() -> str:
    rows = ["| class | outcome | |", "|---|---|---|"]
    rows += [f"| {outcome.kind} | `{outcome.name}` | {outcome.text} |" for outcome in ALL]
    return "\n".join(rows)


def variables() -> str:
    rows = ["| what is of | does not count |", "|---|---|"]
    rows += [f"| {what} | {_names(words)} |" for what, words in IGNORED.items()]
    rows += [
        f"| but these count | {_names(' '.join(sorted(BUT)))} |",
        f"| the person, the machine, the session | counts only as set or not: {_names(SET)} |",
        f"| a place for temporary files | counts only as a folder that is there or not: {_names(FOLDERS)} |",
        "| the client's version | what comes behind the agent's name in `AI_AGENT` |",
        "| a commit that is being made | `GIT_AUTHOR_DATE` of this moment |",
    ]
    return "\n".join(rows)


TABLES = {"examples": examples, "rules": rules, "variables": variables, "settings": settings, "outcomes": outcomes}


def with_tables(text: str) -> str:
    """A page with what stands between each pair of its markers made anew."""
    for name, make in TABLES.items():
        begin, end = markers(name)
        before, begun, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        assert bool(begun) == bool(ended), f"one of the two markers of {name} is missing"
        if begun:
            text = before + begin + make() + end + after
    return text


def markers(name: str) -> tuple[str, str]:
    """What stands before and behind the table of that name."""
    return f"<!-- {name} -->\n", f"\n<!-- /{name} -->"


def _command(pattern: str) -> str:
    name = pattern.removeprefix("Bash(").removesuffix(")").removesuffix(":*")
    return f"`{name}`"


def _names(words: str) -> str:
    return " ".join(f"`{word}`" for word in words.split())


def _toml(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value).replace("'", '"')


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_tables(page.read_text()))
