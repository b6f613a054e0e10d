"""`skillcache explain` says which rule, which key and what differs, from the calls that make the key."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Person, Ran
from tests.handlers.conftest import Place


class Asker(Person):
    """The person of a project through which calls have gone."""

    def __init__(self, place: Place) -> None:
        super().__init__(Path(place.environ["HOME"]))
        self.place = place

    def explain(self, *arguments: str) -> Ran:
        self.variables = dict(self.place.environ)
        return self.skillcache("explain", *arguments, folder=self.place.root)

    def json(self, *arguments: str) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.explain("--json", *arguments).out)
        return answer

    def add_tool(self, name: str) -> None:
        path = self.place.base / "bin" / name
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)


@pytest.fixture
def asker(tmp_path: Path) -> Asker:
    return Asker(Place(tmp_path))


def test_a_hit_names_its_rule_its_entry_and_every_part_of_its_key(asker: Asker) -> None:
    asker.place.call("pytest -q")
    ran = asker.explain("--", "pytest", "-q")
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert lines[:3] == ["hit  replayed: served from the cache", "command  pytest -q", "rules    pytest"]
    assert lines[3].startswith("entry    recorded ")
    size = len(asker.place.run("pytest -q").text)
    assert lines[3].endswith(f" exit status 0, {size} bytes, a run of 2.0 s")
    assert {"  tool: Bash", "  command: pytest -q", "  directory: ", "  sandbox: on", "  depends: everything"} <= set(
        lines
    )
    assert any(line.startswith("  env LANG: ") for line in lines)
    assert any(line.startswith("  tool pytest: ") for line in lines)
    assert any(line.startswith("  content: ") for line in lines)


def test_a_miss_without_any_entry_says_so(asker: Asker) -> None:
    out = asker.explain("pytest -q").out
    assert out.startswith("miss  no_entry: nothing stored for this call on these inputs\n")
    assert "No entry of this command in this directory is stored." in out


def test_a_line_that_starts_no_hook_is_said_to_run(asker: Asker) -> None:
    asker.add_tool("flake8")
    unheard = "\nhooks    not started, so it runs: none of their words is in the line."
    assert unheard in asker.explain("flake8 app.py").out
    assert asker.json("flake8 app.py")["starts_hooks"] is False
    for heard in ("flake8 tests", "pytest -q", "./report"):
        assert unheard not in asker.explain(heard).out
        assert asker.json(heard)["starts_hooks"] is True
    asker.place.settings('[[rules]]\nmatch = "Bash(flake8:*)"\n')
    assert asker.json("flake8 app.py")["starts_hooks"] is True


def test_the_plugin_hears_every_line(asker: Asker) -> None:
    asker.add_tool("flake8")
    asker.place.claude_settings(enabledPlugins={"skillcache@skillcache": True})
    assert asker.json("flake8 app.py")["starts_hooks"] is True


def test_a_miss_names_the_changed_file(asker: Asker) -> None:
    asker.place.call("pytest -q")
    (asker.place.root / "app.py").write_text("something else\n")
    (asker.place.root / "brand_new.py").write_text("x\n")
    assert asker.json("pytest -q")["changes"] == ["app.py changed", "brand_new.py is new"]
    assert "  app.py changed\n" in asker.explain("pytest -q").out


def test_a_miss_names_the_file_that_a_commit_changed(asker: Asker) -> None:
    asker.place.call("pytest -q")
    (asker.place.root / "sub/mod.py").write_text("something else\n")
    asker.place.git("commit", "-qam", "another")
    assert asker.json("pytest -q")["changes"] == ["sub/mod.py changed"]


def test_a_miss_names_the_variable(asker: Asker) -> None:
    asker.place.call("pytest -q")
    asker.place.environ["PYTEST_ADDOPTS"] = "-x"
    assert asker.json("pytest -q")["changes"] == ["the variable PYTEST_ADDOPTS was not there"]


def test_a_miss_names_the_package(asker: Asker) -> None:
    asker.place.call("pytest -q")
    site = asker.place.root / ".venv/lib/python3.11/site-packages"
    (site / "attrs-25.1.dist-info").mkdir()
    assert asker.json("pytest -q")["changes"] == ["attrs-25.1 is new in {root}/.venv/"]


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("ls -la", "no_rule"),
        ("pytest > out.txt", "shell_writes"),
        ("pytest --lf", "command_fresh"),
        ("ruff check --fix .", "command_writes"),
        ("pytest && rm -rf build", "other_command"),
        ("pytest $(cat list)", "shell_expansion"),
    ],
)
def test_a_bypass_says_why(asker: Asker, line: str, outcome: str) -> None:
    explained = asker.json(line)
    assert (explained["outcome"], explained["class"], explained["key"]) == (outcome, "bypass", None)


def test_a_deny_rule_is_named(asker: Asker) -> None:
    asker.place.call("pytest -q")
    asker.place.claude_settings(permissions={"deny": ["Bash(pytest:*)"]})
    assert asker.json("pytest -q")["outcome"] == "deny_rule"


def test_nothing_is_counted_stored_or_run(asker: Asker) -> None:
    asker.place.call("pytest -q")
    before = {path: path.stat().st_mtime_ns for path in asker.place.cache.rglob("*")}
    asker.explain("pytest -q")
    asker.explain("pytest -x")
    assert {path: path.stat().st_mtime_ns for path in asker.place.cache.rglob("*")} == before


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
