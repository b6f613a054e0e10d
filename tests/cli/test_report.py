"""`skillcache report`: the page as a browser, a screen reader and somebody without pygal meet it."""

from __future__ import annotations

import re
import subprocess
import zlib
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from skillcache.cli.page import PAGE
from skillcache.core import outcomes
from skillcache.core.outcomes import CHANGED_INPUTS, NO_ENTRY, REPLAYED, STORED, Outcome
from tests.cli.conftest import Person
from tests.conftest import require_program, unavailable
from tests.sessions.test_repository import git

NOON = 1_700_000_000
SINCE = ("--since", "2023-01-01")
HOSTILE = "pytest <script>alert(1)</script> & more"


class Read(HTMLParser):
    """What stands in a page: tags in their order with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data


def told(person: Person, outcome: Outcome, command: str, day: int, *, run: int = 0) -> None:
    call = ("/home/me/widgets", f"{day:08}-1111-4222-8333-444455556666", command)
    outcomes.record(str(person.cache), NOON + day * 86_400, outcome, "x", run=run, spent=50, call=call)


def require_pygal() -> None:
    """It is not imported here: it leaves a finder behind that warns of later imports."""
    if find_spec("pygal") is None:
        unavailable("pygal is not installed")


@pytest.fixture
def page(person: Person) -> str:
    require_pygal()
    person.variables["TZ"] = "UTC"
    for day in range(4):
        for command in ("pytest -q", "mypy src", HOSTILE):
            told(person, REPLAYED, command, day, run=30_000 + day)
            told(person, NO_ENTRY, command, day)
            told(person, STORED if day else CHANGED_INPUTS, command, day, run=31_000)
    ran = person.skillcache("report", *SINCE)
    assert ran == (0, f"Written to {person.cache}/report.html. Open it in a browser.\n", "")
    return (person.cache / "report.html").read_text()


def test_the_page_asks_nobody_and_runs_nothing(page: str) -> None:
    read = Read(page)
    assert {tag for tag, _ in read.tags} & {"script", "link", "img", "iframe", "object", "form", "image"} == set()
    named = {name for _, attributes in read.tags for name in attributes}
    assert not [name for name in named if name.startswith("on") or name in ("src", "xlink:href", "srcset")]
    assert [given["href"] for tag, given in read.tags if tag == "a"] == ["#content"]
    assert set(re.findall(r"https?://[^\"\s<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"url[(]|@import", page)
    assert "default-src 'none'" in page
    assert HOSTILE in read.text


def test_the_page_can_be_read_without_seeing_it(page: str) -> None:
    read = Read(page)
    tags = [tag for tag, _ in read.tags]
    assert ("html", {"lang": "en"}) in read.tags
    assert [tag for tag in tags if tag in ("h1", "h2", "h3")] == ["h1", *["h2"] * 5]
    charts = [given for tag, given in read.tags if tag == "svg"]
    assert len(charts) == 3  # nothing is known of why these ran
    assert all(given["role"] == "img" and "table" in given["aria-label"] for given in charts)
    assert tags.count("table") == tags.count("caption") == tags.count("thead") == 3
    assert all(given.get("scope") in ("col", "row") for tag, given in read.tags if tag == "th")
    assert all(
        given["tabindex"] == "0" and given["role"] == "region"
        for tag, given in read.tags
        if given.get("class") == "table"
    )


def test_the_page_says_what_was_counted(page: str) -> None:
    said = " ".join(Read(page).text.split())
    assert "12 of 24" in said
    assert "hit rate50 %" in said
    assert "2023-11-17" in said
    assert "00000003 widgets" in said
    assert "Runs wrote into what they read" in said  # three times
    assert "So it was 3 times of pytest -q, mypy src," in said


def changing(person: Person, project: Path, name: str) -> None:
    """Of four runs in a project, each but the first comes after a change of the file `name`."""
    project.mkdir()
    git(project, "init", "--quiet")
    for number in range(4):
        (project / name).write_text(f"{number}\n")
        if not number:
            git(project, "add", "-A")
            git(project, "commit", "--quiet", "-m", "first")
        person.skillcache("run", "--", "sh", "-c", "sleep 1.1", folder=project)


@pytest.mark.long
def test_what_changed_is_named_and_what_to_do_about_it(person: Person, tmp_path: Path) -> None:
    """Whatever it is called: of a name that no XML may hold the rest is drawn."""
    require_pygal()
    project = tmp_path / "project"
    changing(person, project, "a\uffff\ufffe<b>&\x0b].md")

    read = Read(person.skillcache("report", "--output", "-", folder=project).out)

    assert "a<b>& ].md changed before 3 runs" in read.text
    assert "b" not in {tag for tag, _ in read.tags}
    assert "let git ignore it" in read.text
    assert list(project.glob("*.html")) == []


def test_a_time_without_counts_says_so(person: Person) -> None:
    require_pygal()
    assert "Nothing has been counted in this time." in person.skillcache("report", "--output", "-").out
    said = person.skillcache("report").out.splitlines()
    assert (len(said), said[0]) == (2, "Nothing has been counted in this time, and the page says no more.")


def test_the_page_is_no_change_of_the_project_in_which_it_is_asked_for(person: Person, tmp_path: Path) -> None:
    require_pygal()
    person.skillcache("report", folder=tmp_path)
    assert list(tmp_path.glob("*.html")) == []
    person.skillcache("report", "--output", "mine.html", folder=tmp_path)
    assert [path.name for path in tmp_path.glob("*.html")] == ["mine.html"]


def test_days_without_a_call_stand_on_the_axis_and_words_at_the_left(person: Person) -> None:
    require_pygal()
    person.variables["TZ"] = "UTC"
    for day in (0, 9):
        told(person, REPLAYED, "pytest -q", day, run=30_000)
    page = person.skillcache("report", *SINCE, "--output", "-").out
    axis = re.findall(r">(11-\d\d)<", page)
    assert axis[0] == "11-14"
    assert len({*axis}) > 2  # though calls were on two days alone
    assert '<th scope="col" class="prose">kind</th>' in page
    assert '<th scope="col">ran</th>' in page


def test_without_its_library_it_names_the_command_that_installs_it(person: Person, tmp_path: Path) -> None:
    (tmp_path / "pygal.py").write_text("raise ImportError")
    person.variables["PYTHONPATH"] = str(tmp_path)
    ran = person.skillcache("report")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        "skillcache: the page's charts are drawn by pygal, which is not installed. Install it with: pip install pygal\n"
    )


Colour = tuple[int, int, int]


def schemes() -> list[dict[str, Colour]]:
    """The colours of light and dark, by name."""
    found = []
    for block in re.findall(r":root \{\{(.*?)\}\}", PAGE, re.DOTALL):
        named = re.findall(r"--(\w+): #(\w{6})", block)
        found.append({name: (int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16)) for name, text in named})
    return found


def luminance(colour: Colour) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark"])
def test_colours_stand_out(scheme: dict[str, Colour]) -> None:
    """By WCAG 2: 4.5 for text, 3 for what is drawn."""
    for one, other, least in (
        ("ink", "paper", 7), ("ink", "panel", 7), ("soft", "paper", 4.5), ("soft", "panel", 4.5),
        ("one", "paper", 3), ("two", "paper", 3), ("focus", "paper", 3),
    ):  # fmt: skip
        lighter, darker = sorted((luminance(scheme[one]), luminance(scheme[other])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= least, (one, other)


@pytest.mark.parametrize(("scheme", "number"), [(0, 1), (1, 0)], ids=["light", "dark"])
def test_a_browser_draws_it_in_the_reader_s_scheme(
    page: str, person: Person, tmp_path: Path, scheme: int, number: int
) -> None:
    """`number`: of the scheme for Chromium."""
    chromium = require_program("chromium")
    assert page
    picture = tmp_path / "page.png"
    subprocess.run(
        [
            *(
                chromium,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
            ),
            *(f"--user-data-dir={tmp_path}/browser", "--window-size=1300,1600", f"--screenshot={picture}"),
            *(f"--blink-settings=preferredColorScheme={number}", f"file://{person.cache}/report.html"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
        env={**person.variables, "HOME": str(tmp_path)},
    )
    drawn = colours(picture.read_bytes())
    wanted = schemes()[scheme]
    assert max(drawn, key=lambda colour: drawn[colour]) == wanted["paper"]
    assert drawn[wanted["one"]] > 10_000  # bars
    assert drawn[wanted["two"]] > 1_000


def colours(png: bytes) -> dict[Colour, int]:
    """How many pixels have which colour; of a picture as Chromium writes it, 8 bits, not interlaced."""
    place, data = 8, b""
    width = depth = 0
    while place < len(png):
        length, kind = int.from_bytes(png[place : place + 4], "big"), png[place + 4 : place + 8]
        content = png[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, depth = int.from_bytes(content[:4], "big"), {2: 3, 6: 4}[content[9]]
        data += content if kind == b"IDAT" else b""
        place += 12 + length
    raw, size = zlib.decompress(data), width * depth
    before, found = bytearray(size), dict[Colour, int]()
    for start in range(0, len(raw), size + 1):
        line = bytearray(raw[start + 1 : start + 1 + size])
        unfilter(raw[start], line, before, depth)
        for at in range(0, size, depth):
            colour = (line[at], line[at + 1], line[at + 2])
            found[colour] = found.get(colour, 0) + 1
        before = line
    return found


def unfilter(kind: int, line: bytearray, before: bytearray, depth: int) -> None:
    for at in range(len(line)) if kind else ():
        left = line[at - depth] if at >= depth else 0
        up, corner = before[at], before[at - depth] if at >= depth else 0
        if kind == 4:
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        else:
            near = {1: left, 2: up, 3: (left + up) // 2}[kind]
        line[at] = (line[at] + near) & 255
