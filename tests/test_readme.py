"""The README, the reference and the example say what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from skillcache.cli.main import COMMANDS
from skillcache.cli.setup.entries import Edit
from skillcache.cli.setup.settings_file import add
from skillcache.commands.holding import Changed, Holds, Known
from skillcache.commands.replayed import RAN, news, read, remember, said
from skillcache.sessions.brief.standing import tell
from skillcache.sessions.text import CLOSE, OPEN
from skillcache.stores.entry import Entry
from tests.readme_tables import CHECKOUT, PAGES, README, TABLES, markers

TEXT = README.read_text()
TEXTS = {path.name: path.read_text() for path in PAGES}
ALL = "".join(TEXTS.values())
EXAMPLE = CHECKOUT / "settings.example.json"
PICTURE = CHECKOUT / "skillcache/docs/session.svg"
(DESCRIBED,) = re.findall(rf"!\[([^\]]+)\]\({PICTURE.relative_to(CHECKOUT)}\)", TEXT)  # for who cannot see it
MOST = 200  # lines: what only some need is in the reference
# Pages for people that lead to others, beside those of the reference.
MAPS = [
    CHECKOUT / name
    for name in (
        *("skillcache/README.md", "skillcache/claude/README.md", "skillcache/CHANGELOG.md"),
        *("tests/README.md", ".github/CONTRIBUTING.md"),
    )
]


def test_the_readme_is_short_and_begins_with_what_all_need() -> None:
    assert len(TEXT.splitlines()) <= MOST
    assert re.findall(r"^## (.*)$", TEXT, re.MULTILINE)[0] == "What is replayed"


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_code(name: str) -> None:
    begin, end = markers(name)

    written = ALL.partition(begin)[2].partition(end)[0]

    assert written == TABLES[name](), "write them anew: python -m tests.readme_tables"
    assert ALL.count(begin) == ALL.count(end) == 1


def test_the_example_is_what_install_writes() -> None:
    edit = Edit("/path/to/python3", "/path/to/skillcache/hooks", sessions=True)

    assert EXAMPLE.read_text() == add("", edit, "settings.example.json")


def test_every_command_is_named() -> None:
    for command in COMMANDS:
        assert f"skillcache {command}" in TEXT


def test_the_two_commands_for_a_fresh_machine_are_there() -> None:
    assert "pip install . && skillcache demo" in TEXT
    assert "pip install -e '.[test]' && pytest" in TEXT


def test_every_row_of_a_table_has_the_cells_of_its_head() -> None:
    for table in re.findall(r"(?:^\|.*\n)+", ALL, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(counts) == 1, table


def test_the_figures_of_the_readme_are_those_of_the_reference() -> None:
    (row,) = re.findall(r"^\| .* \| 0 of .* \|$", TEXT, re.MULTILINE)
    measured = TEXTS["benchmarks.md"]
    *times, wrong = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(times) == 4
    for time in times:
        assert f" {time} " in measured, time
    assert f" {wrong.removeprefix('0 of ')} | 0 | " in measured  # hits, and wrong ones


def test_the_picture_stands_on_the_first_screen_and_needs_nothing_else() -> None:
    assert DESCRIBED in TEXT.partition("\n## ")[0]
    drawing = PICTURE.read_text()
    assert re.findall(
        r"(?i)(?:https?:|data:|@import|@font-face|<script|<image|/(?:home|root|tmp|work)/)[^ ]*", drawing
    ) == ['http://www.w3.org/2000/svg"']
    assert len(drawing) < 60_000


def test_the_picture_shows_what_is_said_today(tmp_path: Path) -> None:
    """Drawn anew by `python -m tests.benchmarks.picture`."""
    rows: dict[float, str] = {}
    for text in ET.fromstring(PICTURE.read_text()).iter("{http://www.w3.org/2000/svg}text"):  # noqa: S314 - our own
        height = float(text.get("y", "0"))
        rows[height] = rows.get(height, "") + "".join(text.itertext()).replace("\N{NO-BREAK SPACE}", " ")
    shown = " ".join(" ".join(row.split()) for row in rows.values())
    (seconds,) = re.findall(r"pytest -q replayed, ([\d.]+) s saved", DESCRIBED)
    remember(str(tmp_path), "one", "pytest -q", int(float(seconds) * 1000))
    remember(str(tmp_path), "one", "mypy shop", 1_000, RAN)
    assert news(str(tmp_path), "one") in shown
    assert shown.count(said(read(str(tmp_path), "one"))) == 2  # the status line's too
    assert "`mypy shop` not run since shop/cart.py changed" in shown


def test_what_a_session_is_told_stands_on_the_first_screen_in_its_words() -> None:
    quoted = " ".join(re.findall(r"^> (.*)$", TEXT.partition("\n## ")[0], re.MULTILINE))
    entry = Entry(
        key="", names={}, status=0, meaning="", failed=False, output=b"", directory=None, relocated=False, root="",
        project="", duration=13_100, started=1, finished=1, writer={},
    )  # fmt: skip
    edited = Changed("mypy shop", "", entry, ["shop/cart.py changed"])
    told = tell(Known([Holds("pytest -q", "", entry)], [edited], seen=True), 1 + 120_000)
    assert f"{OPEN}\n{quoted}\n{CLOSE}" in told


def test_the_readme_leads_to_every_page_of_the_reference() -> None:
    for page in PAGES[1:]:
        assert f"({page.relative_to(CHECKOUT)})" in TEXT


@pytest.mark.parametrize("page", [*PAGES, *MAPS], ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        assert target.startswith("https://") or (page.parent / target).is_file(), target


def test_every_file_of_ours_that_a_text_sends_to_is_there() -> None:
    texts = [*CHECKOUT.glob("hooks/*.*"), *CHECKOUT.glob("skillcache/**/*.py"), *CHECKOUT.glob("tests/**/*.mjs")]
    sent = r"(?:see |in |as |[(])(skillcache/[a-z_/]+(?:\.\w+)?|docs/[a-z-]+\.md)"
    found = [(text, place) for text in texts for place in re.findall(sent, text.read_text())]
    assert len(found) > 8
    for text, place in found:
        assert (CHECKOUT / place).exists() or (CHECKOUT / "skillcache" / place).exists(), (text, place)
