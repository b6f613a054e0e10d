"""A picture of a session for the README: the real client in a terminal, drawn as one SVG that needs nothing else.

    python -m tests.benchmarks.picture [--output skillcache/docs/session.svg] [--text]

The client, skillcache, pytest, mypy and their times are real; the model's part is a script. Left out are the client's
greeting, with versions and folders, its hints between the turn and the prompt, and its mode below the status line.
"""

import argparse
import re
import shutil
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from skillcache.cli.checks.messages_api import Api, Turn, bash
from tests.conftest import until
from tests.e2e.client import find_client
from tests.e2e.conftest import lay_out_pytest
from tests.e2e.project import Place
from tests.e2e.stubs import settle, tool
from tests.e2e.terminal import TERM, Terminal
from tests.fidelity.hooks import path_of_machine
from tests.readme_tables import CHECKOUT

PICTURE = CHECKOUT / "skillcache/docs/session.svg"
_SIZE = (92, 44)
_STATUS = "skillcache status"
_PROMPT = "Check everything once more."
_CODE = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
_EDITED = _CODE.replace("sum(prices)", "sum(prices, start=0)")
_TESTS = """\
import time

import pytest

from shop.cart import total


@pytest.mark.parametrize("price", range(24))
def test_total(price: int) -> None:
    time.sleep(0.5)
    assert total([price, 1]) == price + 1
"""
_TOOK = re.compile(r" for \d+s")  # of a turn, which the client says below it
_RULE = "\N{BOX DRAWINGS LIGHT HORIZONTAL}"  # above and below the prompt
# What fonts have not, by what stands for it.
_GLYPHS = {ord("\N{DENTISTRY SYMBOL LIGHT VERTICAL AND BOTTOM RIGHT}"): "\N{BOX DRAWINGS LIGHT UP AND RIGHT}"}
# The window that rich draws, in fonts that the reader has.
_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; }}
.{unique_id}-title {{ font: 600 16px system-ui, "DejaVu Sans", sans-serif; }}
{styles}
</style>
<defs>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
_COLOURS = "0d1117 ff7b72 3fb950 d29922 79c0ff d2a8ff 56d4dd c9d1d9"
_THEME = TerminalTheme(
    (22, 27, 34), (230, 237, 243), [(each[0], each[1], each[2]) for each in map(bytes.fromhex, _COLOURS.split())]
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=PICTURE)
    parser.add_argument("--text", action="store_true", help="print the pane as text as well")
    asked = parser.parse_args()
    client = find_client()
    if client is None:
        raise SystemExit("Claude Code was not found: set SKILLCACHE_TEST_CLAUDE to its path")
    with tempfile.TemporaryDirectory(prefix="sc-") as folder:
        runtime = Path(folder) / "run"
        runtime.mkdir()
        pane = _taken(_made(Path(folder), client), runtime)
    if asked.text:
        print(Text.from_ansi(pane).plain)
    asked.output.write_text(drawn(pane))


def drawn(pane: str) -> str:
    """The lines of a terminal, with their escape sequences, as SVG."""
    with open("/dev/null", "w") as nowhere:
        console = Console(record=True, width=_SIZE[0], file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(pane), end="")
    return console.export_svg(title="Claude Code", theme=_THEME, code_format=_FRAME, unique_id="t")


def _made(root: Path, client: str) -> Place:
    """A project whose tests have passed, an edit, and the tests again."""
    place = Place(root / "place", client)
    place.make()
    shutil.rmtree(place.project)
    place.write("shop/__init__.py", "")
    place.write("shop/cart.py", _CODE)
    place.write("tests/test_cart.py", _TESTS)
    place.write("pytest.ini", "[pytest]\npythonpath = .\n")
    place.write(".gitignore", "__pycache__/\n.pytest_cache/\n.mypy_cache/\n")
    place.git("init", "--quiet")
    place.commit()
    tools = root / "tools"
    _lay_out(tools)
    for name in ("SKILLCACHE_MIN_DURATION", "SKILLCACHE_RECORD_SESSIONS"):
        del place.client.env[name]
    place.client.env["TERM"] = TERM
    place.client.env["PATH"] = f"{tools}/bin:{path_of_machine()}"
    place.skillcache("install", "--statusline")
    settle(place, permissions={"allow": ["Bash(pytest:*)", "Bash(mypy:*)"]}, viewMode="verbose")
    place.play("pytest -q", "mypy shop")
    place.write("shop/cart.py", _EDITED)
    place.play("pytest -q")
    return place


def _lay_out(tools: Path) -> None:
    """Lays out pytest and mypy in an environment with nothing else, and skillcache as a program."""
    lay_out_pytest(tools)
    packages = tools / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    for name in ("mypy", "mypy-extensions", "typing-extensions", "pathspec", "librt", "ast-serialize"):
        for file in distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                path = packages / file
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file.locate(), path)
    tool(tools / "bin/pytest", f"#!{tools}/bin/python3\nimport sys, pytest\nsys.exit(pytest.main())\n")
    tool(tools / "bin/mypy", f"#!{tools}/bin/python3\nfrom mypy.__main__ import console_entry\nconsole_entry()\n")
    tool(tools / "bin/skillcache", f'#!/bin/sh\nexec {sys.executable} -m skillcache "$@"\n')


def _taken(place: Place, runtime: Path) -> str:
    """The pane once the turn has ended, from the person's first line on."""
    script: list[Turn] = [
        "The tests hold for the code as it is; mypy has not seen the last edit.",
        bash("pytest -q"),
        bash("mypy shop"),
        "All 24 tests pass, and mypy finds nothing.",
    ]
    options = ("--permission-mode", "default")
    with Api(script) as api, Terminal(place, api, runtime, size=_SIZE, options=options) as terminal:
        until(lambda: "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}" in terminal.screen())
        terminal.press("!")
        terminal.type(_STATUS)
        until(lambda: _STATUS in terminal.screen())
        terminal.press("Enter")
        until(lambda: "not run since" in terminal.screen())
        terminal.say(_PROMPT)
        until(lambda: terminal.screen().count("1 of 2 checks") == 2)
        pane = terminal.painted().rstrip()
    lines = re.sub(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", "", pane).split("\n")  # without links and titles
    texts = [Text.from_ansi(line).plain.strip() for line in lines]
    first = next(number for number, text in enumerate(texts) if _STATUS in text)
    turn = next(number for number in reversed(range(len(texts))) if _TOOK.search(texts[number]))
    box = next(number for number in range(turn, len(texts)) if texts[number].startswith(_RULE))
    last = next(number for number in range(box, len(texts)) if "1 of 2 checks" in texts[number])
    return "\n".join([*lines[first : turn + 1], "", *lines[box : last + 1]]).translate(_GLYPHS)


if __name__ == "__main__":
    main()
