"""What a line says of the commands that it will start, held to what shells then start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skillcache.commands.ahead.line import Asked, begins_with, following, is_harmless, suits

HERE = "/project"


def told(line: str, words: str = "first", cwd: str = HERE) -> list[str]:
    """The commands by their words; `+` before those whose errors go where their output goes, variables before that."""
    return [shown(asked) for asked in following(line, tuple(words.split()), cwd)]


def shown(asked: Asked) -> str:
    variables = "".join(f"{name}={value} " for name, value in asked.environ.items())
    return f"{variables}{'+' if asked.joined else ''}{' '.join(asked.words)}"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("first && mypy src && pytest -q", ["+mypy src", "+pytest -q"]),
        ("first; mypy src\npytest", ["+mypy src", "+pytest"]),
        ("first &&\n  mypy && \\\n  pytest", ["+mypy", "+pytest"]),
        ("set -euo pipefail; first && mypy", ["+mypy"]),
        ("source .venv/bin/activate && first && mypy", ["+mypy"]),
        ("timeout 60 first && timeout -k 5 60 mypy", ["+mypy"]),
        ("CI=1 first && mypy", ["+mypy"]),
        ("first && CI=1 env B='a b' mypy", ["CI=1 B=a b +mypy"]),
        ("first && uv run mypy && npx tsc", ["+uv run mypy", "+npx tsc"]),
        # What only looks is passed by.
        ('first; echo "exit: $?"; git status | head -3; true; mypy', ["+mypy"]),
        ("first # lint\n# types\nmypy", ["+mypy"]),
        # The streams.
        ("first | tail -5; mypy 2>&1 | tail -5; pytest | head", ["+mypy", "pytest"]),
        ("first; mypy |& tail; pytest 2>/dev/null; ruff >/dev/null 2>&1", ["+mypy", "pytest", "+ruff"]),
        ("first; mypy 2>&1; pytest 1>&2; ruff &>/dev/null", ["+mypy", "+pytest", "+ruff"]),
        ("first; mypy </dev/null", ["+mypy"]),
        ("first; mypy > out.txt; pytest", []),
        ("first; mypy 2> errors.txt", []),
        ("first; mypy < in.txt", []),
        ("first; mypy | tee out.txt; pytest", []),
        ("first > out.txt; mypy", []),
        ("first | tee out.txt; mypy", []),
        # What has ended well skips what is for a failure.
        ("first || true; mypy", ["+mypy"]),
        ("first || echo failed && mypy", ["+mypy"]),
        ("first || exit 1; mypy", ["+mypy"]),
        ("first && mypy || pytest; ruff", ["+mypy", "+ruff"]),
        ("first || { echo; exit 1; }; mypy", []),
        # Here it ends.
        ("mypy && first", []),
        ("first", []),
        ("", []),
        ("first & mypy", []),
        ("first && mypy & pytest", []),
        ("first; mypy & pytest", []),
        ("first; mypy; pytest &", ["+mypy"]),
        ("first && (mypy)", []),
        ("first && mypy && (pytest)", ["+mypy"]),
        ("first; for each in a b; do mypy; done", []),
        ("for each in a b; do first; mypy; done", []),
        ("if first; then mypy; fi", []),
        ("(first; mypy); pytest", []),
        ("f() { mypy; }; first; f", []),
        ("first; ! mypy", []),
        ("first; [[ -f x ]] && mypy", []),
        ("first; cat <<EOF\nmypy\nEOF", []),
        ("first; export A=1; mypy", []),
        ("first; A=1; mypy", []),
        ("first; exit; mypy", []),
        ("first; . ./env; mypy", []),
        ("first; eval mypy", []),
        ("exec >log; first; mypy", []),
        ("first; mypy $FILES; pytest", []),
        ("first; mypy *.py", []),
        ("first; mypy src/{a,b}", []),
        ("first; mypy ~/x", []),
        ("first; mypy `cat files`", []),
        ("first; mypy $(cat files)", []),
        ("first; mypy <(cat files)", []),
        ("first; $MYPY src", []),
        ("first; PATH=/x mypy", []),
        ("first; SKILLCACHE_FRESH=1 mypy", []),
        ("first; A=$B mypy", []),
        ("first; nohup mypy", []),
        ("first; cat src.py | mypy", []),
        ("first; mypy 'src", []),
        ("first;; mypy", []),
        # Which of them is the one that asks?
        ("first; mypy; first; pytest", []),
        ("first x; first", []),
        # The quoted is no sign of a shell's.
        ("first; mypy '&&' pytest", ["+mypy && pytest"]),
        ('first; mypy "a|b" it\\\'s \'x\'"y"z', ["+mypy a|b it's xyz"]),
        ('first; mypy "a $ b" "\\$x \\" \\n"', ['+mypy a $ b $x " \\n']),
        ("first; 'if' x; mypy", ["+if x", "+mypy"]),
        ("first; mypy a#b '#'", ["+mypy a#b #"]),
    ],
)
def test_the_commands_behind_one(line: str, named: list[str]) -> None:
    assert told(line) == named


def test_a_command_is_found_by_all_of_its_words() -> None:
    line = "pytest -k 'a b' && mypy"
    assert [asked.words for asked in following(line, ("pytest", "-k", "a b"), HERE)] == [("mypy",)]
    assert following(line, ("pytest", "-k", "a", "b"), HERE) == []
    assert following(line, ("pytest",), HERE) == []


def test_where_the_line_goes_the_commands_behind_it_are(tmp_path: Path) -> None:
    top = os.path.realpath(tmp_path)
    Path(top, "web/src").mkdir(parents=True)
    Path(top, "link").symlink_to("web")

    def places(line: str) -> list[str]:
        return [f"{asked.cwd.removeprefix(top)}:{asked.words[0]}" for asked in following(line, ("first",), top)]

    assert places("cd elsewhere && first; mypy") == [":mypy"]
    assert places(f"first; cd web && tsc; cd src; eslint; cd {top}; mypy; cd ./web/../web; jest") == [
        *("/web:tsc", "/web/src:eslint", ":mypy", "/web:jest")
    ]
    for way in ("nowhere", "-", "~", "", "$X", "-P web", "web x", "link", "link/src", "web | cat", "web > log"):
        assert places(f"first; mypy; cd {way}; tsc") == [":mypy"]


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("pytest -q", True),
        ("cd /project && pytest -q", True),
        ("cd . ; set -e; git status; echo; pytest -q 2>&1 | tail -3 && (rm x)", True),
        ("timeout 9 pytest -q && rm x", True),
        ("pytest", False),
        ("pytest -q > out.txt", False),
        ("pytest -q $X", False),
        ("ruff check; pytest -q", False),
        ("cd /elsewhere && pytest -q", False),
        ("cd && pytest -q", False),
        ("cd .. && pytest -q", True),  # where the line begins is not said
        ("cd project && pytest -q", True),
        ("cd src && pytest -q", False),
        ("(pytest -q)", False),
        ("if pytest -q; then x; fi", False),
        ("", False),
    ],
)
def test_whether_a_line_begins_with_a_command(line: str, does: bool) -> None:
    assert begins_with(line, ("pytest", "-q"), HERE) is does


def test_whether_a_line_that_begins_elsewhere_goes_there() -> None:
    assert begins_with("cd .. && pytest", ("pytest",), "/project", "/project/src")
    assert not begins_with("cd .. && pytest", ("pytest",), "/project", "/project")
    assert not begins_with("pytest", ("pytest",), "/project", "/project/src")


@pytest.mark.parametrize(
    "line",
    [
        *("ls", "cat a.py b.py | head -20", "cd src && git log --oneline -5", "grep -rn 'x|y' src | sort -u | uniq -c"),
        *(
            "git diff HEAD~1 -- a.py",
            "git --no-pager -C sub show HEAD^",
            "git stash list",
            "git branch -a",
            "git remote -v",
        ),
        *("find . -name '*.py' -type f", "sed -n '10,20p' a.py", "sed -n '/foo/,/^$/p' a.py", "rg -n TODO || true"),
        *('echo "$HOME" $?', "wc -l < a.py", "cat a.py 2>/dev/null; pwd", "which ruff; command -v mypy", "ls *.py"),
        *("git rev-parse --abbrev-ref HEAD", "test -f x && [ -d y ]", "jq .scripts package.json"),
    ],
)
def test_what_only_looks_is_harmless(line: str) -> None:
    assert is_harmless(line)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "pytest",
            "",
            "rm x",
            "cat a > b",
            "cat a >> b",
            "echo x 2> y",
            "cat a | tee b",
            "cat a & ls",
            "ls; python x.py",
        ),
        *(
            "find . -delete",
            "find . -name x -exec rm {} +",
            "find . -fprint0 x",
            "find $X",
            "sed -i s/a/b/ x",
            "sed -ni p x",
        ),
        *(
            "sed p x -i",
            "sed -n 'w out' x",
            "sed '1e date' x",
            "sed s/a/b/e x",
            "sed -f x y",
            "sort -o x x",
            "sort -uo x x",
        ),
        *(
            "sort --output=x y",
            "uniq a b",
            "rg --pre ./x y",
            "git checkout x",
            "git stash",
            "git stash pop",
            "git branch x",
        ),
        *(
            "git tag v1",
            "git diff --output=x",
            "git grep -Ovi x",
            "git -c core.pager=x log",
            "git",
            "git diff --ext-diff",
        ),
        *("echo $(rm x)", "echo `rm x`", "cat <(rm x)", "ls && (rm x)", "A=1 ls", "PATH=x", "if ls; then rm x; fi"),
        *(
            "cat <<EOF\nx\nEOF",
            "command rm x",
            "eval ls",
            "ls 'x",
            "xargs rm",
            "env",
            "git worktree add x",
            "cat a >b | cat",
        ),
    ],
)
def test_what_may_do_more_is_not_harmless(line: str) -> None:
    assert not is_harmless(line)


@pytest.mark.parametrize(
    ("words", "are_fit"),
    [
        ("pytest -q", True),
        ("pytest -m live", False),
        ("pytest -m slow+and+network", False),
        ("pytest -m not+e2e+and+not+live", True),
        ("pytest -m not+(x+or+live)", False),
        ("pytest tests/integration/test_a.py", False),
        ("pytest tests/test_network.py::test_x", False),
        ("pytest -k delivery tests/alive", True),
        ("pytest --ignore=tests/e2e --deselect tests/live/test_a.py -q", True),
        ("npm run test:e2e", False),
        ("npx playwright test", False),
        ("./node_modules/.bin/cypress run", False),
        ("./gradlew integrationTest", False),
        ("cargo test -- --skip network", True),
        ("make smoke-test", False),
    ],
)
def test_suites_that_talk_to_something_are_none_to_run_ahead(words: str, are_fit: bool) -> None:
    assert suits(tuple(word.replace("+", " ") for word in words.split())) is are_fit
