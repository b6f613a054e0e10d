"""`skillcache explain` says which rule, which key and what differs, from the calls that make the key."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skillcache.cache.put import person
from tests.cli.conftest import Person, Ran
from tests.events.conftest import Place
from tests.events.test_forged_entries import forge


class Asker(Person):
    """The person of a project through which calls have gone."""

    def __init__(self, place: Place) -> None:
        super().__init__(Path(place.environ["HOME"]))
        self.place = place

    def explain(self, *arguments: str) -> Ran:
        self.variables = dict(self.place.environ)
        return self.skillcache("explain", *arguments, folder=self.place.root)

    def whole(self, *arguments: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.explain("--json", *arguments).out)
        return answer

    def json(self, *arguments: str) -> dict[str, Any]:
        """Of the first command."""
        answer: dict[str, Any] = self.whole(*arguments)["commands"][0]
        return answer

    def shell(self, text: str) -> str:
        """What bash prints whose commands are answered."""
        tools = f'skillcache() {{ {sys.executable} -m skillcache "$@"; }}; real=$(dirname "$(command -v pytest)")'
        done = subprocess.run(
            ["bash", "-c", f'{tools}; eval "$(skillcache shellenv)"; {text}'],
            cwd=self.place.root,
            env=self.place.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout

    def run(self, line: str) -> None:
        self.place.call(line)


@pytest.fixture
def asker(tmp_path: Path) -> Asker:
    place = Place(tmp_path)
    place.environ["SKILLCACHE_MIN_DURATION"] = "0"
    return Asker(place)


def test_a_hit_names_its_rule_its_entry_and_every_part_of_its_key(asker: Asker) -> None:
    asker.run("pytest -q")
    ran = asker.explain("--", "pytest", "-q")
    assert ran.status == 0
    short = ran.out.splitlines()
    assert short[:2] == ["hit  replayed: served from the cache", "command  pytest -q  (rule pytest)"]
    assert short[2].startswith("entry    recorded ")
    assert len(short) == 3

    lines = asker.explain("-v", "--", "pytest", "-q").out.splitlines()
    assert lines[:2] == short[:2]
    assert lines[2] == (
        "shim     not in this shell, where no folder of shims is on PATH: the Bash calls of a session have one from its"
        ' start, a terminal after eval "$(skillcache shellenv)"'
    )
    assert lines[3].startswith("entry    recorded ")
    assert " exit status 0, " in lines[3]
    assert {"  tool: Bash", '  command: ["pytest","-q"]', "  directory: ", "  streams: joined"} <= set(lines)
    assert any(line.startswith("  env LANG: ") for line in lines)
    assert any(line.startswith("  tool pytest: ") for line in lines)
    assert any(line.startswith("  content: ") for line in lines)


def test_a_miss_without_any_entry_says_so(asker: Asker) -> None:
    out = asker.explain("--", "pytest", "-q").out
    assert out.startswith("miss  no_entry: nothing stored for this call on these inputs\n")
    assert out.endswith("\nentry    none of this command in this directory is stored\n")


def test_in_a_shell_with_the_preamble_it_says_which_shim_is_reached(asker: Asker) -> None:
    explain = "skillcache explain -v --"
    asked = f"{explain} pytest; {explain} .venv/bin/pytest; PATH=$real:$PATH; {explain} pytest"
    shims = [line for line in asker.shell(asked).splitlines() if line.startswith("shim ")]
    assert re.fullmatch(r"shim     reached: /.*/shims/[0-9a-f]{16}/pytest", shims[0])
    assert shims[1].startswith("shim     not reached: no function of the preamble is for this path;")
    assert shims[2].startswith("shim     not reached: PATH finds /")


MADE_UP: dict[str, dict[str, object]] = {
    "a commit that is an option": {"details": {"head": "--output=KEPT"}},
    "a commit that is none": {"details": {"head": ["x"], "overlay": [[1], "x", ["a", {}, 2]], "cut": 3}},
    "lists that are none": {"details": {"head": 1, "overlay": 3, "ignored": [1], "packages": 4}},
    "packages that are none": {"details": {"packages": {"{root}/.venv/": {"a": 1}}}},
    "words for the terminal": {
        "writer": {"user": "\x1b[2J", "host": "\x9b\u202e\r\nok", "uid": "UID", "machine": "MACHINE"},
        "details": {"head": "HEAD", "overlay": [["\x1b]0;x\x07\n\u2066", "100644", "0" * 40]]},
    },
    "a key that is none": {"key": "[1,3]"},
}


@pytest.mark.table
@pytest.mark.parametrize("name", MADE_UP)
def test_an_entry_that_somebody_made_up_is_data(asker: Asker, name: str) -> None:
    kept = asker.place.base / "kept"
    kept.write_text("kept")
    asker.place.call("pytest -q")
    uid, machine = person().split(".")
    words = ("git", "-C", str(asker.place.root), "rev-parse", "HEAD")
    head = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    changes = json.dumps(MADE_UP[name])
    for word, value in {
        "KEPT": str(kept), "HEAD": head, "UID": uid, "MACHINE": machine
    }.items():  # fmt: skip
        changes = changes.replace(word, value)
    forge(asker.place, json.loads(changes))
    served = asker.explain("pytest -q")
    (asker.place.root / "\x1b[31mnew").write_text("x")

    for ran in (served, asker.explain("pytest -q")):
        assert ran.status == 0, ran.err
        assert all(char == "\n" or char.isprintable() for char in ran.out), ascii(ran.out)
        assert "\nok" not in ran.out
    assert kept.read_text() == "kept"


@pytest.mark.table
@pytest.mark.parametrize(
    ("line", "understood"),
    [
        ("cd sub && pytest -q 2>&1 | tail -5", ["pytest -q", "tail -5"]),
        ("pytest -k 'a b' > out.txt; ls", ["pytest -k a b", "ls"]),
        ("for i in 1 2; do CI=1 pytest -q; done", ["pytest -q"]),
        ("echo $(pytest -q)", ["echo $", "pytest -q"]),
        ("pytest -q # fresh", ["pytest -q"]),
    ],
)
def test_a_line_is_explained_command_by_command(asker: Asker, line: str, understood: list[str]) -> None:
    whole = asker.whole(line)
    assert [each["command"] for each in whole["commands"]] == understood
    assert whole["line"] == line
    assert f"line     understood as: {'; '.join(understood)}\n" in asker.explain(line).out


def test_a_line_says_where_a_command_runs_and_how_its_streams_lie(asker: Asker) -> None:
    def rows(line: str) -> set[tuple[str, ...]]:
        return {tuple(row) for row in asker.json(line)["key"]["rows"]}

    assert {("directory", "", "sub"), ("streams", "", "joined")} <= rows("cd sub && pytest -q 2>&1 | tail")
    assert ("streams", "", "apart") in rows("pytest -q | tail")
    assert ("streams", "", "apart") in rows("pytest -q 2>/dev/null")
    assert ("streams", "", "joined") in rows("pytest -q &> out")


@pytest.mark.parametrize("line", ["pytest -q # fresh", "SKILLCACHE_FRESH=1 pytest -q"])
def test_a_wish_for_a_fresh_run_is_heard(asker: Asker, line: str) -> None:
    asker.run("pytest -q")
    assert asker.json(line)["outcome"] == "fresh"


def test_a_quote_that_is_open_is_no_line(asker: Asker) -> None:
    ran = asker.explain("pytest -k 'a")
    assert (ran.status, ran.out) == (1, "")
    assert 'a shell would not take "\'a" as it stands: is a quote open? Quote all' in ran.err


def test_a_rule_of_a_whole_line_is_told_with_what_to_write_instead(asker: Asker) -> None:
    asker.place.settings('[[rules]]\nmatch = "Bash(cd sub && ./report x | tail:*)"\n')
    out = asker.explain("cd sub && ./report x | tail -3").out
    assert (
        "rule     Bash(cd sub && ./report x | tail:*) is of a whole line, and a rule names one command by its words:"
        ' this one names none; write "Bash(./report x)" instead\n'
    ) in out
    assert asker.explain("--", "ls").out == "bypass  no_rule: no rule names this call\ncommand  ls\n"


def test_a_miss_names_the_changed_file(asker: Asker) -> None:
    asker.run("pytest -q")
    (asker.place.root / "app.py").write_text("something else\n")
    (asker.place.root / "brand_new.py").write_text("x\n")
    assert asker.json("pytest -q")["changes"] == ["app.py changed", "brand_new.py is new"]
    said = asker.explain("--", "pytest", "-q").out
    assert "           app.py changed\n" in said
    assert "more: " not in said
    for name in "abc":
        (asker.place.root / f"{name}.py").write_text("x\n")
    said = asker.explain("--", "pytest", "-q").out
    assert said.splitlines()[3:] == [
        "           a.py is new",
        "           app.py changed",
        "           and 3 more: skillcache explain -v",
    ]
    assert "           c.py is new\n" in asker.explain("-v", "--", "pytest", "-q").out


def test_a_miss_names_the_variable_and_the_package(asker: Asker) -> None:
    site = asker.place.root / ".venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (asker.place.root / ".venv/pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n")
    asker.run("pytest -q")
    asker.place.environ["PYTEST_ADDOPTS"] = "-x"
    (site / "attrs-25.1.dist-info").mkdir()
    assert set(asker.json("pytest -q")["changes"]) == {
        "the variable PYTEST_ADDOPTS was not there",
        "attrs-25.1 is new in {root}/.venv/",
    }


@pytest.mark.parametrize(
    ("line", "outcome"),
    [("ls -la", "no_rule"), ("pytest --lf", "command_fresh"), ("ruff check --fix .", "command_writes")],
)
def test_a_bypass_says_why(asker: Asker, line: str, outcome: str) -> None:
    explained = asker.json(line)
    assert (explained["outcome"], explained["class"], explained["key"]) == (outcome, "bypass", None)


def test_nothing_is_counted_stored_or_run(asker: Asker) -> None:
    def kept() -> dict[Path, int]:
        """But for what is remembered of folders that had just changed when they were last looked at."""
        found = [path for path in asker.place.cache.rglob("*") if "mentions" not in path.parts]
        return {path: path.stat().st_mtime_ns for path in found}

    asker.place.environ["PYTHONUTF8"] = "1"  # with which an interpreter is started, and closes its store as it ends
    asker.run("pytest -q")
    before = kept()
    asker.explain("--", "pytest", "-q")
    asker.explain("pytest -x | tail")
    assert kept() == before


def test_an_event_file_is_explained_like_its_command(asker: Asker) -> None:
    path = asker.home / "event.json"
    path.write_text(json.dumps(asker.place.before("Bash", {"command": "pytest -q"})))
    assert asker.json("--event", str(path)) == asker.json("pytest -q")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a command after --, or an event with --event FILE"),
        (("--event", "missing.json"), "Error: missing.json: not a hook event: "),
        (("--event", "a", "pytest"), "give a command after --, or an event with --event FILE"),
    ],
)
def test_bad_arguments_get_one_clear_line(asker: Asker, arguments: tuple[str, ...], message: str) -> None:
    ran = asker.explain(*arguments)
    assert ran.status != 0
    assert message in ran.err


def test_a_store_that_is_down_is_said(asker: Asker) -> None:
    asker.place.environ["SKILLCACHE_REDIS_URL"] = "redis://:hunter2@127.0.0.1:1/0"
    ran = asker.explain("pytest -q")
    assert ran.status == 1
    assert "could not be reached" in ran.err
    assert "hunter2" not in ran.err + ran.out
