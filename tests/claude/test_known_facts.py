"""What is written down about the client leads to the code that relies on it and to the test that would notice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import skillcache
from tests.e2e.client import EARLIER_VERSION, OLD_VERSION, VERSION

PACKAGE = Path(skillcache.__file__).parent
CHECKOUT = PACKAGE.parent
TEXT = (PACKAGE / "claude/README.md").read_text()
FACTS = [row for row in re.findall(r"^\| (.*) \| (.*) \| (.*) \|$", TEXT, re.MULTILINE) if row[0] != "fact"]
PROBES = ("claude/tool_probe.py", "tools/probe.py")
MOST = 80  # lines


def test_it_is_short_and_each_fact_stands_once() -> None:
    assert len(TEXT.splitlines()) <= MOST
    assert len({fact for fact, _, _ in FACTS}) == len(FACTS) > 20


@pytest.mark.parametrize(("relied", "noticed"), [row[1:] for row in FACTS], ids=range(len(FACTS)))
def test_every_place_and_every_test_that_is_named_is_there(relied: str, noticed: str) -> None:
    places = re.findall(r"`([^`]+)`", relied)
    tests = re.findall(r"`(tests/[^`]+)`", noticed)
    assert places
    assert tests
    for place in places:
        assert (CHECKOUT / place if place.startswith("hooks/") else PACKAGE / place).exists(), place
    for test in tests:
        assert re.search(r"^def test_", (CHECKOUT / test).read_text(), re.MULTILINE), test


def test_the_versions_are_those_that_the_tests_drive() -> None:
    known = {VERSION, EARLIER_VERSION, OLD_VERSION}
    first_of = {"2.1.326"}  # from which the client has what the plugin needs
    assert set(re.findall(r"\d+\.\d+\.\d+", TEXT)) <= known | first_of


def test_what_asks_the_client_again_is_there() -> None:
    for probe in PROBES:
        assert f"tests.{probe.removesuffix('.py').replace('/', '.')}" in TEXT
        assert (CHECKOUT / "tests" / probe).is_file()
