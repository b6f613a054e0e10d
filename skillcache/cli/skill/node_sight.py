"""What a script in JavaScript or TypeScript visibly does, by its words: comments are left out."""

import re
from collections.abc import Iterator

from skillcache.cli.skill.sight import (
    ABOVE,
    CHANCE,
    CLOCK,
    ENDS,
    GIT,
    HOME,
    NETWORK,
    PRESENT,
    STOPS,
    VARIABLE,
    WRITES,
    Seen,
)

# A text, so that what stands in one is no comment; a comment.
# What is not closed goes to its end: searched for anew at each quote, it would be read as often as there are quotes.
_PIECE = re.compile(
    r"(\"(?:\\.|[^\"\\\n])*+\"?|'(?:\\.|[^'\\\n])*+'?|`(?:\\.|[^`\\])*+`?)|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?",
    re.DOTALL,
)
_TEXT = r"\s*(?:['\"`]([^'\"`$]*)['\"`])?"
_FROM = r"(?:\bfrom|\brequire\(|\bimport\(|\bimport)\s*['\"](?:node:)?"
_WRITER = r"\b(?:writeFile|appendFile|createWriteStream|mkdir|rm|rmdir|unlink|symlink|writeTextFile)(?:Sync)?"
_NETWORKS = "https?|net|tls|axios|node-fetch|undici|got|ws|openai|@anthropic-ai/sdk|puppeteer|playwright"
_PATTERNS = (
    (WRITES, _WRITER + r"\(" + _TEXT),
    (WRITES, r"\bBun\.write\(" + _TEXT),
    (WRITES, r"\b(?:rename|copyFile|cp)(?:Sync)?\([^,()]*," + _TEXT),
    (ENDS, r"\b(?:process|Deno)\.exit\(\s*([1-9]\d*)"),
    (ENDS, r"\bprocess\.exitCode\s*=\s*([1-9]\d*)"),
    (ENDS, r"\b(?:process\.exit\(|process\.exitCode\s*=)[^;)\n]{0,200}\?\s*(?:0\s*:\s*)?([1-9]\d*)"),
    (VARIABLE, r"\b(?:process|Bun)\.env\.(\w+)\b(?!\s*=[^=])"),
    (VARIABLE, r"\b(?:process|Bun)\.env\[\s*['\"`](\w+)"),
    (VARIABLE, r"\bDeno\.env\.get\(\s*['\"`](\w+)"),
    (CLOCK, r"\b(Date\.now|performance\.now)\("),
    (CLOCK, r"\b(new Date)\(\s*\)"),
    (CHANCE, r"\b(Math\.random|randomUUID|randomBytes|getRandomValues)\("),
    (NETWORK, r"(?<![.\w])(fetch)\("),
    (NETWORK, _FROM + rf"({_NETWORKS})['\"]"),
    (GIT, r"\b(?:exec|spawn)(?:File)?(?:Sync)?\(\s*['\"`](git)\b"),
    (PRESENT, r"\b((?:process|Deno)\.cwd)\("),
    (PRESENT, r"\b(readdir(?:Sync)?|readDir)\(\s*['\"`]\.?/?['\"`]"),
    (HOME, r"\b(?:os\.)?homedir\(()"),
    (HOME, r"['\"`](~/[^'\"`$]*)['\"`]"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
_TROUBLE = re.compile(r"\bargv\b|existsSync|\bcatch\b|[Uu]sage|process\.env|[Ee]rror|[Mm]issing|not found")
_TAKEN = re.compile(r"\{([^{}]*)\}\s*=\s*process\.env\b")
_IMPORTED = re.compile(r"(?:\bfrom|\brequire\(|\bimport\(|\bimport)\s*['\"]((?:\./)?(?:\.\./)++[^'\"]*+)['\"]")


def seen(text: str, depth: int) -> list[Seen]:
    """`depth`: of folders between the skill's and the script."""
    bare = _PIECE.sub(lambda found: found[1] or re.sub(r"[^\n]", " ", found[0]), text)
    lines = bare.splitlines()
    found: list[Seen] = []
    for number, line in enumerate(lines, 1):
        is_trouble = _TROUBLE.search("\n".join(lines[max(0, number - 3) : number])) is not None
        for each in (*_of_line(number, line), *_imported(number, line, depth)):
            is_stop = each.kind == ENDS and is_trouble and "?" not in line
            found.append(each._replace(kind=STOPS) if is_stop else each)
    return found


def _of_line(number: int, line: str) -> Iterator[Seen]:
    for kind, pattern in _COMPILED:
        for found in pattern.finditer(line):
            name = found[1] or ""
            yield Seen(number, HOME, "") if (kind, name) == (VARIABLE, "HOME") else Seen(number, kind, name)
    for found in _TAKEN.finditer(line):
        for name in re.findall(r"(?:^|,)\s*(\w+)", found[1]):
            yield Seen(number, VARIABLE, name)


def _imported(number: int, line: str, depth: int) -> Iterator[Seen]:
    for found in _IMPORTED.finditer(line):
        if found[1].split("/").count("..") > depth:
            yield Seen(number, ABOVE, found[1])
