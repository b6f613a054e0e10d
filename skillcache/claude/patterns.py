r"""Claude Code's permission-rule patterns: `Tool`, `Tool(specifier)` and what a Bash specifier matches.

Bash(npm test)      that command and no other
Bash(npm test:*)    it, alone or followed by a blank and anything (`npm tests` is another word)
Bash(npm *)         the same; a `*` elsewhere stands for any run of characters, none included
Bash(*test*)        the word anywhere in the line
Bash(echo \*)       a backslash takes the meaning from `*`, from `\` and, in a rule, from a parenthesis
mcp__server         every tool of the server, as is mcp__server__*
"""

from skillcache.core.outcomes import ConfigError

_BLANKS = " \t\r\n"
_NAME_MARKS = "_-.*"


def parse(rule: str) -> tuple[str, str | None]:
    """The tool and the specifier between its parentheses (None without them); ConfigError when malformed."""
    text = rule.strip(_BLANKS)
    opened = _unescaped(text, "(")
    if opened < 0:
        if _unescaped(text, ")") >= 0:
            raise ConfigError(f"rule {rule!r}", "a closing parenthesis without an opening one")
        return _tool_name(rule, text), None
    tool = _tool_name(rule, text[:opened])
    inside = text[opened + 1 : -1]
    if not text.endswith(")") or _trailing_backslashes(inside) % 2:
        raise ConfigError(f"rule {rule!r}", 'the parenthesis must close at the end, as in "Bash(npm test:*)"')
    specifier = _unescape_parentheses(inside).strip(_BLANKS)
    if not specifier:
        raise ConfigError(f"rule {rule!r}", f'nothing between the parentheses; write "{tool}" for every call')
    return tool, specifier


def matches(pattern: str, command: str) -> bool:
    """Whether the inside of a `Bash(...)` rule names this command; blanks around either are ignored."""
    pattern = pattern.strip(_BLANKS)
    command = command.strip(_BLANKS)
    if pattern in {"", "*", ":*"}:
        return True
    if pattern.endswith(":*"):
        return _starts_with_words(_pieces(pattern[:-2].rstrip(_BLANKS)), command)
    pieces = _pieces(pattern)
    if len(pieces) > 1 and pieces[-1] == "" and pieces[-2].endswith(" "):
        return _starts_with_words([*pieces[:-2], pieces[-2].rstrip(" ")], command)
    return fits(pieces, command)


def may_hold(line: str, pattern: str) -> bool:
    """Whether a line may hold a command that the inside of a `Bash(...)` rule names: where it expands, it may."""
    if "$" in line or "`" in line:
        return True
    pieces = _pieces(pattern.removesuffix(":*").removesuffix(" *"))
    return fits(["", *map(_bare, pieces), ""], _bare(" ".join(line.split())))


def _bare(text: str) -> str:
    """Without what quotes: a word is the same with it."""
    return text.replace("'", "").replace('"', "").replace("\\", "")


def names(pattern: str, tool: str) -> bool:
    """Whether the tool part of a rule names this tool; only MCP names and a bare `*` may hold wildcards."""
    if pattern in {"*", tool}:
        return True
    if not pattern.startswith("mcp__"):
        return False
    if "*" in pattern:
        return fits(pattern.split("*"), tool)
    return "__" not in pattern[5:] and tool.startswith(pattern + "__")


def _starts_with_words(pieces: list[str], command: str) -> bool:
    if len(pieces) == 1:
        size = len(pieces[0])
        return command.startswith(pieces[0]) and (len(command) == size or command[size] in _BLANKS)
    return fits(pieces, command) or any(
        fits([*pieces[:-1], pieces[-1] + blank, ""], command) for blank in _BLANKS if blank in command
    )


def fits(pieces: list[str], text: str) -> bool:
    """Whether text is the pieces in order with anything between them; linear, as leftmost finds suffice."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return text == first
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _pieces(pattern: str) -> list[str]:
    """The literal texts between the unescaped asterisks."""
    if "\\" not in pattern:
        return pattern.split("*")
    pieces, literal, escaped = [], "", False
    for char in pattern:
        if escaped:
            literal += char if char in "*\\" else "\\" + char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "*":
            pieces.append(literal)
            literal = ""
        else:
            literal += char
    return [*pieces, literal + ("\\" if escaped else "")]


def _tool_name(rule: str, name: str) -> str:
    if not name:
        raise ConfigError(f"rule {rule!r}", 'no tool is named; write for example "Bash(npm test:*)"')
    for char in "" if name.isidentifier() else name:
        if not (char.isalnum() or char in _NAME_MARKS):
            raise ConfigError(f"rule {rule!r}", f"{char!r} cannot be part of a tool's name")
    if "*" in name and name != "*" and not name.startswith("mcp__"):
        raise ConfigError(f"rule {rule!r}", 'only MCP tools may be named by wildcards, as in "mcp__server__*"')
    return name


def _unescaped(text: str, mark: str) -> int:
    escaped = False
    for at, char in enumerate(text):
        if char == mark and not escaped:
            return at
        escaped = char == "\\" and not escaped
    return -1


def _trailing_backslashes(text: str) -> int:
    return len(text) - len(text.rstrip("\\"))


def _unescape_parentheses(text: str) -> str:
    return text.replace("\\(", "(").replace("\\)", ")")
