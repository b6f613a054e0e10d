"""`skillcache install --skill`: the skill that ships with us, and whose file it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from skillcache.cli.main import group
from skillcache.core.paths import package_folder
from skillcache.rules.skills.frontmatter import read
from tests.cli.conftest import Person

SHIPPED = Path(package_folder(), "cli/setup/skills/redis-cache/SKILL.md")


def skill(person: Person) -> Path:
    return person.home / ".claude/skills/redis-cache/SKILL.md"


def test_it_is_put_among_the_skills_once_and_taken_out_again(person: Person) -> None:
    before = person.files()
    ran = person.skillcache("install", "--skill")
    assert ran.status == 0
    assert f"{skill(person)} now is the skill redis-cache" in ran.out
    assert skill(person).read_bytes() == SHIPPED.read_bytes()
    assert skill(person).stat().st_mode & 0o777 == 0o644

    installed = person.files()
    again = person.skillcache("install", "--skill")
    assert f"{skill(person)} is there already: nothing to do.\n" in again.out
    assert person.files() == installed

    gone = person.skillcache("uninstall")
    assert f"{skill(person)} is gone.\n" in gone.out
    assert person.files() == before


def test_without_the_option_there_is_no_skill(person: Person) -> None:
    person.skillcache("install")
    assert not skill(person).exists()


@pytest.mark.parametrize("scope", ["project", "local"])
def test_a_project_s_skill_is_in_the_project(person: Person, tmp_path: Path, scope: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    person.skillcache("install", "--skill", "--scope", scope, folder=project)
    assert (project / ".claude/skills/redis-cache/SKILL.md").exists()
    assert not skill(person).exists()
    person.skillcache("uninstall", "--scope", scope, folder=project)
    assert not (project / ".claude").exists()


def test_it_is_where_claude_code_keeps_its_settings(person: Person, tmp_path: Path) -> None:
    person.variables["CLAUDE_CONFIG_DIR"] = str(tmp_path / "elsewhere")
    person.skillcache("install", "--skill")
    assert (tmp_path / "elsewhere/skills/redis-cache/SKILL.md").exists()


def test_a_dry_run_shows_it_and_writes_nothing(person: Person) -> None:
    before = person.files()
    ran = person.skillcache("install", "--skill", "--dry-run")
    assert f"+++ {skill(person)}" in ran.out
    assert "+name: redis-cache" in ran.out
    assert person.files() == before

    person.skillcache("install", "--skill")
    installed = person.files()
    assert "-name: redis-cache" in person.skillcache("uninstall", "--dry-run").out
    assert person.files() == installed


def test_an_older_one_of_ours_is_replaced(person: Person) -> None:
    from hashlib import sha256

    person.skillcache("install", "--skill")
    skill(person).write_text("an older text\n")
    (skill(person).parent / ".skillcache").write_text(sha256(b"an older text\n").hexdigest() + "\n")
    assert "now is the skill" in person.skillcache("install", "--skill").out
    assert skill(person).read_bytes() == SHIPPED.read_bytes()


def test_what_a_person_edited_stays_and_the_message_says_the_way_out(person: Person) -> None:
    person.skillcache("install", "--skill")
    skill(person).write_text("mine now\n")
    ran = person.skillcache("install", "--skill")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert f"move {skill(person).parent} away" in ran.err
    ran = person.skillcache("uninstall")
    assert (ran.status, f"{skill(person)} was edited: it stays." in ran.out) == (0, True)
    assert skill(person).read_text() == "mine now\n"


@pytest.mark.parametrize("what", ["another skill", "a folder without one", "a link", "a file"])
def test_somebody_else_s_place_of_that_name_is_left_alone(person: Person, tmp_path: Path, what: str) -> None:
    folder = skill(person).parent
    folder.parent.mkdir(parents=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "SKILL.md").write_text("theirs\n")
    if what == "a link":
        folder.symlink_to(other)
    elif what == "a file":
        folder.write_text("theirs\n")
    else:
        folder.mkdir()
        (folder / ("SKILL.md" if what == "another skill" else "notes.md")).write_text("theirs\n")
    before = person.files() | {"other": (other / "SKILL.md").read_bytes()}
    ran = person.skillcache("install", "--skill")
    assert ran.status == 1
    assert "somebody else's" in ran.err
    assert person.skillcache("uninstall").status == 0
    assert person.files() | {"other": (other / "SKILL.md").read_bytes()} == before


def test_files_that_others_added_to_the_folder_stay(person: Person) -> None:
    person.skillcache("install", "--skill")
    (skill(person).parent / "notes.md").write_text("mine")
    person.skillcache("uninstall")
    assert [path.name for path in skill(person).parent.iterdir()] == ["notes.md"]


# What it says.


def commands() -> Iterator[list[str]]:
    shell = False
    for line in SHIPPED.read_text().splitlines():
        if line.startswith("```"):
            shell = line == "```sh"
        elif shell and line:
            yield shlex.split(line)


def test_its_frontmatter_is_read_and_names_it() -> None:
    text = SHIPPED.read_text()
    assert read(text) == {"name": "redis-cache"}
    assert len(text.split("description: ")[1].split("\n")[0]) <= 1_024


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_example_is_a_command_that_we_have(words: list[str]) -> None:
    assert words.pop(0) == "skillcache"
    found: click.Command = group
    context = click.Context(group, info_name="skillcache")
    while isinstance(found, click.Group) and words:
        inner = found.get_command(context, words[0])
        if inner is None:
            break
        context = click.Context(inner, parent=context, info_name=words.pop(0))
        found = inner
    if isinstance(found, click.Group) and not found.invoke_without_command:  # `note TEXT` adds one
        inner = found.get_command(context, "add")
        assert inner is not None
        found = inner
    found.parse_args(click.Context(found, parent=context), words)
