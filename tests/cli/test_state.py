"""`skillcache state`: small values shared by scripts; tests/test_shared_state.py has what the stores promise."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Person


def run(person: Person, *words: str) -> str:
    ran = person.skillcache("state", *words)
    assert (ran.status, ran.err) == (0, ""), ran
    return ran.out


def test_a_value_is_set_and_got(person: Person) -> None:
    assert run(person, "set", "stage", '{"name": "build"}') == "1\n"
    assert run(person, "get", "stage") == '{"name": "build"}\n'
    assert json.loads(run(person, "get", "--json", "stage")) == {
        "key": "stage",
        "value": {"name": "build"},
        "version": 1,
    }
    run(person, "set", "stage", "just a text")
    assert run(person, "get", "stage") == '"just a text"\n'


def test_what_is_not_set_is_said_so(person: Person) -> None:
    assert person.skillcache("state", "get", "stage") == (1, "", "stage is not set. What is: skillcache state list\n")
    assert person.skillcache("state", "delete", "stage") == (
        1,
        "",
        "stage is not set. What is: skillcache state list\n",
    )
    assert run(person, "list") == ""


def test_a_value_is_changed_only_while_it_is_the_expected_one(person: Person) -> None:
    run(person, "set", "--version", "0", "lock", "mine")
    taken = (1, "", "skillcache: lock is not as expected: it has version 1. See: skillcache state get --json lock\n")
    assert person.skillcache("state", "set", "--version", "0", "lock", "yours") == taken
    assert person.skillcache("state", "set", "--expect", '"yours"', "lock", "ours") == taken
    assert person.skillcache("state", "delete", "--version", "7", "lock") == taken
    run(person, "set", "--expect", "mine", "lock", "ours")
    run(person, "delete", "--version", "2", "lock")


def test_a_number_is_incremented(person: Person) -> None:
    assert run(person, "increment", "attempts") == "1\n"
    assert run(person, "increment", "attempts", "41") == "42\n"
    run(person, "set", "stage", "build")
    ran = person.skillcache("state", "increment", "stage")
    assert ran.status == 2
    assert ran.err.endswith("Error: stage is no whole number of 64 bits, or would be none\n")


def test_values_are_listed_by_namespace_and_team(person: Person) -> None:
    run(person, "set", "b", "1")
    run(person, "set", "a", "[2]")
    run(person, "set", "--namespace", "release", "c", "3")
    run(person, "set", "--team", "widgets", "d", "4")
    assert run(person, "list") == "a  [2]\nb  1\n"
    assert run(person, "list", "--namespace", "release") == "c  3\n"
    assert json.loads(run(person, "list", "--team", "widgets", "--json")) == [{"key": "d", "value": 4, "version": 1}]


@pytest.mark.parametrize(
    "words",
    [
        ("set", "x", "y" * 70_000),
        ("set", "--version", "1", "--expect", "1", "x", "2"),
        ("get", ""),
        ("delete", "x" * 201),
        ("increment", ""),
        ("list", "--namespace", "a:b"),
        ("get", "--team", "a:b", "x"),
        ("set", "\udcff", "1"),
        ("set", "x", "\udcff"),
    ],
)
def test_what_cannot_be_set_is_a_usage_error(person: Person, words: tuple[str, ...]) -> None:
    ran = person.skillcache("state", *words)
    assert (ran.status, "Error: " in ran.err, "Traceback" in ran.err) == (2, True, False)


def test_what_cannot_be_read_as_json_is_a_text(person: Person) -> None:
    run(person, "set", "deep", "[" * 30_000)
    assert json.loads(run(person, "get", "deep")) == "[" * 30_000
