r"""The configuration files, checked: each setting, each rule, and the expressions in them.

An unknown name warns, since a newer version may know it; a bad value is a ConfigError that names the file, the
place and what is allowed, since a rule that was meant to narrow must never be dropped in silence.

    .  \d \w \s \D \W \S  [0-9a-f]  [^ ]  \.  x       one character; each may have one of * + ? {2} {2,5} {2,} behind it
    ^ at the beginning, $ at the end                  of a line

There are no groups, no `|` (list two patterns instead) and nothing that looks around. A repeat takes all it can and
gives nothing back, so none may take in what can follow it: `.* ms` is refused, `[^ ]* ms` is not. They are held against
single lines of at most LONGEST characters, so the work is within a constant of the text's length.
"""

import re
import tomllib

from skillcache.claude.patterns import parse as parse_pattern
from skillcache.core.outcomes import ConfigError
from skillcache.settings import BY_NAME, PROJECT, USER, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


LONGEST = 250
_PART = re.compile(
    r"(?P<one>\\[dDwWsS]|\\[^\w\s]|\[\^?(?:\\[^\n]|[^\\\[\]\n])+\]|[^\\\[\](){}|*+?^$\n])"
    r"(?P<times>[*+?]|\{\d{1,3}(?:,\d{0,3})?\})?"
)
_RESERVED = ("--", "&&", "~~", "||")  # in a set: Python may give them a meaning one day, and warns of it
# Enough to show whether two parts have a character in common: letters and signs of most scripts, no line's end.
_CHARACTERS = "".join(map(chr, (9, *range(32, 0x3000))))


def fault_of(pattern: str) -> str:
    """Why the text is no expression of this language, or ''."""
    parts, rest = _read(pattern)
    if rest not in ("", "$"):
        return f"{rest[:20]!r} cannot be read; groups, | and what looks around are not taken, nor two repeats together"
    if not parts:
        return "nothing in it names a character"
    for part in parts:
        if any(sign in part["one"] for sign in _RESERVED):
            return f"a sign stands twice in {part['one']}"
        try:
            re.compile(part[0])
        except re.error as error:
            return f"{part[0]}: {error}"
    for place, part in enumerate(parts):
        for other in _followers(parts, place):
            if _share(part["one"], other["one"], pattern):
                return f"{part[0]} takes in what {other[0]} is to match; name what it may not take, as in [^ ]*"
    return ""


def leveled(text: str, patterns: tuple[str, ...]) -> str:
    """The text with `<any>` for each match, in lines that are not too long. Raises ConfigError."""
    searches = [_compiled(pattern) for pattern in patterns]
    lines = text.split("\n")
    for search in searches:
        lines = [search.sub("<any>", line) if len(line) <= LONGEST else line for line in lines]
    return "\n".join(lines)


def _compiled(pattern: str) -> "re.Pattern[str]":
    if fault := fault_of(pattern):
        raise ConfigError(f"normalize {pattern!r}", fault)
    parts, end = _read(pattern)
    middle = "".join([part[0] + ("+" if _varies(part) else "") for part in parts])
    return re.compile("^" * pattern.startswith("^") + middle + end)


def _read(pattern: str) -> "tuple[list[re.Match[str]], str]":
    """The parts behind a leading `^`, as far as they can be read, and the rest."""
    parts = []
    at = int(pattern.startswith("^"))
    while part := _PART.match(pattern, at):
        parts.append(part)
        at = part.end()
    return parts, pattern[at:]


def _varies(part: "re.Match[str]") -> bool:
    times = part["times"]
    return times is not None and (len(times) == 1 or "," in times)


def _followers(parts: "Sequence[re.Match[str]]", place: int) -> "Iterator[re.Match[str]]":
    """The parts that may stand right behind one that varies."""
    if not _varies(parts[place]):
        return
    for part in parts[place + 1 :]:
        yield part
        if part["times"] is None or not part["times"].startswith(("*", "?", "{0")):
            return


def _share(one: str, other: str, pattern: str) -> bool:
    """`pattern` holds the characters that the two spell out."""
    return re.search(f"(?={one}){other}", _CHARACTERS + pattern) is not None


_MCP = "mcp__"
# The parser's time grows with the square of a key's parts, of which nobody writes so many.
_MOST_DOTS = 500  # of a line

Rules = list[dict[str, object]]


def parse(text: bytes, path: str, scope: str) -> tuple[dict[str, object], Rules, list[str]]:
    """Settings, rules and warnings; `scope` is who wrote the file. Raises ConfigError."""
    try:
        words = text.decode("utf-8")
        if any(line.count(".") > _MOST_DOTS for line in words.split("\n")):
            raise ConfigError(path, "has a line of too many dots: a key of so many parts holds up whoever reads it")
        tables = tomllib.loads(words)
    except UnicodeDecodeError:
        raise ConfigError(path, "is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(path, f"is not TOML: {fault}") from None
    except (RecursionError, ValueError):
        raise ConfigError(path, "is nested too deeply, or has a number of too many digits") from None
    values: dict[str, object] = {}
    rules: Rules = []
    warnings: list[str] = []
    for name, value in _flat(tables).items():
        if name == "rules":
            if not isinstance(value, list):
                raise ConfigError(path, "rules must be tables, each begun by a line [[rules]]")
            found = [_rule(rule, f"{path}, rule {n}", path, scope, warnings) for n, rule in enumerate(value, 1)]
            rules = [rule for rule in found if rule]
            continue
        setting = BY_NAME.get(name)
        if setting is None:
            warnings.append(f"{path}: {name} is not a setting of this version")
        elif scope == PROJECT and setting.scope == USER:
            warnings.append(f"{path}: {name} is ignored: a project's file may not set it")
        else:
            values[name] = check(setting, value, path)
    return values, rules, warnings


def _flat(tables: dict[str, object]) -> dict[str, object]:
    """`record = {prompts = false}` as `{"record.prompts": false}`."""
    flat: dict[str, object] = {}
    for name, value in tables.items():
        if isinstance(value, dict) and name != "rules":
            flat.update({f"{name}.{key}": item for key, item in value.items()})
        else:
            flat[name] = value
    return flat


def _rule(rule: object, where: str, path: str, scope: str, warnings: list[str]) -> dict[str, object]:
    """Empty for one that says nothing else than what its file may not: to name a call was not what it was for."""
    if not isinstance(rule, dict) or not isinstance(rule.get("match"), str):
        raise ConfigError(where, 'needs a pattern: match = "Bash(pytest:*)"')
    known: dict[str, object] = {"match": rule["match"].strip(), "origin": path}
    tool = _tool(rule["match"], where)
    for name, value in rule.items():
        if name == "match":
            continue
        field = _FIELDS.get(name)
        if field is None:
            warnings.append(f"{where}: {name} is not a field of this version")
            continue
        if scope == PROJECT and name in _OF_PERSON and value != _OF_PERSON[name]:
            warnings.append(f"{where}: {name} is ignored: a project's file may not set it{_BUT.get(name, '')}")
            continue
        fits, words = field
        if not fits(value):
            raise ConfigError(where, f"{name} cannot be {value!r}; allowed: {words}")
        if name == "depends" and tool != "Skill" and not _is_globs(value):
            raise ConfigError(where, f"{name} cannot be {value!r}; allowed: {words}")
        if name == "normalize":
            _require_expressions(value, where)
        if name in _OF_TOOLS and tool not in _OF_TOOLS[name]:
            raise ConfigError(where, f"{name} says nothing of {tool}; it is for {' and '.join(_OF_TOOLS[name])}")
        known[name] = value
    return {} if "ahead" in rule.keys() - known.keys() and known.keys() <= _NAMING else known


def _tool(match: str, where: str) -> str:
    """The kind of calls that a rule is about. Raises ConfigError."""
    tool, specifier = parse_pattern(match)
    fits = {
        "Bash": specifier is not None,
        "Skill": specifier is not None and _is_name(specifier.replace(":", "")),
        "WebFetch": specifier is None or _is_domain(specifier),
        "WebSearch": specifier is None,
        "Agent": True,
        "mcp": specifier is None and _names_server(tool),
    }
    kind = "mcp" if tool.startswith(_MCP) else tool
    if not fits.get(kind, False):
        raise ConfigError(
            where,
            f'match cannot be {match!r}; allowed: a pattern such as "Bash(pytest:*)", "Skill(report)",'
            ' "WebFetch(domain:example.org)", "WebSearch", "mcp__server__tool", "mcp__server__*" or "Agent(reviewer)"',
        )
    return kind


def _is_domain(specifier: str) -> bool:
    """`domain:` and a host, in which `*` may stand."""
    host = specifier.removeprefix("domain:")
    return host not in {"", specifier} and all(char.isalnum() or char in "-._*" for char in host)


def _names_server(tool: str) -> bool:
    """A server, alone or with a tool of its own or a wildcard: `mcp__` names none, nor `mcp__server__` a tool."""
    server, parted, name = tool.removeprefix(_MCP).partition("__")
    return bool(server) and (bool(name) or not parted)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _is_globs(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(
            isinstance(item, str) and item and not item.startswith(("/", ":")) and ".." not in item.split("/")
            for item in value
        )
    )


def _is_paths(value: object) -> bool:
    """Places of the project, or absolute ones, or ones of the home folder."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(item, str) and item and ".." not in item.split("/") and item[0] != ":" for item in value)


def _is_reads(value: object) -> bool:
    return _is_texts(value) and isinstance(value, list) and not any("\0" in item or item[0] == ":" for item in value)


def _is_live(value: object) -> bool:
    return value is True or _is_ttl(value)


def _are_patterns(value: object) -> bool:
    if not _is_texts(value) or not isinstance(value, list):
        return False
    try:
        parsed = [parse_pattern(pattern) for pattern in value]
    except ConfigError:
        return False
    return all(
        (tool == "Bash" and specifier is not None)
        or (tool.startswith(_MCP) and specifier is None and _names_server(tool))
        for tool, specifier in parsed
    )


def _require_expressions(patterns: list[str], where: str) -> None:
    for pattern in patterns:
        if fault := fault_of(pattern):
            raise ConfigError(where, f"normalize cannot hold {pattern!r}: {fault}")


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_ttl(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 31_536_000


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.replace("-", "").replace("_", "").isalnum()


_FIELDS = {
    "name": (_is_name, "letters, digits, - and _"),
    "depends": (_is_paths, 'paths below the project\'s root, at least one, such as ["src/**", "tests/**"]'),
    "env": (_is_texts, 'names of environment variables, such as ["DATABASE_URL"]'),
    "ttl": (_is_ttl, "a whole number of seconds from 1 to 31536000"),
    "enabled": (_is_flag, "true or false"),
    "failures": (_is_flag, "true or false"),
    "failures_ttl": (_is_ttl, "a whole number of seconds from 1 to 31536000"),
    "normalize": (_is_texts, 'regular expressions, such as ["seed=[0-9]+"]'),
    "reads": (
        _is_reads,
        'paths from the project\'s root, absolute or from ~/, such as ["../data.json", "~/.config/app/"]',
    ),
    "tools": (_is_texts, 'programs, such as ["jq"]'),
    "live": (_is_live, "true, or a whole number of seconds from 1 to 31536000"),
    "share": (lambda value: value == "team", '"team"'),
    "invalidated_by": (_are_patterns, 'patterns of calls, such as ["mcp__github__create_*", "Bash(gh pr *)"]'),
    "args_are_files": (_is_flag, "true or false"),
    "outputs": (_is_globs, 'files below the directory of the call, such as ["report.pdf"]'),
    "version": (_is_name, "letters, digits, - and _"),
    "ahead": (_is_flag, "true or false"),
}
# Fields of the person's own file alone, with the one value that a project's may say: who says what may differ says what
# a verification finds, and who has a project's code run that nobody asked for is not the project.
_OF_PERSON: dict[str, object] = {"normalize": None, "ahead": False}
_BUT = {"ahead": " but to false"}
_NAMING = {"match", "name", "origin"}  # what names calls, and says nothing of them
# Fields that say something of some kinds of calls only.
_LINES = ("Bash", "Skill")
_OF_TOOLS = {
    "failures": _LINES,
    "failures_ttl": _LINES,
    "normalize": _LINES,
    "reads": ("Bash",),
    "tools": ("Bash",),
    "live": ("Bash",),
    "invalidated_by": ("WebFetch", "WebSearch", "mcp", "Agent"),
    "args_are_files": ("Skill",),
    "outputs": ("Skill",),
    "version": ("Skill",),
    "ahead": ("Bash",),
}
