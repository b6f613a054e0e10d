"""Every error of the command line says what happened, where, and what to type next."""

from __future__ import annotations

import ast
import errno
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import skillcache
from skillcache import __main__ as entrance
from skillcache.cli import output
from skillcache.cli.main import group
from skillcache.core import outcomes
from skillcache.core.outcomes import SkillcacheError, StoreError
from tests.cli.conftest import Person

PACKAGE = Path(skillcache.__file__).parent
CLICK = {"UsageError", "BadParameter", "ClickException"}
# Also says what to type: a variable for the same command again.
OTHERS = re.compile(r"SKILLCACHE_\w+=")

# Errors whose text is the whole remedy as it stands, and no command mends more: the beginning of each, and why.
COMPLETE = {
    "cli/agents.py: Messages for the agents": "no error: they arrive by themselves",
    "cli/agents.py: Waiting for the store": "no error: it goes on by itself, until Ctrl-C",
    "cli/agents.py: No message for you": "no error: there is none",
    "cli/output.py: {}: {} so far": "no error: it goes on by itself, and what ends it follows",
    "cli/sessions.py: A session that starts so": "no error: there is nothing to tell",
    "__main__.py: Stopped.": "the person has stopped it",
}
# Classes whose errors are worded far below: `__main__` completes them, or they never come there.
BELOW = {
    "BadEvent": "of a hook's input: `explain` says what to do instead",
    "BadJson": "of a place in a text: who reads the file says its name and what to do",
    "NoKeys": "its mend is the last that it is given",
    "Bypass": "a call runs: `explain` shows it",
    "ConfigError": "says where and what is allowed: doctor checks it",
    "RecursiveCall": "of the library",
    "Silent": "of the client that doctor tries, which says what to do",
    "StateConflict": "`state` says what to type, the library raises it",
    "StoreError": "`output.sentence` says its mend",
    "Undeliverable": "of the library",
    "Unplaced": "`skill propose` says what to type",
    "Unreadable": "of an entry's bytes: `entries` says what to do",
    "Untrusted": "has a mend of its own",
    "Unusable": "of a run's result, which is then not stored",
    "NotUnderstood": "of a line of a SKILL.md: who reads it says what to do",
}


def errors() -> dict[str, type[SkillcacheError]]:
    """Each class of ours by its name, wherever it is."""
    for path in PACKAGE.rglob("*.py"):
        if "(SkillcacheError" in path.read_text() or "(ConfigError" in path.read_text():
            importlib.import_module(".".join(("skillcache", *path.relative_to(PACKAGE).with_suffix("").parts)))
    found = {}
    left = [SkillcacheError]
    while left:
        each = left.pop()
        found[each.__name__] = each
        left += each.__subclasses__()
    return {name: each for name, each in found.items() if each.__module__.startswith("skillcache.")}


class Worded(NamedTuple):
    """A place in our source that words an error. text: its constant parts, `{}` for the others."""

    where: str
    line: int
    made_by: str
    text: str


class Reader:
    """Of one module: what texts are made of, as far as its source says."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.known: dict[str, ast.expr] = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("skillcache."):
                self._take(node)

    def _take(self, node: ast.ImportFrom) -> None:
        """Constants of other modules of ours that stand in texts here."""
        for alias in node.names:
            if alias.name.isupper():
                value = getattr(importlib.import_module(str(node.module)), alias.name, None)
                if isinstance(value, str):
                    self.known.setdefault(alias.asname or alias.name, ast.Constant(value))

    def text(self, node: ast.AST, deep: int = 0) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(part, deep) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.text(node.value, deep)
        if isinstance(node, ast.BinOp):
            return self.text(node.left, deep) + self.text(node.right, deep)
        if isinstance(node, ast.IfExp):  # each of its ways has to say it
            ways = [self.text(way, deep) for way in (node.body, node.orelse)]
            return min(ways, key=says_what_next)
        if isinstance(node, ast.Name) and node.id in self.known and deep < 3:
            return self.text(self.known[node.id], deep + 1)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and deep < 3:
            return self.text(self.known.get(node.value.id, node.value), deep + 1)
        if isinstance(node, ast.Dict):
            return min([self.text(value, deep) for value in node.values], key=says_what_next)
        return "{}"

    def worded(self, where: str, classes: set[str]) -> Iterator[Worded]:
        own = {  # an error that words itself
            id(node): each.name
            for each in ast.walk(self.tree)
            if isinstance(each, ast.ClassDef) and each.name in classes
            for node in ast.walk(each)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"
        }
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Call):
                continue
            if id(node) in own:
                yield Worded(where, node.lineno, own[id(node)], "".join(self.text(each) for each in node.args))
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in classes:
                yield Worded(where, node.lineno, name, "".join(self.text(each) for each in node.args))
            elif name == "echo" and any(each.arg == "err" for each in node.keywords):
                yield Worded(where, node.lineno, name, self.text(node.args[0]))


def says_what_next(text: str) -> bool:
    return entrance.with_next(text) == text or OTHERS.search(text) is not None


def all_worded() -> list[Worded]:
    classes = {*errors(), *CLICK}
    return [
        each
        for path in sorted(PACKAGE.rglob("*.py"))
        for each in Reader(ast.parse(path.read_text())).worded(str(path.relative_to(PACKAGE)), classes)
    ]


def test_each_error_that_a_command_words_says_what_to_type_next() -> None:
    found = all_worded()
    assert len(found) > 250
    known = errors()
    used = set()
    silent = []
    for each in found:
        # Of what click words itself, and of a usage, click says: Try 'skillcache ... --help'.
        if each.made_by in BELOW or each.made_by in ("UsageError", "BadParameter") or says_what_next(each.text):
            continue
        told = next((text for text in COMPLETE if f"{each.where}: {each.text}".startswith(text)), None)
        made = known.get(each.made_by)
        elsewhere = each.made_by == "echo" or (made is not None and "__init__" in vars(made))
        if told is None and not (elsewhere and each.text.removeprefix("skillcache: ").strip("{}") == ""):
            silent.append(f"{each.where}:{each.line} {each.made_by}: {each.text}")
        used.add(told)
    assert silent == []
    assert set(COMPLETE) <= used


def test_each_class_that_need_not_say_so_is_there() -> None:
    assert set(BELOW) <= set(errors())


@pytest.mark.table
@pytest.mark.parametrize("name", sorted({*errors()} - {"SkillcacheError"}))
def test_whatever_comes_to_the_end_of_the_command_line_gets_a_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Also what `BELOW` says of is completed there, once it came so far after all."""
    fault = errors()[name].__new__(errors()[name])
    Exception.__init__(fault, "it is as it is.")
    fault.outcome, fault.detail = outcomes.STORE_GARBAGE, ""  # type: ignore[attr-defined]

    def fail(**_options: object) -> int:
        raise fault

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(group, "main", fail)
    assert entrance.main([]) == output.FAILED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert says_what_next(said.strip())
    if not isinstance(fault, StoreError):
        assert said == "skillcache: it is as it is. Check with: skillcache doctor\n"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/a b"), "See whose it is: ls -ld '/a b'"),
        (OSError(errno.EROFS, "Read-only file system", "/a"), "See whose it is: ls -ld /a"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/b"), "Make room there: df -h /a"),
        (OSError(errno.EIO, "Input/output error", "/a/b"), "Check with: skillcache doctor"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "Go to one that is there: cd ~"),
        (OSError(errno.EIO, "Input/output error"), "Check with: skillcache doctor"),
    ],
)
def test_what_the_system_refuses_says_what_to_type_next(
    fault: OSError, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_options: object) -> int:
        raise fault

    monkeypatch.setattr(group, "main", fail)
    assert entrance.main([]) == output.FAILED
    place = fault.filename or ("this folder" if isinstance(fault, FileNotFoundError) else "")
    assert capsys.readouterr().err == f"skillcache: {f'{place}: ' if place else ''}{fault.strerror}. {said}\n"


USAGE = """\
Usage: skillcache {0} {1}
Try 'skillcache {0} --help' for help.

Error: {2}
"""
COMMAND, OPTIONS = "[OPTIONS] -- COMMAND...", "[OPTIONS]"


def usage(of: str, takes: str, said: str) -> tuple[int, str]:
    return output.USAGE, USAGE.format(of, takes, said)


def fails(said: str) -> tuple[int, str]:
    return output.FAILED, f"skillcache: {said}\n"


def plainly(said: str, status: int = output.FAILED) -> tuple[int, str]:
    return status, f"{said}\n"


# The commonest ones, each by itself in a home without anything, {0}; what is asked, and all that is said.
TOPICS = (
    "agents, benchmarks, configuration, install, lanes, library, outcomes, redis, results, rules, security, sessions,"
    " skills, stored-form, trust"
)
COMMON: dict[tuple[str, ...], tuple[int, str]] = {
    ("run",): usage("run", COMMAND, "give a command after --"),
    ("run", "--skill", "a b", "--", "true"): usage(
        "run", COMMAND, "Invalid value for '--skill': letters, digits, -, _ and : make a name"
    ),
    ("explain",): usage("explain", "[OPTIONS] -- COMMAND", "give a command after --, or an event with --event FILE"),
    ("explain", "echo 'a"): plainly(
        'Error: a shell would not take "\'a" as it stands: is a quote open? Quote all of it as one word, as in:'
        " skillcache explain 'cd web && npm test'",
    ),
    ("explain", "--event", "missing.json"): plainly(
        "Error: missing.json: not a hook event: [Errno 2] No such file or directory: 'missing.json'. A command needs"
        " none: skillcache explain -- COMMAND",
    ),
    ("explain", "--event", "event.json"): plainly(
        "Error: Read: calls of this tool are never answered from the cache. What is: skillcache rules",
    ),
    ("help", "stats"): usage(
        "help",
        "[OPTIONS] [TOPIC]",
        f"There is no topic 'stats'. What the command takes: skillcache stats --help. Topics: {TOPICS}.",
    ),
    ("instal",): plainly(
        "Usage: skillcache [OPTIONS] COMMAND [ARGS]...\nTry 'skillcache --help' for help.\n\n"
        "Error: No such command 'instal'.",
        output.USAGE,
    ),
    ("config", "--xml"): usage("config", OPTIONS, "No such option '--xml'."),
    ("stats", "--since", "soon"): fails(
        "--since soon: say 30min, 12h, 7d, 2w, today or a date such as 2026-01-31, as in: skillcache stats --since 7d"
    ),
    ("sessions", "show"): fails("this project has no sessions. Are they recorded? Check with: skillcache doctor"),
    ("sessions", "show", "abc"): fails(
        "no session of this project begins with abc. List them with: skillcache sessions list --all"
    ),
    ("sessions", "import", "bad.jsonl"): fails(
        "bad.jsonl, line 1: is not JSON. Write the file anew, with this version, where the session is on record:"
        " skillcache sessions export"
    ),
    ("sessions", "import", "later.jsonl"): fails(
        "later.jsonl, line 1: form 2 is not known to this version. Write the file anew, with this version, where the"
        " session is on record: skillcache sessions export"
    ),
    ("sessions", "forget"): usage("sessions forget", "[OPTIONS] [SESSIONS]...", "name sessions, or --all"),
    ("note", "remove", "x"): fails("no note of this project begins with x. List them with: skillcache note list"),
    ("entries", "show", "abc"): fails("no entry begins with abc. List them with: skillcache entries list --all"),
    ("invalidate",): usage("invalidate", OPTIONS, "say what: --skill, --tool, --rule, --project, --team or --pattern"),
    ("invalidate", "--team"): fails(
        'no team is set. Set SKILLCACHE_TEAM, or write team = "NAME" into {0}/.config/skillcache/config.toml, then:'
        " skillcache invalidate --team"
    ),
    ("invalidate", "--skill", "a*"): usage(
        "invalidate", OPTIONS, "a* is no name: for all that are like it give --pattern 'a*'"
    ),
    ("rules", "nosuch"): fails("no rule is of nosuch. List them with: skillcache rules"),
    ("send", "hi"): usage("send", "[OPTIONS] TEXT...", "say whom it is for: --to NAME, --to @TYPE or --all"),
    ("send", "--to", "bob", "hi"): fails("no agent of this project is called bob. See: skillcache agents"),
    ("state", "get", "x", "--namespace", "n"): plainly(
        "x is not set. What is: skillcache state list --namespace n",
    ),
    ("state", "set", "x", "1", "--version", "3"): fails(
        "x is not as expected: it is not set. See: skillcache state get --json x"
    ),
    ("state", "set", "", "1"): usage(
        "state", "[OPTIONS] COMMAND [ARGS]...", "a name is a text of 1 to 200 characters, not ''"
    ),
    ("skill", "check", "dir", "--", "x"): fails(
        "{0}/dir is no folder of a skill: there is no SKILL.md in it. Name one that has it, as in: skillcache skill"
        " check .claude/skills/NAME -- COMMAND"
    ),
    ("skill", "propose", "skill"): fails(
        "SKILL.md line 1: there is no frontmatter. Mend: begin it with ---, name and description. Then:"
        " skillcache skill propose {0}/skill"
    ),
    ("serve", "--off"): fails("this is for commands that Claude Code runs, such as /skillcache:off"),
    ("config",): fails(
        "{0}/.config/skillcache/config.toml: ttl cannot be 0; allowed: a whole number of seconds from 1 to 31536000."
        " Check with: skillcache doctor"
    ),
}


def test_the_commonest_errors_to_the_letter(person: Person) -> None:
    (person.home / "event.json").write_text('{"session_id": "s", "cwd": "/", "hook_event_name": "PreToolUse", '
        '"tool_name": "Read", "tool_input": {}, "tool_use_id": "t"}')  # fmt: skip
    (person.home / "bad.jsonl").write_text("{\n")
    (person.home / "later.jsonl").write_text('{"version": 2}\n')
    (person.home / "dir").mkdir()
    (person.home / "skill/scripts").mkdir(parents=True)
    (person.home / "skill/scripts/run.sh").write_text("#!/bin/sh\necho well\n")
    (person.home / "skill/SKILL.md").write_text("Run scripts/run.sh\n")
    *common, broken = COMMON
    ran = person.each(common)
    config = person.home / ".config/skillcache/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("ttl = 0\n")
    ran += person.each([broken])
    said = {words: (each.status, each.err) for words, each in zip(COMMON, ran, strict=True)}
    home = str(person.home)
    assert said == {words: (status, text.replace("{0}", home)) for words, (status, text) in COMMON.items()}
    assert {each.out for each in ran} == {""}
