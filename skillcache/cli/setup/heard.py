"""What the plugin's module hears, as the JavaScript module heard.js: every call that a rule may name, and few others.

Commands are answered where they run: of their lines those are heard that put results out of date. Observed: the
client compares names itself, and has the module tell whether an expression fits, about every call. So tools are named
where they can be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from skillcache.claude.patterns import parse
from skillcache.cli.setup.entries import WEB, few_wildcards
from skillcache.rules.skills.scripts import literal_of

_META = set("\\^$.*+?()[]{}|/")


def module(start: Sequence[str], rules: Iterable[str], writers: Iterable[str]) -> str:
    """`start`: how to start the server; `rules`, `writers`: patterns of own rules and of their `invalidated_by`."""
    rules, writers = list(rules), list(writers)
    answered = [*WEB.split("|"), *(tool for tool in map(_tool, rules) if tool not in ("Bash", "Skill"))]
    ended = [*answered, *(tool for tool in map(_tool, writers) if tool != "Bash")]
    writing = _lines(writers)
    written = [
        f"[{_expression([_wild(_tool(pattern))], whole=True)}, {_expression(_lines([pattern]))}]" for pattern in writers
    ]
    return (
        "// Made by `skillcache plugin-path` from the built-in rules and the person's own.\n"
        f"export const start = {json.dumps(list(start))}\n"
        f"export const tools = {_names(answered)}\n"
        f"export const writingLines = {_expression(writing) if writing else 'undefined'}\n"
        f"export const endedTools = {_names(ended)}\n"
        f"const written = [{', '.join(written)}]\n"
        "export const writes = e =>\n"
        "  written.some(([tool, line]) => tool.test(e.tool_name) && line.test(String(e.tool_input?.command ?? '')))\n"
    )


def _tool(pattern: str) -> str:
    """As `names` of skillcache.claude.patterns reads it."""
    tool, _ = parse(pattern)
    whole = "__" in tool.removeprefix("mcp__") or "*" in tool
    return tool if whole or not tool.startswith("mcp__") else f"{tool}__*"


def _lines(patterns: Iterable[str]) -> list[str]:
    """What must stand in the lines that the patterns of Bash calls name."""
    parsed = map(parse, patterns)
    return [_plain(literal_of(specifier or "")) for tool, specifier in parsed if tool == "Bash"]


def _wild(tool: str) -> str:
    return ".*".join(map(_plain, few_wildcards(tool)))


def _plain(text: str) -> str:
    return "".join(f"\\{char}" if char in _META else char for char in text)


def _names(tools: Iterable[str]) -> str:
    """A list in JavaScript: names, and expressions for those with a wildcard."""
    listed = (_expression([_wild(tool)], whole=True) if "*" in tool else json.dumps(tool) for tool in tools)
    return f"[{', '.join(dict.fromkeys(listed))}]"


def _expression(parts: Iterable[str], *, whole: bool = False) -> str:
    """In JavaScript. Case never tells two calls apart here; nothing to look for is in everything."""
    inside = "|".join(dict.fromkeys(parts))
    text = json.dumps(f"^(?:{inside})$" if whole else inside)
    return f"new RegExp({text}, 'i')"
