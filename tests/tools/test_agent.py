import json
from pathlib import Path
from typing import Any

import pytest

from skillcache.claude import ToolEvent, Unusable
from skillcache.core.credentials import find
from skillcache.core.json import dumps
from skillcache.core.outcomes import (
    CHANGED_INPUTS,
    CUT,
    EMPTY,
    FAILURE,
    INTERRUPTED,
    ISOLATED,
    LAUNCHED,
    NO_RULE,
    NOT_TEXT,
    TOO_BIG,
    UNCAPTURABLE,
    Bypass,
    Outcome,
)
from skillcache.tools.agent import AGENT, answer_of_stop
from tests.tools.conftest import DATA, called, recorded

CAP = 1 << 20
NOTE = "<tools-used-before-summary>Bash</tools-used-before-summary>\n"


def ask(**fields: Any) -> ToolEvent:
    return called("Agent", {"description": "d", "prompt": "p", "subagent_type": "Explore", **fields})


def answered(*texts: str, **fields: Any) -> ToolEvent:
    content = [{"type": "text", "text": text} for text in texts]
    return called("Agent", {"prompt": "p"}, response={"status": "completed", "content": content, **fields})


def outcome_of(event: ToolEvent, cap: int = CAP) -> Outcome:
    with pytest.raises(Unusable) as caught:
        AGENT.read(event, cap)
    return caught.value.outcome


@pytest.mark.parametrize("name", ["plain", "with_tools", "explorer", "model", "odd", "legacy"])
def test_a_recorded_answer_is_stored_and_gives_the_model_s_text_but_for_the_agent_s_id(name: str) -> None:
    event, model = recorded("agent", name)

    result = AGENT.read(event, CAP)

    assert json.loads(result.output) == event.response
    text, end, _ = model.partition("\nagentId: ")
    assert bool(end) is (name != "explorer")
    assert AGENT.text_of(result.output) == text
    assert find.find(result.output.decode()) is None


@pytest.mark.parametrize(("name", "outcome"), [("silent", EMPTY), ("unknown", FAILURE), ("background", LAUNCHED)])
def test_what_is_no_answer_is_not_stored(name: str, outcome: Outcome) -> None:
    assert outcome_of(recorded("agent", name).event) is outcome


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (answered("x", status="remote_launched"), LAUNCHED),
        (answered("x", status="teammate_spawned"), LAUNCHED),
        (answered('This agent\'s report was delivered to you as a message from "a".'), LAUNCHED),
        (answered("NOTE: this agent stopped at its 20-turn limit", "half", harnessNoteCount=1), CUT),
        (answered("\u26a0 This agent switched to another model", "x", harnessNoteCount=1), CUT),
        (answered("x", "files were saved", harnessTailCount=1), CUT),
        (answered(NOTE, " ", harnessNoteCount=1), EMPTY),
        (answered(), EMPTY),
        (answered("x", worktreePath="/elsewhere"), NOT_TEXT),
        (answered("x", toolStats={"editFileCount": 1}), CHANGED_INPUTS),
        (answered("x", content=[{"type": "image"}]), NOT_TEXT),
        (called("Agent", {"prompt": "p"}, response="text"), NOT_TEXT),
        (called("Agent", {"prompt": "p"}, response={}, interrupted=True), INTERRUPTED),
    ],
)
def test_an_unusable_answer_is_named(event: ToolEvent, outcome: Outcome) -> None:
    assert outcome_of(event) is outcome


def test_an_answer_over_the_cap_is_not_stored() -> None:
    assert outcome_of(answered("x" * 2_000), cap=1_000) is TOO_BIG


def test_an_answer_that_the_client_would_not_show_whole_is_not_given() -> None:
    output = AGENT.read(answered("x" * 50_000), CAP).output

    with pytest.raises(Unusable):
        AGENT.text_of(output)


def test_the_task_tells_calls_apart_and_its_dress_does_not() -> None:
    different = [
        ask(),
        ask(prompt="q"),
        ask(subagent_type="Plan"),
        ask(subagent_type=None),
        ask(model="haiku"),
        ask(effort="low"),
    ]
    same = [
        ask(),
        ask(description="e"),
        ask(run_in_background=True),
        ask(mode="plan"),
        ask(team_name="t"),
        ask(model=None),
    ]

    assert len({AGENT.describe(event).rows for event in different}) == len(different)
    assert len({AGENT.describe(event).rows for event in same}) == 1
    assert AGENT.describe(ask(prompt="look\nat it")).text == "Agent Explore: look at it"


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (ask(isolation="worktree"), ISOLATED),
        (ask(isolation="remote"), ISOLATED),
        (ask(name="bob"), ISOLATED),
        (ask(resume="a1"), ISOLATED),
        (ask(subagent_type="fork"), ISOLATED),
        (ask(subagent_type="Fork_"), ISOLATED),
        (ask(prompt=""), NO_RULE),
        (ask(prompt=3), NO_RULE),
        (ask(model=3), NO_RULE),
    ],
)
def test_more_than_a_fresh_agent_is_not_looked_up(event: ToolEvent, outcome: Outcome) -> None:
    with pytest.raises(Bypass) as caught:
        AGENT.describe(event)
    assert caught.value.outcome is outcome


def test_the_answer_of_a_background_agent_is_that_of_one_in_the_foreground() -> None:
    stops = json.loads((DATA / "agent.json").read_text(encoding="utf-8"))["stops"]
    assert "In the background." in [stop.get("last_assistant_message") for stop in stops]

    event = called("Agent", {"prompt": "p"}, response=answer_of_stop("In the background."))

    text = AGENT.text_of(AGENT.read(event, CAP).output)
    assert text == AGENT.text_of(AGENT.read(answered("In the background."), CAP).output)
    assert isinstance(event.response, dict)
    shown = recorded("agent", "plain").event.response
    assert isinstance(shown, dict)
    assert event.response.keys() <= shown.keys()
    assert event.response["usage"].keys() <= shown["usage"].keys() | {"server_tool_use"}


def test_an_agent_that_did_not_speak_leaves_no_answer() -> None:
    assert outcome_of(called("Agent", {"prompt": "p"}, response=answer_of_stop(""))) is EMPTY


def test_an_answer_given_again_is_of_an_agent_that_cannot_be_gone_on_with() -> None:
    event = recorded("agent", "plain").event
    assert isinstance(event.response, dict)

    again = AGENT.structured(dumps(event.response).encode(), "toolu_now")

    assert again == {**event.response, "canContinueAgent": False}


def test_what_defines_an_agent_outside_git_matters(tmp_path: Path, home: dict[str, str]) -> None:
    project, own = tmp_path / "project", Path(home["HOME"]) / ".claude"
    (project / "sub/.git").mkdir(parents=True)
    seen = []

    def look(kind: str = "rev", environ: dict[str, str] | None = None) -> None:
        event = called("Agent", {"prompt": "p", "subagent_type": kind}, cwd=str(project / "sub"))
        seen.append(AGENT.surroundings(event, str(project), environ or home))

    look()
    for path in (
        own / "CLAUDE.md",
        own / "agents/rev.md",
        own / "agents/deep/other.md",
        own / "rules/style.md",
        project / "CLAUDE.md",
        project / "sub/CLAUDE.local.md",
        project / "sub/.claude/agents/rev.md",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
        look()
        path.write_text("another")
        look()
    look(environ={**home, "CLAUDE_CODE_SUBAGENT_MODEL": "haiku"})
    look(environ={**home, "CLAUDE_CONFIG_DIR": str(tmp_path / "elsewhere")})

    assert len(set(seen)) == len(seen)
    look()
    assert seen[-1] == seen[-4]
    (own / "agents/notes.txt").write_text("no definition")
    look()
    assert seen[-1] == seen[-2]


def test_the_same_instructions_in_another_clone_are_the_same(tmp_path: Path, home: dict[str, str]) -> None:
    found = []
    for name in ("one", "two"):
        place = tmp_path / name / "sub"
        place.mkdir(parents=True)
        (tmp_path / name / ".git").mkdir()
        (tmp_path / name / "CLAUDE.md").write_text("be kind")
        event = called("Agent", {"prompt": "p"}, cwd=str(place))
        found.append(AGENT.surroundings(event, str(tmp_path / name), home))

    assert found[0] == found[1]
    assert found[0][0] == ("directory", "", "sub")


def test_a_plugin_s_agent_is_one_of_the_plugin_s_files(tmp_path: Path, home: dict[str, str]) -> None:
    plugin = tmp_path / "cache/tools"
    (plugin / "agents/deep").mkdir(parents=True)
    noted = Path(home["HOME"]) / ".claude/plugins/installed_plugins.json"
    noted.parent.mkdir(parents=True)
    noted.write_text(json.dumps({"plugins": {"tools@market": [{"installPath": str(plugin)}]}}))

    def look(kind: str) -> tuple[tuple[str, str, str], ...]:
        event = called("Agent", {"prompt": "p", "subagent_type": kind}, cwd=str(tmp_path))
        return AGENT.surroundings(event, str(tmp_path), home)

    for kind in ("tools:rev", "others:rev"):
        with pytest.raises(Bypass) as caught:
            look(kind)
        assert caught.value.outcome is UNCAPTURABLE
    (plugin / "agents/deep/rev.md").write_text("one")
    first = look("tools:rev")
    assert look("tools:deep:rev") == first
    (plugin / "agents/deep/rev.md").write_text("another")
    assert look("tools:rev") != first
    (plugin / "agents/x.md").write_text("---\nname: named\n---\n")
    assert look("tools:named")


def test_definitions_behind_a_link_count_and_a_circle_ends(tmp_path: Path, home: dict[str, str]) -> None:
    agents, elsewhere = Path(home["HOME"]) / ".claude/agents", tmp_path / "dotfiles"
    agents.mkdir(parents=True)
    elsewhere.mkdir()
    (agents / "mine").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(agents)
    seen = []
    for text in ("one", "another"):
        (elsewhere / "rev.md").write_text(text)
        seen.append(AGENT.surroundings(called("Agent", {"prompt": "p"}, cwd=str(tmp_path)), str(tmp_path), home))

    assert seen[0] != seen[1]


def test_a_definition_that_cannot_be_read_whole_is_not_looked_up(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "CLAUDE.md").write_bytes(bytes((1 << 20) + 1))

    with pytest.raises(Bypass) as caught:
        AGENT.surroundings(called("Agent", {"prompt": "p"}, cwd=str(tmp_path)), str(tmp_path), home)
    assert caught.value.outcome is UNCAPTURABLE
