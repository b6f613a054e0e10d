"""`skillcache help`: the reference, read where it was installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Person
from tests.readme_tables import PAGES

REFERENCE = {page.stem: page for page in PAGES[1:]}
TITLES = {topic: page.read_text().partition("\n")[0] for topic, page in REFERENCE.items()}


def test_the_topics_are_listed_with_a_line_each(person: Person) -> None:
    ran = person.skillcache("help")

    assert (ran.status, ran.err) == (0, "")
    first, blank, *lines = ran.out.splitlines()
    assert (first, blank) == ("Topics, each read with: skillcache help TOPIC", "")
    assert [f"# {re.sub('  +', ': ', line.strip(), count=1)}" for line in lines] == list(TITLES.values())
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("topic", REFERENCE)
def test_a_page_begins_with_its_topic_and_what_it_is_about(topic: str) -> None:
    assert re.fullmatch(rf"# {topic}: \w.*[^.]", TITLES[topic])


def test_a_topic_is_the_page_without_the_marks_of_its_makers(person: Person) -> None:
    written = [re.sub(r"^<!-- .* -->\n", "", page.read_text(), flags=re.MULTILINE) for page in REFERENCE.values()]

    ran = person.each([("help", topic) for topic in REFERENCE])

    assert [(each.status, each.err) for each in ran] == [(0, "")] * len(written)
    assert [each.out for each in ran] == written
    assert not any("<!--" in each.out for each in ran)


@pytest.mark.parametrize(
    ("topic", "more"),
    [("rule", ""), ("../LICENSE", ""), ("stats", " What the command takes: skillcache stats --help.")],
)
def test_an_unknown_topic_is_a_usage_error_that_names_those_there_are(person: Person, topic: str, more: str) -> None:
    ran = person.skillcache("help", topic)

    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "Usage: skillcache help [OPTIONS] [TOPIC]\nTry 'skillcache help --help' for help.\n\n"
        f"Error: There is no topic '{topic}'.{more} Topics: {', '.join(REFERENCE)}.\n"
    )


def test_it_is_read_whatever_became_of_our_folder_and_of_the_settings(person: Person, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    person.variables |= {"SKILLCACHE_HOME": str(tmp_path / "file"), "SKILLCACHE_TTL": "soon"}
    person.write_settings(b"no JSON")

    ran = person.skillcache("help", "outcomes")

    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("# outcomes: ")
