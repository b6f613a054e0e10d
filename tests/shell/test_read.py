"""What reading a line gives, besides its words, which bash itself is asked about elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.errors import Bypass
from skillcache.outcome import SHELL_SYNTAX
from skillcache.shell import join, read


def directories(text: str) -> list[tuple[str, str]]:
    return [(command.words[0], command.directory) for command in read(text).commands if command.words[0] != "cd"]


@pytest.mark.parametrize(
    ("text", "expected", "ends_in"),
    [
        ("a", [("a", "")], ""),
        ("cd sub && a", [("a", "sub")], "sub"),
        ("cd sub; a; cd ..; b", [("a", "sub"), ("b", "")], ""),
        ("cd sub\na", [("a", "sub")], "sub"),
        ("cd /abs && a", [("a", "/abs")], "/abs"),
        ("cd .. && a", [("a", "..")], ".."),
        ("cd a/b/../c && x", [("x", "a/c")], "a/c"),
        ("(cd a && x) && y", [("x", "a"), ("y", "")], ""),
        ("(cd a && x) | y; z", [("x", "a"), ("y", ""), ("z", "")], ""),
        ("x && cd a && y", [("x", ""), ("y", "a")], "a"),
        ("x && cd a", [("x", "")], "a"),
        ("cd a && x || y", [("x", "a"), ("y", "a")], "a"),
        ("cd a || exit 1; x", [("exit", "a"), ("x", "a")], "a"),
        ("echo 1 && cd a; x", [("echo", ""), ("x", "a")], "a"),
    ],
)
def test_every_command_knows_where_it_runs(text: str, expected: list[tuple[str, str]], ends_in: str) -> None:
    assert directories(text) == expected
    assert read(text).ends_in == ends_in


@pytest.mark.parametrize(
    "text",
    ["x && cd a; y", "x || cd a; y", "x && cd a || y", "{ cd a; }; y", "cd a | x; y", "x | (cd a; y) && cd b; z"],
)
def test_a_cd_that_may_not_have_run_is_refused(text: str) -> None:
    with pytest.raises(Bypass) as refused:
        read(text)
    assert refused.value.outcome is SHELL_SYNTAX


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a b # fresh", "a b"),
        ("a b  #  fresh", None),
        ("a b #fresh", None),
        ("a '# fresh'", None),
        ("a b # fresh please", None),
        ("# fresh\na", None),
        ("a\n# fresh", "a"),
        ("a # fresh \t", "a"),
    ],
)
def test_a_wish_for_a_fresh_run_is_a_closing_comment(text: str, kept: str | None) -> None:
    line = read(text)
    assert line.fresh is (kept is not None)
    assert line.text == (text if kept is None else kept)


def test_a_command_keeps_its_assignments_redirections_and_source_apart() -> None:
    (command,) = read("A=1 B='x y' a \"b c\" <in.txt 2>&1 d").commands
    assert command.assignments == (("A", "1"), ("B", "x y"))
    assert command.words == ("a", "b c", "d")
    assert command.reads == ("in.txt",)
    assert command.text == 'a "b c" <in.txt 2>&1 d'


def test_pipes_operators_patterns_and_statuses_are_marked() -> None:
    first, second, third = read("a *.py | b; c $? '*'").commands
    assert (first.globs, first.piped, first.operator) == ((1,), False, "")
    assert (second.piped, second.operator) == (True, "|")
    assert (third.statuses, third.globs, third.operator) == ((1,), (), ";")


def test_groups_may_be_deep_but_not_without_end() -> None:
    assert read("( ( a ) )").commands[0].words == ("a",)
    with pytest.raises(Bypass):
        read("( " * 1000 + "a" + " )" * 1000)


@pytest.mark.parametrize("text", ["", " ", "\n", "# only a comment", "()", "{ }", ";"])
def test_a_line_without_a_command_is_refused(text: str) -> None:
    with pytest.raises(Bypass):
        read(text)


@given(st.text(max_size=60) | st.text("ab '\"\\\n;&|()<>{}$`#*?[]=~!1", max_size=30))
def test_reading_anything_gives_a_line_or_a_bypass(text: str) -> None:
    try:
        line = read(text)
    except Bypass:
        return
    assert line.commands
    assert all(len(command.words) or command.assignments for command in line.commands)


@given(st.text("ab./", max_size=12), st.text("ab./", max_size=12))
def test_joining_paths_stays_in_normal_form(directory: str, path: str) -> None:
    joined = join(join("", directory), path)
    assert join("", joined) == joined
    assert "." not in joined.split("/")
    assert joined.startswith("/") == (path.startswith("/") or directory.startswith("/"))
