"""No text of a stranger makes a search of ours take more than a time in proportion to it.

Each expression of the package is attacked by texts made from itself: what leads up to one of its repeats, then what
that repeat takes in or what is to follow it, many times, then a character that hardly anything takes. Four times the
text must not take eight times the work; the processor's time decides, where there is enough of it to tell.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import skillcache
from skillcache.cache import verify
from skillcache.cache.relocation import relocate
from skillcache.claude.patterns import matches
from skillcache.claude.patterns import parse as parse_pattern
from skillcache.commands.ahead.line import following
from skillcache.commands.ahead.task import _Makefile
from skillcache.core.credentials import assignment, find, judgement, shapes
from skillcache.core.outcomes import ConfigError
from skillcache.fingerprint import mention_text, recipes, text_paths, texts
from skillcache.fingerprint.globs import matches as fits_glob
from skillcache.sessions.text import may_hold_secret
from skillcache.settings.configuration import LONGEST, leveled
from skillcache.stores.patterns import compile_glob

PACKAGE = Path(skillcache.__file__).parent
Expression = re.Pattern[str] | re.Pattern[bytes]
Use = tuple[Expression, str]  # and the method it is used by: "match", "fullmatch", or else it searches
# Modules that make expressions as they go, and such as they make.
MAKERS: dict[str, Callable[[], Iterable[Use]]] = {
    "skillcache.cache.verify": lambda: [(pattern, "sub") for pattern, _ in verify.rows()],
    "skillcache.stores.patterns": lambda: [
        (compile_glob(glob), "fullmatch") for glob in ("a*b*c*d", "*a*[bc]?*d", "*?????*a*")
    ],
    **{
        module.__name__: lambda module=module: [(pattern, "finditer") for pattern in module.patterns()]  # type: ignore[misc]
        for module in (shapes, shapes, assignment)
    },
    **{
        module.__name__: lambda module=module: [(pattern, "match") for pattern in module.patterns()]  # type: ignore[misc]
        for module in (judgement, judgement)
    },
    "skillcache.core.credentials.assignment": lambda: [
        (pattern, "match") for pattern in (*assignment.patterns(), *assignment.tails())
    ],
    "skillcache.core.credentials.judgement": list,  # compiles those of its neighbours
    "skillcache.fingerprint.text_paths": lambda: [
        (text_paths.pattern(name), "finditer") for name in text_paths.PATTERNS
    ],
    "skillcache.settings.configuration": list,  # its language is tested in tests/settings/test_expression.py
}
SHORT = 2_500  # characters; the longer text is four times as long
UNTOLD = 0.02  # seconds: what grows by the square takes longer with the longer text
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
CHARACTERS = "a1A -./+:=\"'x_;,#m" + "".join(map(chr, range(1, 0x2800)))


def expressions() -> dict[str, Use]:
    found: dict[str, Use] = {}
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text("utf-8")
        if not re.search(r"^\s*import re\b", source, re.MULTILINE):
            continue
        name = ".".join(path.with_suffix("").relative_to(PACKAGE.parent).parts).removesuffix(".__init__")
        here: list[Use] = list(MAKERS.get(name, list)())
        for attribute, value in vars(importlib.import_module(name)).items():
            if isinstance(value, re.Pattern):
                uses = {*re.findall(rf"\b{attribute}\.(\w+)", source)} - {"pattern"}
                here.append((value, uses.pop() if len(uses) == 1 else "search"))
            elif isinstance(value, tuple):  # rows of a table with one in each
                rows = [row if isinstance(row, tuple) else (row,) for row in value]
                here += [(each, "finditer") for row in rows for each in row if isinstance(each, re.Pattern)]
        for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
            method = ast.unparse(call.func).removeprefix("re.")
            if method == ast.unparse(call.func) or not call.args or method == "escape":
                continue
            source_of = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
            if (method != "compile" and isinstance(source_of, str)) or (
                method != "compile" and isinstance(source_of, bytes)
            ):
                here.append((re.compile(source_of), method))
            else:
                assert name in MAKERS or here, f"{name} makes an expression that no test sees"
        found |= {f"{name}: {pattern.pattern!r}": (pattern, method) for pattern, method in here}
    return found


def sample(tree: Any) -> str:
    """A text that the parsed expression takes, its repeats as short as they may be."""
    text = ""
    for code, value in tree:
        if code is op.LITERAL:
            text += chr(value)
        elif code is op.NOT_LITERAL:
            text += "a" if value != ord("a") else "b"
        elif code is op.ANY:
            text += "a"
        elif code is op.IN:
            text += next(char for char in CHARACTERS if holds(value, char))
        elif code in REPEATS:
            text += sample(value[2]) * value[0]
        elif code is op.SUBPATTERN:
            text += sample(value[3])
        elif code is op.ATOMIC_GROUP:
            text += sample(value)
        elif code is op.BRANCH:
            text += sample(value[1][0])
    return text


def holds(members: Any, char: str) -> bool:
    classes = {op.CATEGORY_DIGIT: r"\d", op.CATEGORY_SPACE: r"\s", op.CATEGORY_WORD: r"\w"}
    classes |= {op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_NOT_WORD: r"\W"}
    found = negated = False
    for code, value in members:
        if code is op.NEGATE:
            negated = True
        elif code is op.LITERAL:
            found |= chr(value) == char
        elif code is op.RANGE:
            found |= value[0] <= ord(char) <= value[1]
        else:
            found |= bool(re.match(classes[value], char))
    return found != negated


def attacks(tree: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """What to begin with, and what to repeat."""
    nodes = list(tree)
    for place, (code, value) in enumerate(nodes):
        after = sample(nodes[place + 1 :])
        if code in REPEATS:
            if value[1] > 8:
                yield from ((before + begin, body) for begin in ("", sample(value[2])) for body in bodies(value[2]))
                # What is to follow it, whole and in part: a repeat that takes that in, too, has to find where it ends.
                parts = {sample(nodes[place + 1 : end]) for end in range(place + 2, len(nodes))}
                yield from ((before, pump) for pump in {after, after[:-1], after[:1], *parts})
            yield from attacks(value[2], before)
        elif code is op.SUBPATTERN:
            yield from attacks(value[3], before)
        elif code is op.ATOMIC_GROUP:
            yield from attacks(value, before)
        elif code is op.BRANCH:
            for branch in value[1]:
                yield from attacks(branch, before)
        before += sample([(code, value)])
        yield "", before


def bodies(tree: Any) -> Iterator[str]:
    yield sample(tree)
    for code, value in tree:
        if code is op.BRANCH:
            yield from map(sample, value[1])
        elif code is op.IN:
            yield from (char for char in "a1 .\n" if holds(value, char))


def spent(pattern: Expression, method: str, text: str) -> float:
    data: Any = text if isinstance(pattern.pattern, str) else text.encode()
    if method in {"match", "fullmatch"}:
        return lasting(getattr(pattern, method), data)
    return lasting(lambda data: list(pattern.finditer(data)), data)


def lasting(read: Callable[[Any], object], text: Any) -> float:
    times = []
    for _ in range(3):
        begun = time.process_time()
        read(text)
        times.append(time.process_time() - begun)
        if times[-1] < UNTOLD:
            break
    return min(times)


EXPRESSIONS = expressions()


@pytest.mark.table
@pytest.mark.parametrize("module", sorted({name.partition(":")[0] for name in EXPRESSIONS}))
def test_the_work_grows_as_the_text_does(module: str) -> None:
    for name, (pattern, method) in EXPRESSIONS.items():
        if name.partition(":")[0] != module:
            continue
        source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
        for before, pump in {each for each in attacks(parser.parse(source, pattern.flags & ~re.UNICODE)) if each[1]}:
            short, long = (f"{before}{pump * (size // len(pump))}\1" for size in (SHORT, 4 * SHORT))
            work = spent(pattern, method, long)
            assert work < UNTOLD or work < 8 * spent(pattern, method, short), f"{name}: {before!r} then {pump!r}"


# What reads a stranger's text with loops of its own, and texts that each may be slow with.
FUNCTIONS: dict[str, tuple[Callable[[str], object], tuple[str, ...]]] = {
    "normalized": (
        lambda text: verify.normalized(text, "/srv/proj"),
        (
            "ok 1s ",
            "1s ",
            "1 passed ",
            "PASS a ",
            "/private/var/folders/ab/cd/T/",
            "12:",
            "=",
            "\n \t",
            " \u2713 a 1 s",
            "1 s, ",
            "ok " + " " * 50,
        ),
    ),
    "leveled": (
        lambda text: leveled(text, ("[a-z]*!", "a[a-z]*[0-9]", "[^ ]+ [0-9]{1,9} x")),
        ("a", "aaaa ", "1", "a" * LONGEST + "\n"),
    ),
    "secrets": (
        find.redact,
        (
            *("token=", "your-a", "key_", "password", "password ", "password='", "://a:", "eyJ", "sk-", "a.b.c.M", ">"),
            *("curl -u ", "docker login ", "machine a ", ":5432:a:b:c", "A" * 64 + "\n", "\\u001b[1m", "\x1b[1m"),
            "-----BEGIN PRIVATE KEY-----",
        ),
    ),
    "may_hold_secret": (may_hold_secret, ("a/", "a1B/", ":", "a ")),
    "relocate": (
        lambda text: relocate(text.encode(), "/srv/proj", "/root"),
        ("proj/", "x../", "a...b/", "a\u2026b/", ".", "\0", "/srv/proj/", "proj/" * 99 + "\n", "../" * 99 + "a\n"),
    ),
    "mention_text": (
        lambda text: mention_text.read(f'{text} "../a"'.encode(), texts.SOURCE),
        ("from <", "../a ", 'from "../a"', "~/ a ", "'/a '", "x.parents[1", ".." * 9 + "/", '"', "a/../b "),
    ),
    "a task of make's": (
        lambda text: recipes._of_make(f"{text}\nt:\n\t" + text, "t", is_asked=True),
        ("a=b\n", "$(a)", "${a", "{{a}}", "$($(", "x: y\n"),
    ),
    "a line": (
        lambda text: following(f"{text}; first; {text}", ("first",), "/"),
        (
            "a",
            "a ",
            "=",
            "a=",
            "'a'",
            '"a" ',
            '"$a',
            "$a",
            "${a}",
            "${",
            "\\",
            "# a\n",
            "a; ",
            "a && ",
            "a | ",
            "2>&1 ",
            "~:",
        ),
    ),
    "a makefile": (
        lambda text: _Makefile(text, "/").steps(["t", "a"]),
        ("a: b\n", "t: a\n", "a: t\n\tfirst\n", "\ta\n", "ifdef a\n", "a \\\n", "a b ", "t:\n\tfirst; a\n"),
    ),
    "parse": (lambda text: _refused(parse_pattern, f"Bash{text}"), ("\\(", "\\", "(", "*")),
    "matches": (lambda text: matches("*a" * 50 + "b", text), ("a", "ab")),
    "glob": (lambda text: fits_glob("**/*a*a*?*b", text), ("a", "a/", "ab/")),
}


def _refused(read: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(ConfigError):
        read(text)


@pytest.mark.table
@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_reader_is_slow_with_a_long_text(name: str) -> None:
    read, units = FUNCTIONS[name]
    for unit in units:
        short, long = ("ok " + unit * (size // len(unit)) + "\1" for size in (4 * SHORT, 16 * SHORT))
        work = lasting(read, long)
        assert work < UNTOLD or work < 8 * lasting(read, short), repr(unit)
