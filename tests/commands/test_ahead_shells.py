"""What is said of a line, held to what real shells start: made-up lines, run with programs that note how they began."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from skillcache.commands.ahead.line import following, is_harmless

PROGRAMS = ("mypy", "pytest", "tsc")
_NOTES = """#!/bin/sh
joined=apart
[ /proc/$$/fd/1 -ef /proc/$$/fd/2 ] && joined=joined
for word; do words="$words<$word>"; done
printf '%s\\0' "${0##*/}$words $joined A=${A-} $(pwd -P)" >>"$NOTES"
echo out; echo error >&2
"""


class Place(NamedTuple):
    shell: str
    top: Path
    notes: Path
    environ: dict[str, str]

    def run(self, line: str) -> list[str] | None:
        """How each program began, in that order; None where the shell takes the line for none, or something failed."""
        self.notes.write_text("")
        for folder, _, names in os.walk(self.top):
            for name in {*names} - {"a.txt", "env.sh"}:
                Path(folder, name).unlink()
        with Path(self.environ["HOME"], "output").open("wb") as output:
            checked = subprocess.run([self.shell, "-n", "-c", line], stderr=subprocess.DEVNULL, check=False, timeout=60)
            if checked.returncode:
                return None
            done = subprocess.run(
                [self.shell, *(["-f"] if self.shell == "zsh" else []), "-c", 'eval "$LINE" </dev/null; wait'],
                cwd=self.top,
                env={**self.environ, "LINE": line},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                timeout=60,
            )
        return None if done.returncode else self.notes.read_text().split("\0")[:-1]


def said(line: str, note: str) -> list[str]:
    """The same of those behind the one of `first`, which has begun so, by what the line says."""
    _, _, variable, cwd = note.split(" ")
    return [
        f"{asked.words[0]}{''.join(f'<{word}>' for word in asked.words[1:])}"
        f" {'joined' if asked.joined else 'apart'} A={asked.environ.get('A', variable.removeprefix('A='))} {asked.cwd}"
        for asked in following(line, ("first",), cwd)
    ]


@pytest.fixture(scope="module", params=["bash", "zsh"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    base = tmp_path_factory.mktemp(request.param).resolve()
    for folder in ("home", "bin", "top/sub/inner"):
        (base / folder).mkdir(parents=True)
    for name in ("first", *PROGRAMS):
        (base / "bin" / name).write_text(_NOTES)
        (base / "bin" / name).chmod(0o755)
    (base / "top/a.txt").write_text("a\n")
    (base / "top/env.sh").write_text("true\n")
    environ = {
        "PATH": f"{base}/bin:{os.environ['PATH']}",
        "HOME": f"{base}/home",
        "NOTES": f"{base}/notes",
        "LC_ALL": "C.UTF-8",
    }
    return Place(request.param, base / "top", base / "notes", environ)


# Words that are what they look like, and words that are not.
PLAIN = ("-q", "src", "'a b'", "--x=1")
WORDS = (
    *("-q", "--x=1", "X=1", "src", "'a b'", '"a b"', "it\\'s", "a\\ b", "''", "'&&'", '"|"', "\\;", "'#'", "a#b", "2"),
    *(
        "'a'\"b\"c",
        '"x \\"y\\" \\$z \\n"',
        "a~b",
        "HEAD^",
        "%1",
        "é",
        "'new\nline'",
        "a\\\nb",
        '"a$"',
        "'$x'",
        "a:b,c@d",
    ),
    *("$HOME", '"$HOME"', "${HOME}", "*.txt", "~", "x=~", "{a,b}", "[a].txt", "$?", "\"$(echo 'a b')\"", "`echo x`"),
    *(
        "$((1+1))",
        "$'a'",
        "<(true)",
        "${HOME:-x}",
        "2>&1",
        ">/dev/null",
        "</dev/null",
        "2>/dev/null",
        ">&2",
        "&>/dev/null",
    ),
    *(">out", "2>out", ">>out", "<a.txt", "2>&1 >/dev/null", ">/dev/null 2>&1", "3>out"),
)
BEFORE = (
    *[""] * 12,
    "A=1 ",
    "A='a b' ",
    "env A=2 ",
    "timeout 20 ",
    "time ",
    "command ",
    "A=$HOME ",
    "A+=x ",
    "nice ",
    "! ",
)
FILTERS = (
    "cat",
    "head -5",
    "tail -n 3 2>&1",
    "sed -n '1,5p'",
    "sort -u",
    "cat >out",
    "tee out",
    "mypy",
    "(cat)",
    "tr a b",
)
OTHERS = (
    *(
        "true",
        "echo hi",
        'echo "$? $HOME"',
        "ls",
        "cd sub",
        "cd ..",
        "cd .",
        "cd inner",
        "cd -",
        "cd",
        "set -e",
        "pwd | cat",
    ),
    *("# words && mypy", "exit", ". ./env.sh", "export A=3", "A=4", "(mypy)", "{ mypy; }", "if true; then mypy; fi"),
    *(
        "for each in 1 2; do mypy; done",
        "f() { mypy; }; f",
        "cat <<E\nmypy\nE",
        "eval mypy",
        "[[ a == a ]]",
        "true | mypy",
    ),
    *("while false; do mypy; done", "case a in a) mypy;; esac", "echo $(mypy)", "exec mypy", "trap mypy EXIT", "> out"),
    *("set -- mypy; $1", "alias tsc=true", "unset A", "cd sub | cat", "cd a.txt 2>/dev/null || true", "first"),
)
SIGNS = ("&&", "&&", "&&", ";", ";", "\n", "\n", "||", "&", " &&\n ", "|", "|&", " # words\n")

some = st.sampled_from
command = st.builds(
    lambda before, name, words: f"{before}{' '.join([name, *words])}",
    some(BEFORE),
    some(PROGRAMS),
    st.lists(st.one_of(some(PLAIN), some(WORDS)), max_size=2),
)
piped = st.builds(
    lambda first, filters: "".join([first, *filters]),
    command,
    st.lists(st.builds("".join, st.tuples(some([" | ", " |& ", " 2>&1 | "]), some(FILTERS))), max_size=2),
)
part = st.one_of(command, piped, piped, some(OTHERS))


@st.composite
def lines(draw: Callable[..., Any]) -> str:
    parts = [draw(part) for _ in range(draw(st.integers(0, 1)))]
    parts += ["first" + draw(some(["", "", "", "", " | cat", " 2>&1", " >out"]))]
    parts += [draw(part) for _ in range(draw(st.integers(1, 4)))]
    return "".join(piece for each in parts for piece in (each, f" {draw(some(SIGNS))} "))[:-1].rstrip(" &|;\n")


@given(line=lines())
@settings(max_examples=150, deadline=None)
def test_what_is_said_to_come_next_is_what_a_shell_starts(place: Place, line: str) -> None:
    notes = place.run(line) or []
    at = [at for at, note in enumerate(notes) if note.startswith("first ")]
    if not at:
        event("nothing was started")
        return
    named = said(line, notes[at[0]])
    event(f"{len(named)} named")
    behind = notes[at[0] + 1 :]
    if len(at) > 1:
        assert named == []
    elif "&" in line.replace("&&", "").replace(">&", "").replace("&>", "").replace("|&", ""):
        later = iter(behind)  # what is in the background begins when it will
        assert all(each in later for each in named)
    else:
        assert behind[: len(named)] == named


HARMLESS = (
    *OTHERS,
    "cat a.txt",
    "sort a.txt | uniq",
    "git status",
    "find . -name '*.txt'",
    "sed -n 1p a.txt",
    "test -f a.txt",
)


@given(parts=st.lists(st.tuples(some(HARMLESS), some(FILTERS), some(SIGNS)), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_what_is_harmless_starts_no_program_and_writes_nothing(place: Place, parts: list[tuple[str, str, str]]) -> None:
    line = "".join(f"{each} | {then} {sign} " for each, then, sign in parts).rstrip(" &|;\n")
    notes = place.run(line)
    if is_harmless(line):
        event("harmless")
        assert not notes
        assert sorted(name for _, _, names in os.walk(place.top) for name in names) == ["a.txt", "env.sh"]
