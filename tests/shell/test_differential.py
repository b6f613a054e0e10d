"""Bash itself is asked: whatever it would run of a line that is accepted is among the commands that were read."""

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillcache.errors import Bypass
from skillcache.shell import Command, Line, read

BASH = shutil.which("bash") or ""
pytestmark = pytest.mark.skipif(not BASH, reason="bash is not installed")

# Every command is caught by name and prints its words; none exists, and none changes the shell.
CATCH = r"""
PATH=/nowhere
HOME=/somebody/s
set -f
catch() { # in one write, so that the ends of a pipe do not mix
  local IFS=$'\003'; local words="$*"; builtin printf '%s\001' "${words//$'\n'/$'\004'}" >&9
  turn=$((turn + 1)); return $(((pattern >> (turn % 8)) & 1)); }
command_not_found_handle() { catch "$@"; }
for name in cd echo exit set export test printf true false pwd eval source alias unset exec; do
  builtin eval "function $name { catch $name \"\$@\"; }"
done
judged() { builtin eval "$1"; }
for pattern in 0 255 85 102; do
  for line in "$@"; do turn=0; judged "$line"; builtin printf '\002' >&9; done
done
"""
PIECES = [
    *[
        "alpha",
        "beta",
        "a",
        "-n",
        "--opt=v",
        "1",
        "2",
        "x.py",
        "[ ",
        "X=1 ",
        "Y='a b' ",
        "Z+=",
        "cd s",
        "'q u'",
        '"d $ q"',
    ],
    *[
        " ",
        "  ",
        "\t",
        "\n",
        ";",
        "&&",
        "||",
        "|",
        "|&",
        "&",
        " && ",
        " || ",
        "; ",
        " | ",
        "{ ",
        "; }",
        "{",
        "}",
        "(",
        ")",
    ],
    *["'", '"', "\\", "\\\n", "$", "$?", '"$?"', "${PIPESTATUS[0]}", "$(", "`", "#", " # c", "<<", "\r", "\u00a0"],
    *["<", ">", "2>&1", " >/dev/null", " &>/dev/null", "</dev/null"],
    *["*", "?", "[", "]", "=", "~", "~/", " ~/", "/", "!", "\u00e9", ",", "^", "%", "@", "+", ":"],
]
BASES = [
    "alpha -q 2>&1 | beta -5",
    'cd sub && alpha \'a b\' "c\\"d" && { beta; gamma x; } || delta',
    "X=1 alpha --k='v w' a\\ b; (cd q; beta) | gamma",
    "alpha # note\nbeta \\\n  gamma # fresh",
    'alpha >/dev/null 2>&1 || echo "it\'s $?"; exit 1',
]


@st.composite
def soups(draw: st.DrawFn) -> str:
    """Pieces of shell syntax in any order, alone or thrown into a line that is well formed."""
    pieces = draw(st.lists(st.sampled_from(PIECES), max_size=9))
    base = draw(st.sampled_from(["", *BASES]))
    at = draw(st.integers(0, len(base)))
    return base[:at] + "".join(pieces) + base[at:]


def accepted(text: str) -> Line | None:
    """The line as read; None for one that is refused or that bash cannot be asked about."""
    try:
        line = read(text)
    except Bypass:
        return None
    for command in line.commands:
        if command.statuses or command.words[:1] == ("time",) or "/" in "".join(command.words[:1]):
            return None
    return line


def words_of(command: Command) -> tuple[str, ...]:
    """As bash hands them over: with the home folder in the place of `~`."""
    return tuple(
        f"/somebody/s{word[1:]}" if place in command.homes else word for place, word in enumerate(command.words)
    )


def ask(texts: list[str]) -> list[list[tuple[str, ...]]]:
    """What bash runs of each line, over runs in which other commands fail."""
    script = f"exec 9>&1 >/dev/null 2>/dev/null </dev/null\n{CATCH}"
    done = subprocess.run(
        [BASH, "--norc", "--noprofile", "-c", script, "bash", *texts], capture_output=True, timeout=60, check=False
    )
    per_line: list[list[tuple[str, ...]]] = [[] for _ in texts]
    blocks = done.stdout.decode("utf-8", "surrogateescape").split("\x02")[:-1]
    assert len(blocks) == 4 * len(texts)
    for number, block in enumerate(blocks):
        for argv in block.split("\x01")[:-1]:
            per_line[number % len(texts)].append(tuple(argv.replace("\x04", "\n").split("\x03")))
    return per_line


@given(st.lists(soups(), min_size=40, max_size=80))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_bash_runs_nothing_that_was_not_read(texts: list[str]) -> None:
    lines = [(text, line) for text in texts if (line := accepted(text)) is not None]
    if not lines:
        return
    for (text, line), ran in zip(lines, ask([text for text, _ in lines]), strict=True):
        read_words = {words_of(command) for command in line.commands}
        assert set(ran) <= read_words, (text, ran, line.commands)


WORDS = st.lists(
    st.one_of(
        st.sampled_from(["plain", "-q", "--a=b", "x/y.py", "a:b,c", "~/", "~/x.py", "~/'q u'/x", "~/\\\ny", "'~/z'"]),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6).map(
            lambda text: "'" + text.replace("'", "'\\''") + "'"
        ),
        st.text('ab "\\$`!', max_size=5).map(
            lambda text: '"' + "".join("\\" + c if c in '"\\$`' else c for c in text) + '"'
        ),
        st.sampled_from(['a"b c"d', "e\\ f", "'g'\"h\"", '""', '"a\\b"', "i\\\nj", '"k\\\nl"', '"$"', "m$", "n#o"]),
    ),
    max_size=4,
)
SIMPLE = st.builds(lambda name, words: " ".join([name, *words]), st.sampled_from(["alpha", "beta"]), WORDS)


@given(
    st.lists(
        st.tuples(SIMPLE, st.sampled_from(["; ", "\n", " | ", " |& ", " # c\n", " 2>&1 | "])), min_size=1, max_size=4
    )
)
@settings(max_examples=60, deadline=None)
def test_bash_sees_the_same_words_in_lines_that_are_well_formed(parts: list[tuple[str, str]]) -> None:
    text = "".join(part + joint for part, joint in parts) + "last"
    line = read(text)
    assert sorted(set(ask([text])[0])) == sorted({words_of(command) for command in line.commands})
