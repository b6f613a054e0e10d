"""The README's tables, made from the code. `python -m tests.readme_tables` writes them into the README."""

from __future__ import annotations

from pathlib import Path

from skillcache.cli.ruled import LANGUAGES
from skillcache.core.outcomes import ALL
from skillcache.core.paths import HOME_VARIABLE
from skillcache.rules.builtin_index import WORDS as TOOLS
from skillcache.rules.builtin_index import tool_of
from skillcache.rules.task_runners import TABLE as RUNNERS
from skillcache.settings.table import PROJECT, TABLE

README = Path(__file__).parent.parent / "README.md"


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


TABLES = {"rules": rules, "settings": settings, "outcomes": outcomes}


def with_tables(text: str) -> str:
    """The README with what stands between each pair of markers made anew."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = before + begin + make() + end + after
    return text


def _command(pattern: str) -> str:
    name = pattern.removeprefix("Bash(").removesuffix(")").removesuffix(":*")
    return f"`{name}`"


def _toml(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value).replace("'", '"')


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
