from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.setup.entries import (
    COMMAND_ENTRIES,
    DELIVERING,
    EVENTS,
    SESSION_ENTRIES,
    WEB,
    Started,
    is_ours,
    started_by,
)
from skillcache.cli.setup.settings_file import note, present_interpreter
from tests.cli.conftest import Person

CHECK = "Check with: skillcache doctor. Take out with: skillcache uninstall"
OTHERS = b"""{
    "model": "opus",
    "hooks": {
        "PreToolUse": [
            {"matcher": "Write", "hooks": [{"type": "command", "command": "guard.sh"}]}
        ],
        "Notification": []
    },
    "permissions": {"allow": ["Bash(ls)"]}
}"""


def entries(path: Path) -> list[tuple[str, dict[str, Any]]]:
    hooks = json.loads(path.read_text())["hooks"]
    return [
        (event, handler)
        for event, groups in hooks.items()
        for group in groups
        for handler in group["hooks"]
        if is_ours(handler)
    ]


def started(handler: dict[str, Any]) -> Started:
    found = started_by(handler)
    assert found is not None
    return found


def script(handler: dict[str, Any]) -> Path:
    return Path(started(handler).script)


def test_a_fresh_install_names_this_python_and_a_script_for_each_event(person: Person) -> None:
    ran = person.skillcache("install")

    said = f"{person.settings} now has the hooks: sessions use them from their start, so restart those that run.\n"
    assert ran == (0, f"{said}{note(person.variables)}{CHECK}\n", "")
    found = entries(person.settings)
    assert {started(handler).interpreter for _, handler in found} == {present_interpreter()}
    assert all(script(handler).is_file() for _, handler in found)
    assert {name for _, handler in found for name in handler} == {"type", "command", "timeout", "async"}
    assert {handler["timeout"] for _, handler in found} == {10}
    web = [(event, script(handler).name) for event, handler in found if script(handler).name in EVENTS.values()]
    assert web == list(EVENTS.items())
    others = [(event, handler) for event, handler in found if script(handler).name not in EVENTS.values()]
    assert sorted((event, script(handler).name, "async" not in handler) for event, handler in others) == sorted(
        (event, script, waits) for event, _, script, waits in (*COMMAND_ENTRIES, *SESSION_ENTRIES)
    )
    assert len(found) == 14


def test_an_install_without_sessions_records_none_and_answers_commands(person: Person) -> None:
    person.variables["SKILLCACHE_RECORD_SESSIONS"] = "0"
    person.skillcache("install")
    found = [(event, script(handler).name) for event, handler in entries(person.settings)]
    starts = [(event, "session_start.py") for event in ("SessionStart", "SubagentStart")]
    assert found == [*EVENTS.items(), *starts, ("Stop", "record.py")]
    assert person.skillcache("install").out == f"{person.settings} has the hooks already: nothing to do.\n"
    person.variables["SKILLCACHE_RECORD_SESSIONS"] = "1"
    person.skillcache("install")
    assert "SessionEnd" in {event for event, _ in entries(person.settings)}


def test_messages_gain_entries_where_they_are_delivered(person: Person) -> None:
    person.variables["SKILLCACHE_MESSAGES_DELIVER"] = "1"
    person.variables["SKILLCACHE_RECORD_SESSIONS"] = "0"
    person.skillcache("install")
    found = [(event, handler) for event, handler in entries(person.settings) if script(handler).name == "deliver.py"]
    assert sorted(event for event, _ in found) == sorted(DELIVERING)
    assert all("async" not in handler for _, handler in found)
    edits = [h for e, h in entries(person.settings) if e == "PostToolUse" and script(h).name == "record.py"]
    assert len(edits) == 1  # what notes that two agents edit one file
    person.variables["SKILLCACHE_MESSAGES_DELIVER"] = "0"
    person.skillcache("install")
    assert not any(script(handler).name == "deliver.py" for _, handler in entries(person.settings))


def test_a_second_install_changes_nothing(person: Person) -> None:
    person.write_settings(OTHERS)
    person.skillcache("install")
    before = person.files()

    ran = person.skillcache("install")

    assert ran == (0, f"{person.settings} has the hooks already: nothing to do.\n", "")
    assert person.files() == before


def test_another_name_of_the_same_python_is_no_change(person: Person, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    person.variables["PYTHONPATH"] = os.pathsep.join(sys.path)
    folder = tmp_path / "venv" / "bin"

    def install(name: str) -> str:
        words = [str(folder / name), "-m", "skillcache", "install"]
        return subprocess.run(words, env=person.variables, capture_output=True, text=True, check=True).stdout

    assert "now has the hooks" in install("python")
    assert "nothing to do" in install("python3")
    assert {started(handler).interpreter for _, handler in entries(person.settings)} == {str(folder / "python3")}


def test_uninstall_after_install_leaves_nothing_behind(person: Person) -> None:
    person.skillcache("install")

    ran = person.skillcache("uninstall")

    assert ran == (0, f"{person.settings} is gone, as install had made it.\n", "")
    assert person.files() == {}


@pytest.mark.parametrize(
    "content",
    [
        OTHERS,
        b"{}",
        b"",
        b'{"hooks": {}}',
        b'{ "hooks":{"PreToolUse":[ ]} ,"a":1}\n\n',
        b'{"model":"opus"}',
        b'{\r\n\t"model": "opus"\r\n}\r\n',
        '{\n  "name": "Zoë 日本"\n}\n'.encode(),
    ],
)
def test_uninstall_after_install_restores_every_byte(person: Person, content: bytes) -> None:
    person.write_settings(content)
    before = person.files()

    installed = person.skillcache("install")
    backup = person.settings.with_name("settings.json.skillcache-backup")

    assert installed.out.splitlines()[1] == f"The file as it was: {backup}"
    assert backup.read_bytes() == content
    assert person.settings.read_bytes() != content
    assert person.skillcache("uninstall") == (0, f"{person.settings} no longer has the hooks.\n", "")
    assert person.files() == before


def test_every_byte_comes_back_after_the_client_wrote_the_file_anew(person: Person) -> None:
    person.write_settings(OTHERS)
    person.skillcache("install")
    person.settings.write_text(json.dumps(json.loads(person.settings.read_text()), indent=2))

    person.skillcache("uninstall")

    assert person.settings.read_bytes() == OTHERS


def test_uninstall_keeps_what_others_changed_since(person: Person) -> None:
    person.write_settings(OTHERS)
    person.skillcache("install")
    person.settings.write_bytes(person.settings.read_bytes().replace(b'"opus"', b'"haiku"'))

    person.skillcache("uninstall")

    assert json.loads(person.settings.read_bytes()) == {**json.loads(OTHERS), "model": "haiku"}
    assert [path.name for path in person.settings.parent.iterdir()] == ["settings.json"]


def test_uninstall_keeps_a_file_that_others_added_to(person: Person) -> None:
    person.skillcache("install")
    settings = json.loads(person.settings.read_text())
    person.settings.write_text(json.dumps({"model": "opus", **settings}, indent=2))

    person.skillcache("uninstall")

    assert person.settings.read_text() == '{\n  "model": "opus"\n}'


def test_uninstall_without_an_install_says_so_and_changes_nothing(person: Person) -> None:
    assert person.skillcache("uninstall") == (0, f"{person.settings} has no hooks of skillcache: nothing to do.\n", "")
    person.write_settings(OTHERS)
    before = person.files()
    assert person.skillcache("uninstall").out == f"{person.settings} has no hooks of skillcache: nothing to do.\n"
    assert person.files() == before


@pytest.mark.parametrize("command", ["install", "uninstall"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n  // mine\n  "a": 1\n}', "line 2, column 3: comments are not JSON"),
        (b'{\n  "a": 1,\n}', "line 2, column 9: a comma before } is not JSON"),
        (b"\xef\xbb\xbf{}", "line 1, column 1: a byte order mark is not JSON"),
        (b"[]", "settings must be an object: { ... }"),
        (b'{"hooks": 3}', 'line 1, column 11: "hooks" must be an object'),
        (b'{"hooks": {"PreToolUse": "x"}}', 'line 1, column 26: "hooks"."PreToolUse" must be a list'),
        (b'{"a": "\xff"}', "is not UTF-8 text (byte 7)"),
    ],
)
def test_a_file_it_cannot_read_is_left_as_it_was(person: Person, command: str, content: bytes, message: str) -> None:
    person.write_settings(content)
    before = person.files()

    ran = person.skillcache(command)

    mend = "Mend the file, then run the command again; it is as it was."
    assert ran == (1, "", f"skillcache: {person.settings}: {message}. {mend} Check with: skillcache doctor\n")
    assert person.files() == before


def test_a_settings_file_that_is_a_folder_is_refused(person: Person) -> None:
    person.settings.mkdir(parents=True)

    ran = person.skillcache("install")

    assert ran.status == 1
    assert ran.err.startswith(f"skillcache: {person.settings}: cannot be read: Is a directory")


def test_a_dry_run_shows_the_change_and_makes_none(person: Person) -> None:
    person.write_settings(OTHERS)
    before = person.files()

    ran = person.skillcache("install", "--dry-run")

    assert ran.status == 0
    assert ran.out.startswith(f"--- {person.settings}\n+++ {person.settings}\n@@ ")
    lines = ran.out.splitlines()[3:]
    assert [line for line in lines if line.startswith("-")] == [
        '-            {"matcher": "Write", "hooks": [{"type": "command", "command": "guard.sh"}]}',
        '-        "Notification": []',
    ]
    assert sum("skillcache; }" in line for line in lines if line.startswith("+")) == 14
    assert ran.out.endswith("\n\\ No newline at end of file\n")
    assert person.files() == before


def test_a_dry_run_of_uninstall_makes_no_change(person: Person) -> None:
    person.skillcache("install")
    before = person.files()

    ran = person.skillcache("uninstall", "--dry-run")

    assert [line[1:] for line in ran.out.splitlines()[3:]] == person.settings.read_text().splitlines()
    assert person.files() == before


@pytest.mark.parametrize(("scope", "name"), [("project", "settings.json"), ("local", "settings.local.json")])
def test_the_other_scopes_are_files_of_the_project(person: Person, tmp_path: Path, scope: str, name: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    path = project / ".claude" / name

    ran = person.skillcache("install", "--scope", scope, folder=project)

    assert (
        ran.out.splitlines()[0]
        == f"{path} now has the hooks: sessions use them from their start, so restart those that run."
    )
    assert ran.out.splitlines()[-1] == f"{CHECK} --scope {scope}"
    assert ("use --scope local instead" in ran.out) == (scope == "project")
    assert person.files() == {}
    assert person.skillcache("uninstall", "--scope", scope, "--project", str(project)).status == 0
    assert list(project.iterdir()) == []


def test_the_clients_own_variable_for_its_folder_is_respected(person: Person, tmp_path: Path) -> None:
    person.variables["CLAUDE_CONFIG_DIR"] = str(tmp_path / "elsewhere")

    person.skillcache("install")

    assert (tmp_path / "elsewhere" / "settings.json").is_file()
    assert person.files() == {}


def test_mode_and_symbolic_link_are_kept(person: Person, tmp_path: Path) -> None:
    dotfile = tmp_path / "dotfiles-settings.json"
    dotfile.write_bytes(OTHERS)
    dotfile.chmod(0o640)
    person.settings.parent.mkdir()
    person.settings.symlink_to(dotfile)

    person.skillcache("install")
    mode_between = stat.S_IMODE(dotfile.stat().st_mode)
    changed = dotfile.read_bytes() != OTHERS
    person.skillcache("uninstall")

    assert changed
    assert mode_between == 0o640
    assert stat.S_IMODE(dotfile.stat().st_mode) == 0o640
    assert person.settings.is_symlink()
    assert dotfile.read_bytes() == OTHERS


def test_entries_of_an_older_installation_are_replaced_in_one_step(person: Person) -> None:
    person.write_settings(OTHERS)
    person.skillcache("install")
    wanted = person.settings.read_bytes()
    person.settings.write_bytes(wanted.replace(present_interpreter().encode(), b"/gone/bin/python3"))

    ran = person.skillcache("install")

    assert (
        ran.out.splitlines()[0]
        == f"{person.settings} now has the hooks: sessions use them from their start, so restart those that run."
    )
    assert person.settings.read_bytes() == wanted
    assert person.skillcache("uninstall").status == 0
    assert person.settings.read_bytes() == OTHERS


def test_a_persons_own_rules_gain_entries(person: Person, tmp_path: Path) -> None:
    config = person.home / ".config" / "skillcache" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[[rules]]\nmatch = "mcp__words"\n\n[[rules]]\nmatch = "Bash(just smoketest:*)"\n')
    project = tmp_path / "project"
    (project / ".claude").mkdir(parents=True)
    (project / ".claude" / "skillcache.toml").write_text('[[rules]]\nmatch = "Agent"\n')

    person.skillcache("install", folder=project)
    person.skillcache("install", "--scope", "local", folder=project)

    def own(path: Path) -> list[str]:
        groups = json.loads(path.read_text())["hooks"]["PreToolUse"]
        return [group["matcher"] for group in groups if group["matcher"] != WEB]

    assert own(person.settings) == ["^mcp__words__.*$"]
    assert own(project / ".claude" / "settings.local.json") == ["^mcp__words__.*$", "Agent"]


def test_a_broken_configuration_stops_the_install(person: Person) -> None:
    config = person.home / ".config" / "skillcache" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("verify = 7\n")

    ran = person.skillcache("install")

    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"skillcache: {config}: verify cannot be 7; allowed: a number from 0 to 1")
    assert not person.settings.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_said(person: Person) -> None:
    person.write_settings(OTHERS)
    person.settings.parent.chmod(0o500)

    ran = person.skillcache("install")

    person.settings.parent.chmod(0o700)
    assert ran == (
        1,
        "",
        (
            f"skillcache: {person.settings}: cannot be written: Permission denied. It is as it was; see:"
            f" ls -ld {person.settings.parent} {person.settings}\n"
        ),
    )


def test_a_project_that_is_not_there_is_a_usage_error(person: Person) -> None:
    ran = person.skillcache("install", "--scope", "local", "--project", "nowhere")

    assert ran.status == 2
    assert "Directory 'nowhere' does not exist." in ran.err
