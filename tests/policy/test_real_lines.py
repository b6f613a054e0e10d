"""Every line of a collection that agents really ran, where it stands beside the checkout."""

import json
from collections import Counter
from pathlib import Path

import pytest

from skillcache.errors import Bypass
from skillcache.policy import first_look, judge
from skillcache.shell import read

LINES = Path(__file__).resolve().parents[3] / "shared" / "commands.jsonl"
pytestmark = pytest.mark.skipif(not LINES.exists(), reason="no ../shared/commands.jsonl beside the checkout")

# A crude check that shares nothing with the judge: words that no replayable line may hold outside quotes.
WRITING = """rm mv cp mkdir touch chmod chown ln tee dd install git curl wget kill docker kubectl sudo ssh gh brew apt
pip xargs eval source python3 perl tar zip unzip build publish deploy release --fix --write -w --update --updateSnapshot
--in-place""".split()  # noqa: SIM905 - read as a list


def bare_words(line: str) -> set[str]:
    """Blank-separated words after everything in quotes is cut out."""
    kept: list[str] = []
    quote = ""
    for character in line:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            kept.append(character)
    return set("".join(kept).replace(";", " ").replace("|", " ").replace("(", " ").replace(")", " ").split())


def outcomes() -> list[tuple[str, str]]:
    judged = []
    for row in LINES.read_text().splitlines():
        line = json.loads(row)
        try:
            judge(read(line))
        except Bypass as bypass:
            judged.append((bypass.outcome.name, line))
        else:
            judged.append(("replayable", line))
    return judged


def test_no_line_with_a_writing_word_is_replayable() -> None:
    for outcome, line in outcomes():
        if outcome == "replayable":
            found = bare_words(line).intersection(WRITING)
            assert not found, line
            assert ">" not in "".join(bare_words(line)).replace("2>&1", "").replace(">/dev/null", ""), line


def test_the_first_look_misses_no_replayable_line() -> None:
    assert [line for outcome, line in outcomes() if outcome == "replayable" and not first_look(line)] == []


def test_a_third_of_the_lines_is_replayable(capsys: pytest.CaptureFixture[str]) -> None:
    judged = outcomes()
    shares = Counter(outcome for outcome, _ in judged)
    with capsys.disabled():
        print()  # noqa: T201 - the shares are what this run is for
        for outcome, count in shares.most_common():
            print(f"{outcome:18} {count:5} {count / len(judged):6.1%}")  # noqa: T201
    assert shares["replayable"] > len(judged) / 3
