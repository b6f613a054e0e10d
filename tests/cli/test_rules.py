"""`skillcache rules`: what is replayed, and what is read of one program's words."""

from __future__ import annotations

import json

import pytest

from skillcache.cli.schemas import Explained, Rules
from skillcache.core.outcomes import Bypass
from skillcache.rules.builtin import RUNNERS, WORDS
from skillcache.rules.judge import judge
from tests.cli.conftest import Person
from tests.cli.test_config import configure

OWN = """[[rules]]
match = "Bash(make report:*)"
depends = ["docs/**"]
env = ["LANG"]

[[rules]]
match = "Bash(pytest --slow:*)"
name = "slow"
enabled = false
"""
DEPENDS = (
    "A result depends on the words of the call and its directory, the content of the project, tracked and\n"
    "untracked, its packages and configuration, the programs that run, the environment and the system,\n"
    "unless a rule of yours says less; one of the web on the call alone, for a time.\n"
)


def test_lists_every_built_in_word_by_ecosystem(person: Person) -> None:
    lines = person.skillcache("rules").out.splitlines()

    assert lines[:4] == [
        "Python",
        "  pytest                Bash(pytest:*)",
        "  py.test               Bash(pytest:*)",
        "  ruff                  Bash(ruff check:*), Bash(ruff format --check:*)",
    ]
    words = [line.split()[0] for line in lines if line.startswith("  ")]
    in_tables = [word for words in WORDS.values() for word in words.split()]
    assert sorted(words) == sorted([*in_tables, *RUNNERS, "WebFetch", "WebSearch"])
    assert lines[-3:] == [
        "the web",
        "  WebFetch              WebFetch, for 3600 seconds",
        "  WebSearch             WebSearch, for 900 seconds",
    ]


def test_says_which_may_run_ahead(person: Person) -> None:
    path = configure(person, '[[rules]]\nmatch = "Bash(pytest:*)"\nahead = true\n')
    assert person.skillcache("rules").out.splitlines()[-1] == f"  pytest  Bash(pytest:*)  (may run ahead; {path})"


def test_lists_one_s_own_rules_last_and_says_which_is_off(person: Person) -> None:
    path = configure(person, OWN)

    assert person.skillcache("rules").out.splitlines()[-4:] == [
        "",
        "Of configuration files, the first that names a call counts",
        f"  make  Bash(make report:*)  ({path})",
        f"  slow  Bash(pytest --slow:*)  (off: what it names is not replayed; {path})",
    ]


def test_explains_a_program_with_its_subcommands(person: Person) -> None:
    assert person.skillcache("rules", "ty") == (
        0,
        f"""ty: Bash(ty check:*) (Python)

ty
  harmless      --help --version

ty check
  harmless      --error-on-warning --exit-zero --exit-zero-on-warning --no-progress -q --quiet
                --force-exclude --respect-ignore-files --exclude-scripts --help --version
  with a value  --error --warn --ignore --output-format --python-version --python-platform --color
                --exclude
  of a file     --project --python --typeshed --extra-search-path --config-file
  writes        -W --add-ignore --baseline

{DEPENDS}""",
        "",
    )


def test_explains_a_rule_of_one_s_own_before_the_built_in_one_of_that_name(person: Person) -> None:
    path = configure(person, OWN)

    lines = person.skillcache("rules", "make").out.splitlines()

    assert lines[:5] == [
        f"make: Bash(make report:*) ({path})",
        "  enabled       true",
        '  depends       ["docs/**"]',
        '  env           ["LANG"]',
        "  ttl           86400",
    ]
    assert lines[6:9] == [
        "make: tasks named as a test, lint, type, format or other check (task runners)",
        "",
        "tasks of make",
    ]


def test_a_program_is_also_known_by_what_counters_call_its_rule(person: Person) -> None:
    first = person.skillcache("rules", "maven").out.splitlines()[0]
    assert first.startswith("mvn: ")


def test_what_it_says_is_harmless_is_what_is_let_through(person: Person) -> None:
    told = json.loads(person.skillcache("rules", "pytest", "--json").out)
    (program,) = told["programs"]

    for option in program["harmless"]:
        judge(("pytest", option))
    for option in (*program["writes"], *program["fresh"], *program["outside"]):
        with pytest.raises(Bypass):
            judge(("pytest", option))
    assert "-q" in program["harmless"]
    assert "PYTEST_ADDOPTS" in program["variables"]


def test_what_has_no_rule_is_one_clear_line(person: Person) -> None:
    message = "skillcache: no rule is of git. List them with: skillcache rules\n"
    assert person.skillcache("rules", "git") == (1, "", message)


def test_the_same_as_json(person: Person) -> None:
    path = configure(person, OWN)

    listed, told = (person.skillcache("rules", *name, "--json").out for name in ((), ("make",)))

    Rules.model_validate_json(listed)
    Explained.model_validate_json(told)
    assert json.loads(listed)["built_in"][0] == {"name": "pytest", "subject": "Python", "match": "Bash(pytest:*)"}
    own = {
        "name": "make",
        "match": "Bash(make report:*)",
        "origin": str(path),
        "enabled": True,
        "depends": ["docs/**"],
        "env": ["LANG"],
        "ttl": 86_400,
        "reads": [],
        "tools": [],
        "live": None,
        "ahead": None,
        "ahead_off": [],
        "adds": False,
    }
    assert json.loads(listed)["own"][0] == own
    assert json.loads(told)["own"] == [own]
    assert json.loads(told)["tasks"][0]["runner"] == "make"


def test_a_rule_that_only_adds_says_what(person: Person) -> None:
    path = configure(
        person,
        '[[rules]]\nmatch = "Bash(pytest:*)"\nreads = ["../x.json"]\ntools = ["jq"]\nlive = true\nahead = false\n',
    )

    told = person.skillcache("rules", "pytest").out

    assert told.startswith(
        f"pytest: Bash(pytest:*) ({path})\n"
        '  reads         ["../x.json"]\n  tools         ["jq"]\n  live          true\n  ahead         false\n\n'
    )
    assert json.loads(person.skillcache("rules", "pytest", "--json").out)["own"][0]["adds"]
