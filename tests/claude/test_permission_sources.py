import json
import os
from pathlib import Path

import pytest

from skillcache.claude import permissions
from skillcache.core.outcomes import UNSETTLED_SETTINGS, Bypass


class Place:
    """A home, a repository with a sub folder, and what stands in its settings files."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.repo = root / "outer" / "repo"
        self.sub = self.repo / "sub"
        self.managed = root / "managed"
        for folder in (self.home, self.sub, self.repo / ".git"):
            folder.mkdir(parents=True)

    def rules(
        self,
        cwd: Path | None = None,
        project: Path | None = None,
        arguments: tuple[str, ...] = (),
        environ: dict[str, str] | None = None,
    ) -> permissions.Rules:
        known = {"HOME": str(self.home), "CLAUDE_PROJECT_DIR": str(project or self.repo)}
        return permissions.load_rules(str(cwd or self.repo), known | (environ or {}), arguments)

    def denied(self, cwd: Path | None = None, project: Path | None = None) -> set[str]:
        return set(self.rules(cwd, project).deny)


def write(path: Path, **lists: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"permissions": lists}))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path.resolve())
    monkeypatch.setattr(permissions, "MANAGED", str(made.managed))
    return made


def test_no_settings_file_is_no_rule(place: Place) -> None:
    rules = place.rules()
    assert (rules.deny, rules.ask, rules.allow) == ((), (), ())


def test_the_lists_of_user_project_local_and_managed_settings_concatenate(place: Place) -> None:
    write(place.home / ".claude/settings.json", deny=["Bash(a)"], allow=["Bash(w)"])
    write(place.repo / ".claude/settings.json", deny=["Bash(b)"], allow=["Bash(x)"])
    write(place.repo / ".claude/settings.local.json", deny=["Bash(c)"], ask=["Bash(q)"], allow=["Bash(y)"])
    write(place.managed / "managed-settings.json", deny=["Bash(d)"], allow=["Bash(z)"])
    write(place.managed / "managed-settings.d/10-more.json", deny=["Bash(e)"])
    rules = place.rules()
    assert set(rules.deny) == {f"Bash({name})" for name in "abcde"}
    assert set(rules.ask) == {"Bash(q)"}
    assert set(rules.allow) == {f"Bash({name})" for name in "wxyz"}


def test_the_config_folder_may_be_elsewhere(place: Place) -> None:
    write(place.home / ".claude/settings.json", deny=["Bash(old)"])
    write(place.home / "elsewhere/settings.json", deny=["Bash(new)"])
    assert place.rules(environ={"CLAUDE_CONFIG_DIR": str(place.home / "elsewhere")}).deny == ("Bash(new)",)


def test_every_folder_up_to_the_git_root_may_stop_and_only_the_projects_may_allow(place: Place) -> None:
    write(place.repo.parent / ".claude/settings.json", deny=["Bash(outer)"])
    write(place.repo / ".claude/settings.local.json", deny=["Bash(local)"], allow=["Bash(x)"])
    write(place.sub / ".claude/settings.json", deny=["Bash(sub)"], allow=["Bash(y)"])
    assert place.denied(cwd=place.sub) == {"Bash(local)", "Bash(sub)"}
    assert place.rules(cwd=place.sub).allow == ("Bash(x)",)
    assert place.rules(cwd=place.sub, project=place.sub).allow == ("Bash(y)",)


def test_a_linked_worktree_has_the_local_rules_of_the_main_one(place: Place) -> None:
    write(place.repo / ".claude/settings.local.json", deny=["Bash(local)"])
    linked = place.repo.parent / "linked"
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {place.repo}/.git/worktrees/linked\n")
    assert place.denied(linked, linked) == {"Bash(local)"}


def test_a_folder_in_no_repository_has_its_own_rules_only(place: Place) -> None:
    bare = place.repo.parent / "bare" / "deep"
    write(bare / ".claude/settings.json", deny=["Bash(own)"])
    write(bare.parent / ".claude/settings.json", deny=["Bash(above)"])
    assert place.denied(bare, bare) == {"Bash(own)"}


def test_managed_settings_may_forbid_every_other_approval(place: Place) -> None:
    write(place.home / ".claude/settings.json", allow=["Bash(x)"], deny=["Bash(y)"])
    place.managed.mkdir()
    (place.managed / "managed-settings.json").write_text(
        json.dumps({"allowManagedPermissionRulesOnly": True, "permissions": {"allow": ["Bash(z)"]}})
    )
    assert place.rules().allow == ("Bash(z)",)
    assert place.rules().deny == ("Bash(y)",)


@pytest.mark.parametrize(
    "text",
    [b"{", b"[]", b'{"permissions": []}', b'{"permissions": {"deny": "Bash"}}', b"\xff\xfe", b"// no\n{}", b"3"],
)
def test_settings_that_cannot_be_used_end_the_replay(place: Place, text: bytes) -> None:
    path = place.repo / ".claude/settings.json"
    path.parent.mkdir()
    path.write_bytes(text)
    with pytest.raises(Bypass) as caught:
        place.rules()
    assert caught.value.outcome is UNSETTLED_SETTINGS
    assert str(path) in caught.value.detail


def test_settings_that_cannot_be_read_end_the_replay(place: Place) -> None:
    (place.home / ".claude/settings.json").mkdir(parents=True)
    with pytest.raises(Bypass):
        place.rules()


@pytest.mark.parametrize("text", [b"", b" \n", b"{}", b"\xef\xbb\xbf{}", b'{"permissions": {"deny": [3, null]}}'])
def test_settings_without_rules_are_no_rule(place: Place, text: bytes) -> None:
    path = place.repo / ".claude/settings.json"
    path.parent.mkdir()
    path.write_bytes(text)
    assert place.rules().deny == ()


def test_rules_of_the_clients_command_line_count(place: Place) -> None:
    write(place.home / "flag.json", deny=["Bash(a)"], ask=["Bash(b)"])
    more = ("claude", "-p", "go", "--settings", str(place.home / "flag.json"), "--disallowedTools", "Bash(c d:*),Edit")
    rules = place.rules(arguments=(*more, "Bash(e)", "--allowed-tools=Bash(f) Bash(g)", "--verbose", "h"))
    assert rules.deny == ("Bash(a)", "Bash(c d:*)", "Edit", "Bash(e)")
    assert rules.ask == ("Bash(b)",)
    assert rules.allow == ("Bash(f)", "Bash(g)")


def test_settings_of_the_command_line_may_be_json_itself(place: Place) -> None:
    rules = place.rules(arguments=("claude", '--settings={"permissions": {"deny": ["Bash(a)"]}}'))
    assert rules.deny == ("Bash(a)",)


def test_settings_of_the_command_line_that_are_gone_end_the_replay(place: Place) -> None:
    with pytest.raises(Bypass):
        place.rules(arguments=("claude", "--settings", "gone.json"))


def test_chosen_sources_take_approvals_back(place: Place) -> None:
    write(place.home / ".claude/settings.json", allow=["Bash(x)"])
    assert place.rules(arguments=("claude", "--setting-sources", "project")).allow == ()


@pytest.mark.skipif(not os.path.exists("/proc/self/cmdline"), reason="needs /proc")
def test_the_clients_command_line_is_read_from_the_system() -> None:
    assert permissions.client_arguments({"CLAUDE_PID": str(os.getpid())})
    assert permissions.client_arguments({"CLAUDE_PID": "../self"}) == ()
    assert permissions.client_arguments({}) == ()
