import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.cli.setup.entries import EVENTS, MARK, Edit, Started, is_ours, started_by
from skillcache.cli.setup.settings_file import add, ours, remove
from skillcache.core.outcomes import ConfigError

EDIT = Edit("/opt/py", "/opt/hooks")  # one element for each event
OURS = [event for event, _ in EDIT.groups()]
WHERE = "settings.json"
STARTED = Started("/opt/py", "/x/hooks/pre.py")
LINE = STARTED.entry()
OTHER = {"type": "command", "command": "lint.sh"}

OTHERS_GROUPS = st.lists(
    st.sampled_from(
        [{"matcher": "Write", "hooks": [OTHER]}, {"hooks": []}, {"matcher": "Bash", "hooks": [OTHER, OTHER]}, 7]
    ),
    max_size=3,
)
SETTINGS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["model", "env", "permissions", "ключ"]),
    st.sampled_from(["opus", {"A": "1"}, {"allow": ["Bash(ls)"]}, [], None, 1.5]),
).flatmap(
    lambda rest: (
        st.dictionaries(st.sampled_from([*OURS, "Notification"]), OTHERS_GROUPS).map(
            lambda hooks: {**rest, "hooks": hooks, "after": True}
        )
        | st.just(rest)
    )
)


def our_group(event: str, edit: Edit = EDIT) -> Any:
    return dict(edit.groups())[event]


@given(SETTINGS, st.sampled_from([None, 2, 4, "\t"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_adds_our_entries_behind_the_others_and_removes_exactly_them(
    settings: dict[str, Any], indent: int | str | None, newline: str, escaped: bool
) -> None:
    text = (json.dumps(settings, indent=indent, ensure_ascii=escaped) + "\n").replace("\n", newline)

    with_ours = add(text, EDIT, WHERE)
    without = remove(with_ours, WHERE)

    expected = json.loads(text)
    for event in OURS:
        expected.setdefault("hooks", {}).setdefault(event, []).append(our_group(event))
    assert json.loads(with_ours) == expected
    assert list(json.loads(with_ours)) == list(expected)
    assert add(with_ours, EDIT, WHERE) == with_ours
    others = {event: groups for event, groups in settings.get("hooks", {}).items() if groups or event not in OURS}
    assert json.loads(without) == {
        **{k: v for k, v in settings.items() if k != "hooks"},
        **({"hooks": others} if others else {}),
    }
    assert (newline == "\n") == ("\r" not in with_ours)


def test_a_file_indented_by_four_gains_entries_indented_by_four() -> None:
    text = '{\n    "model": "opus",\n    "hooks": {\n        "Notification": []\n    }\n}\n'

    assert add(text, EDIT, WHERE).startswith(
        '{\n    "model": "opus",\n    "hooks": {\n        "Notification": [],\n        "PreToolUse": [\n            {\n'
        '                "matcher": "WebFetch|WebSearch",\n                "hooks": [\n'
        '                    {"type": "command", '
    )


def test_a_file_on_one_line_stays_on_one_line() -> None:
    assert add('{"model": "opus"}', EDIT, WHERE).startswith('{"model": "opus", "hooks": {"PreToolUse": [{"matcher": ')
    assert "\n" not in add('{"model":"opus"}', EDIT, WHERE)


@pytest.mark.parametrize("text", ["", "\n", "{}", "{}\n", "{ }\n", "{\n}\n"])
def test_an_empty_file_gains_readable_entries(text: str) -> None:
    assert add(text, EDIT, WHERE).startswith(
        '{\n  "hooks": {\n    "PreToolUse": [\n      {\n        "matcher": "WebFetch|WebSearch",\n'
    )


def test_the_text_around_our_entries_keeps_its_bytes() -> None:
    text = '{ "a":1 ,\n\n   "hooks" : {"Notification":[ {"hooks": [ ] } ]  },  "b" : [1,\n2]}'

    changed = add(text, EDIT, WHERE)

    assert changed.startswith('{ "a":1 ,\n\n   "hooks" : {"Notification":[ {"hooks": [ ] } ],\n')
    assert changed.endswith('},  "b" : [1,\n2]}')


def test_entries_of_another_installation_are_replaced() -> None:
    old = add("{}", Edit("/old/py", "/old/hooks", writers=("Bash(gone:*)",)), WHERE)

    assert add(old, EDIT, WHERE) == add("{}", EDIT, WHERE)


def test_entries_of_another_version_for_other_events_are_replaced_too() -> None:
    newer = json.loads(add("{}", EDIT, WHERE))
    entry = {"type": "command", "command": "/new/py", "args": ["-I", "-S", "/new/hooks/stop.py", MARK], "timeout": 10}
    newer["hooks"]["Notification"] = [{"hooks": [entry, OTHER]}, {"hooks": [entry]}]

    changed = json.loads(add(json.dumps(newer), EDIT, WHERE))["hooks"]

    assert changed == {"Notification": [{"hooks": [OTHER]}], **{event: [our_group(event)] for event in OURS}}


def test_entries_that_were_doubled_are_set_right() -> None:
    settings = json.loads(add("{}", EDIT, WHERE))
    groups = settings["hooks"]["PreToolUse"]
    groups.append({"hooks": [OTHER, groups[0]["hooks"][0], OTHER]})

    changed = json.loads(add(json.dumps(settings), EDIT, WHERE))

    assert changed["hooks"]["PreToolUse"] == [{"hooks": [OTHER, OTHER]}, our_group("PreToolUse")]


@pytest.mark.parametrize(
    "handler",
    [
        {"type": "command", "command": "/opt/py", "args": ["-I", "-S", "/home/me/.claude/hooks/pre_tool_use.py"]},
        {"type": "command", "command": "python3 /x/skillcache/hooks/pre_tool_use.py skillcache"},
        {"type": "command", "command": "/opt/py", "args": ["-m", "skillcache"]},
        {"type": "command", "command": "/opt/py", "args": ["skillcache"]},
        {"type": "command", "command": "/opt/py", "args": ["-I", "-S", 1, "skillcache"]},
        {"type": "command", "command": "/opt/py", "args": ["-I", "-S", "/x/hooks/other", "skillcache"]},
        {"type": "command", "command": "/opt/py", "args": ["-I", "-S", "/x/hooks/pre.py", "Skillcache"]},
        {"type": "command", "command": "/opt/py", "args": ["-I", "-E", "/x/hooks/pre.py", "skillcache"]},
        {"type": "command", "command": f"cd /; {LINE}"},
        {"type": "command", "command": LINE.replace(MARK, "other")},
        {"type": "command", "command": LINE.replace("-S", "-E")},
        {"type": "command", "command": LINE.replace("pre.py", "pre.sh")},
        {"type": "command", "command": LINE.replace("[ -f /x/", "[ -f /y/")},
        {"type": "command", "command": LINE.replace("skillcache pre;", "skillcache stop;")},
        {"type": "command", "command": LINE[:-1] + "'"},
        {"type": "command", "command": LINE, "args": []},
        {"type": "http", "command": LINE},
        {"type": "http", "args": ["/x/hooks/pre_tool_use.py", "skillcache"]},
        {"type": "command", "args": "/x/hooks/pre_tool_use.py skillcache"},
        "skillcache",
        None,
    ],
)
def test_somebody_elses_entry_is_never_taken_for_ours(handler: object) -> None:
    text = json.dumps({"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [handler]}]}})

    assert not is_ours(handler)
    assert remove(text, WHERE) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,}', "settings.json: line 1, column 8: a comma before } is not JSON"),
        ("[]", "settings.json: settings must be an object: { ... }"),
        ('{\n "hooks": []}', 'settings.json: line 2, column 11: "hooks" must be an object'),
        ('{"hooks": {"Stop": {}}}', 'settings.json: line 1, column 20: "hooks"."Stop" must be a list'),
    ],
)
def test_refuses_a_file_whose_hooks_it_cannot_place_entries_in(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        add(text, EDIT, WHERE)

    assert str(caught.value) == f"{message}. Mend the file, then run the command again; it is as it was."


def test_lists_our_entries_with_their_events() -> None:
    found = ours(add("{}", EDIT, WHERE), WHERE)

    assert [entry.event for entry in found] == OURS
    for event, script in EVENTS.items():
        assert started_by(found[OURS.index(event)].handler) == ("/opt/py", f"/opt/hooks/{script}")


@given(st.text(st.characters(exclude_characters="\0"), min_size=1), st.text(st.characters(exclude_characters="\0")))
def test_what_an_entry_starts_is_read_back_from_its_line(interpreter: str, folder: str) -> None:
    edit = Edit(f"/{interpreter}", f"/{folder}/hooks")

    handler = edit.entries()[0].handler

    assert started_by(handler) == (f"/{interpreter}", f"/{folder}/hooks/pre_tool_use.py")


def test_an_entry_begins_with_a_name() -> None:
    assert LINE.startswith(": skillcache pre; ")


@pytest.mark.parametrize(
    "former",
    [
        {"type": "command", "command": "/opt/py", "args": ["-I", "-S", "/opt/hooks/stop.py", MARK], "async": True},
        {"type": "command", "command": STARTED.line()},
    ],
)
def test_entries_of_the_former_forms_are_removed(former: dict[str, Any]) -> None:
    text = json.dumps({"hooks": {"Stop": [{"hooks": [former, OTHER]}], "PreToolUse": [{"hooks": [former]}]}})

    assert json.loads(remove(text, WHERE)) == {"hooks": {"Stop": [{"hooks": [OTHER]}]}}


def test_entries_of_the_lines_that_once_started_hooks_are_replaced_and_removed() -> None:
    """An install wrote one for each word of the commands that might be replayed."""
    line = Started("/opt/py", "/opt/hooks/pre_tool_use.py").line()
    words = [{"type": "command", "if": f"Bash(*{word}*)", "command": line, "timeout": 10} for word in ("test", "lint")]
    text = json.dumps({"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [*words, OTHER]}]}})
    others = {"matcher": "Bash", "hooks": [OTHER]}

    assert json.loads(add(text, EDIT, WHERE))["hooks"]["PreToolUse"] == [others, our_group("PreToolUse")]
    assert json.loads(remove(text, WHERE)) == {"hooks": {"PreToolUse": [others]}}
