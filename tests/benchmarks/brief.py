"""What a brief of 2,000 characters is made of: each section's characters, over sessions of our own making.

    python -m tests.benchmarks.brief [--size 2000] [--text]

The sessions are told to a journal as hooks tell them, commits are made, and the brief of a start is taken to pieces.
"""

import argparse
import tempfile
import time
from pathlib import Path

from skillcache.claude import SessionEvent
from skillcache.core import json
from skillcache.sessions.brief.compose import ASKED, Reader, compose
from skillcache.sessions.delivery import open_journal
from skillcache.sessions.journal import Question
from tests.sessions.conftest import HOUR, PROJECT, Teller, bash, edit, end, prompt, reply, start, todo
from tests.sessions.test_repository import git

_DAY = 86_400_000
_TTL = 30 * 86_400
_FOLDERS = ("src/lexer", "src/parser", "src/parser/rules", "src/cli", "tests/lexer", "tests/parser", "docs", ".github")
_NAMES = ("table", "tokens", "scan", "grammar", "errors", "index")
_FILES = [f"{folder}/{name}.py" for folder in _FOLDERS for name in _NAMES] + ["README.md", "pyproject.toml"]
_SECTIONS = {
    "The last session": "which session, and how it ended",
    "The person's prompts": "prompts",
    "Open tasks": "open tasks",
    "Tasks done": "tasks done",
    "Its checks": "checks",
    "What failed last": "what failed last",
    "Its commits": "its commits",
    "Its last reply": "its last reply",
    "Files edited": "files edited most in seven days",
    "Notes on": "notes",
    "Commits since": "commits since",
    "Running now": "sessions running now",
    "Other sessions": "other sessions",
}
_FRAME = "what stands around it"


def small() -> list[list[SessionEvent]]:
    """One session that mends one thing."""
    return [
        [
            start("fix"),
            prompt("The lexer takes a tab for two columns. Mend it and add a test.", "fix"),
            edit(_FILES[0], "fix"),
            edit("tests/lexer/scan.py", "fix"),
            bash("cd /home/somebody/widgets && pytest -q tests/lexer 2>&1 | tail -5", "fix"),
            bash("pytest -q tests/lexer", "fix", status=1, said="F\n1 failed, 41 passed in 2.31s"),
            bash("git status --short", "fix"),
            reply("The column is counted now; one test still fails because it holds the old number.", "fix"),
            end("fix"),
        ]
    ]


def feature() -> list[list[SessionEvent]]:
    """Several sessions over three days, the last of them long."""
    days = [
        [
            start(f"day{day}"),
            prompt(f"Go on with the grammar, part {day}.", f"day{day}"),
            *[edit(path, f"day{day}") for path in _FILES[day * 5 : day * 5 + 9] for _ in range(1 + day)],
            bash(f'git add -A && git commit -q -m "Read part {day} of the grammar"', f"day{day}"),
            end(f"day{day}"),
        ]
        for day in range(3)
    ]
    tasks = ("read the rules of statements", "name the token where a rule ends", "say both places in an error")
    last = [
        start("long"),
        prompt("Take the rules of statements out of the parser, one module each, and keep the errors' texts.", "long"),
        prompt("/compact", "long"),
        prompt("[Request interrupted by user]", "long"),
        prompt("Leave the old names in place for a release, with a warning; the CLI is used by others.", "long"),
        *[edit(path, "long") for path in _FILES[6:30] for _ in range(3)],
        todo(("completed", "move"), ("in_progress", tasks[0]), *[("pending", t) for t in tasks[1:]], session="long"),
        bash("ruff check src tests", "long"),
        bash("uv run mypy src", "long", status=1, said="x\nFound 2 errors in 1 file (checked 61 source files)"),
        bash("pytest -q", "long"),
        bash("make docs", "long", status=2, said="x\nmake: *** [docs] Error 2"),
        bash('git commit -q -am "Give each statement a module of its own"', "long"),
        bash("git log --oneline -5", "long"),
        reply("The statements have modules of their own, tests pass. mypy has two errors left in rules/index.", "long"),
        end("long"),
    ]  # fmt: skip
    return [*days, last]


def crowded() -> list[list[SessionEvent]]:
    """The same with long texts everywhere, as a person who writes much has them."""
    many = [todo(*[("pending", f"look after case {n}: {'the end of a rule ' * 4}") for n in range(9)], session="much")]
    much = [start("much"), prompt("Please " + "look at every rule and say what is wrong with it. " * 12, "much"), *many]
    return [*feature(), [*much, *[edit(path, "much") for path in _FILES], reply("Done. " * 200, "much"), end("much")]]


_CASES = {"a small fix": small, "three days": feature, "much of all": crowded}
_MADE = ("Read part 2 of the grammar", "Give each statement a module of its own")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2_000)
    parser.add_argument("--text", action="store_true", help="print the briefs themselves")
    given = parser.parse_args()
    briefs = {name: brief(story(), given.size) for name, story in _CASES.items()}
    if given.text:
        for name, text in briefs.items():
            print(f"{name}:\n{text}\n")
    print(table({name: measured(text) for name, text in briefs.items()}))


def brief(sessions: list[list[SessionEvent]], size: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        for path in _FILES:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("1\n")
        git(root, "init", "--quiet")
        for subject in _MADE:
            git(root, "commit", "--quiet", "--allow-empty", "-m", subject)
        now = int(time.time() * 1000)
        journal = open_journal(f"embedded:{folder}/cache/store.sqlite3", now=now / 1000)
        for ago, events in enumerate(reversed(sessions)):
            teller = Teller(now - ago * _DAY - HOUR, commit=git(root, "rev-parse", "HEAD"), branch="main")
            journal.tell(teller.lines(*events), ttl=_TTL)
        notes = ("src/parser/rules is generated: edit grammar.txt and run make tables", "CI has no network")
        for number, text in enumerate(notes):
            note = {"text": text, "at": now - 20 * number * _DAY - HOUR, "by": "somebody"}
            journal.add_note(PROJECT, str(number), json.dumps(note))
        git(root, "commit", "--quiet", "--allow-empty", "-m", "Describe the rules")
        question = Question(PROJECT, branch="main", own="new", edited=ASKED, now=now)
        history = journal.tell((), question, ttl=_TTL)
        journal.close()
        assert history is not None
        written = compose(
            "startup", history, Reader("new", str(root), "main", "box", now, {"PATH": "/usr/bin:/bin"}), size
        )
        assert written is not None
        return written.text


def measured(text: str) -> dict[str, int]:
    """Characters of each section, with the ends of its lines."""
    found: dict[str, int] = {}
    section = _FRAME
    for line in text.splitlines():
        if line.startswith("</recorded>"):
            section = _FRAME
        elif not line.startswith("- "):
            section = next((name for begins, name in _SECTIONS.items() if line.startswith(begins)), section)
        found[section] = found.get(section, 0) + len(line) + 1
    return found


def table(columns: dict[str, dict[str, int]]) -> str:
    rows = [("section", *columns)]
    for name in (_FRAME, *_SECTIONS.values()):
        counts = [column.get(name, 0) for column in columns.values()]
        if any(counts):
            rows.append((name, *(str(count) if count else "" for count in counts)))
    rows.append(("together", *(str(sum(column.values())) for column in columns.values())))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


if __name__ == "__main__":
    main()
