"""Skills in the real client: the one that ships with us, and scripts whose results and files are replayed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from skillcache.cli.checks.messages_api import ToolCall
from skillcache.core.paths import package_folder
from tests.e2e.project import Place, after

DECLARED = """\
---
name: report
description: Writes a report on a table.
metadata:
  skillcache:
    ttl: 3600
    outputs: [report.txt, "out/*.csv"]
---
# Reports

Run `scripts/report.py TABLE`.
"""
SCRIPT = """\
#!/usr/bin/env python3
import os, sys
with open(os.environ["E2E_LOG"], "a") as runs:
    runs.write("report\\n")
text = open(sys.argv[1]).read()
os.makedirs("out", exist_ok=True)
with open("out/table.csv", "w") as out:
    out.write(text.upper())
with open("report.txt", "w") as out:
    out.write("it's a report on " + text)
os.chmod("report.txt", 0o640)
print("wrote a report on", len(text), "characters")
"""
LINE = "python3 ~/.claude/skills/report/scripts/report.py table.csv"


def add_skill(place: Place, folder: Path) -> None:
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text(DECLARED)
    (folder / "scripts/report.py").write_text(SCRIPT)
    place.write("table.csv", "a,b\n")


def test_the_skill_that_ships_is_launched_by_the_client(place: Place) -> None:
    place.skillcache("install", "--skill")
    session = place.play(ToolCall("Skill", {"skill": "redis-cache"}), "skillcache stats")
    listed = "".join(session.requests[0].notes()) + str(session.requests[0].body.get("system"))
    assert "redis-cache" in listed
    told = "\n".join([*session.requests[1].notes(), session.texts[0]])
    text = (
        Path(package_folder(), "cli/setup/skills/redis-cache/SKILL.md")
        .read_text()
        .partition("---\n")[2]
        .partition("---\n")[2]
    )
    assert text.strip() in told
    assert not session.results[0].is_error


def test_a_script_of_a_skill_is_replayed_and_its_files_are_put_back(place: Place) -> None:
    folder = place.home / ".claude/skills/report"
    add_skill(place, folder)
    report, table = place.project / "report.txt", place.project / "out/table.csv"

    def remove() -> None:
        report.unlink()
        table.unlink()

    session = place.play(LINE, after(remove, LINE))
    assert place.outcomes() == ["no_entry", "stored", "replayed"]
    assert place.count() == 1
    fresh, replayed = session.results
    assert fresh.text == "wrote a report on 4 characters"
    assert (replayed.text, replayed.is_error) == (fresh.text, False)
    # To the client the same files were edited.
    edited = [[file["filePath"] for file in each.structured["bashEditDiff"]["files"]] for each in (fresh, replayed)]
    assert edited == [[str(table), str(report)]] * 2
    assert (report.read_text(), stat.S_IMODE(report.stat().st_mode)) == ("it's a report on a,b\n", 0o640)
    assert table.read_text() == "A,B\n"

    # The model still sees the words that it wrote.
    *_, call, _result = session.requests[-1].messages
    assert call["content"][0]["input"]["command"] == LINE


def test_files_are_put_back_only_where_the_client_lets_the_script_run(place: Place) -> None:
    add_skill(place, place.home / ".claude/skills/report")
    fresh = place.play(LINE)
    written = place.project / "report.txt"
    script = "Bash(python3 ~/.claude/skills/report/*)"
    settings = place.home / "settings.json"  # above the project it would be an input
    for mode, rules, is_replayed in (
        ("default", {}, False),
        ("default", {"deny": [script]}, False),
        ("dontAsk", {"allow": [script]}, True),
        ("acceptEdits", {}, False),
    ):
        written.unlink(missing_ok=True)
        settings.write_text(json.dumps({"permissions": rules}))
        before = place.replayed()
        session = place.play(LINE, mode=mode, settings=settings)
        replayed = place.replayed() - before
        assert (mode, rules, replayed, written.exists()) == (mode, rules, is_replayed, is_replayed)
        assert session.results[0].is_error is not is_replayed
        assert not is_replayed or session.texts == fresh.texts
    assert place.count() == 1


def test_a_project_s_skill_started_by_its_own_name_is_replayed_in_every_form(place: Place) -> None:
    folder = place.project / ".claude/skills/report"
    add_skill(place, folder)
    (folder / "scripts/report.py").chmod(0o755)
    lines = [
        ".claude/skills/report/scripts/report.py table.csv",
        f"{folder}/scripts/report.py table.csv | head -5",
        "cd sub && ../.claude/skills/report/scripts/report.py ../table.csv && cd ..",
    ]
    session = place.play(*[line for line in lines for _ in range(2)])
    assert place.count() == len(lines), place.outcomes()
    assert {result.text for result in session.results} == {"wrote a report on 4 characters"}


def test_a_skill_of_a_plugin_is_known_by_the_plugin_s_name(place: Place) -> None:
    plugin = place.root / "docs-plugin"
    add_skill(place, plugin / "skills/report")
    (plugin / ".claude-plugin").mkdir()
    (plugin / ".claude-plugin/plugin.json").write_text('{"name": "docs"}')
    line = f"python3 {plugin}/skills/report/scripts/report.py table.csv"
    session = place.play(ToolCall("Skill", {"skill": "docs:report"}), line, line, plugin=plugin)
    assert not session.results[0].is_error, session.texts[0]
    assert place.count() == 1, place.outcomes()
    assert "docs:report" in place.skillcache("entries", "list")


def test_a_script_that_writes_more_than_it_declares_runs_every_time(place: Place) -> None:
    folder = place.home / ".claude/skills/report"
    add_skill(place, folder)
    (folder / "scripts/report.py").write_text(SCRIPT + 'open("more.txt", "w").write(str(os.getpid()))\n')
    place.play(LINE, LINE)
    assert place.count() == 2
    assert place.outcomes() == ["no_entry", "undeclared"] * 2
