"""The block that `skillcache skill propose` writes: what is in it, how it is written, and that readers take it."""

from __future__ import annotations

import pytest
import yaml

from skillcache.rules.skills import manifest
from tests.cli.conftest import Person, Ran

SCRIPT = """\
import argparse, os, sys, glob
from datetime import date
parser = argparse.ArgumentParser()
parser.add_argument("-o", "--output")
config = os.path.expanduser("~/.config/report.toml")
names = glob.glob("docs/*.md")
style = os.environ.get("STYLE", os.environ.get("LEVEL"))
print(open("data/words.txt").read(), os.environ["HOME"], os.environ["CI"], date.today())
open("report.txt", "w").write("x")
sys.exit(1 if names else 0)
"""
BODY = "# Reports\n\n```sh\npython3 ${CLAUDE_SKILL_DIR}/scripts/run.py <table.csv> \\\n    -o out.html --quiet\n```\n"
HEAD = "---\nname: report\ndescription: Reports.\n"
BLOCK = """\
  skillcache:
    ttl: 3600
    depends:
      - ~/.config/report.toml
      - docs/*.md
      - data/words.txt
    env:
      - LEVEL
      - STYLE
    args_are_files: true
    failures: true
    outputs:
      - report.txt
      - {}
"""
# What an output says that names an argument, where this version reads it.
NAMED = "out.html" if manifest.fault_of_output("{-o,--output}") else '"{-o,--output}"'


class Skill:
    def __init__(self, person: Person) -> None:
        self.person = person
        self.folder = person.home / "skills/report"
        self.file = self.folder / "SKILL.md"

    def write(self, head: str = HEAD, body: str = BODY, script: str = SCRIPT, name: str = "scripts/run.py") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        self.file.write_bytes(f"{head}---\n{body}".encode())

    def propose(self, *options: str) -> Ran:
        return self.person.skillcache("skill", "propose", *options, "skills/report")

    def block(self) -> str:
        ran = self.propose()
        assert (ran.status, ran.err) == (0, "")
        return ran.out.partition("\n\nWhy:\n")[0] + "\n"


@pytest.fixture
def skill(person: Person) -> Skill:
    return Skill(person)


def test_proposes_what_the_scripts_and_the_text_show(skill: Skill) -> None:
    skill.write()
    before = skill.person.files()
    shows = "SKILL.md shows scripts/run.py -o" + (" out.html" if NAMED == "out.html" else "")

    assert skill.propose() == (0, (
        f"metadata:\n{BLOCK.format(NAMED)}"
        "\nWhy:\n"
        "  ttl: scripts/run.py:8 reads the clock (datetime.date.today)\n"
        "  depends: scripts/run.py:5 reads ~/.config/report.toml\n"
        "  depends: scripts/run.py:6 reads docs/*.md\n"
        "  depends: scripts/run.py:8 reads data/words.txt\n"
        "  env: scripts/run.py:7 reads LEVEL\n"
        "  env: scripts/run.py:7 reads STYLE\n"
        "  args_are_files: SKILL.md shows run.py table.csv\n"
        "  failures: scripts/run.py:10 ends with 1\n"
        "  outputs: scripts/run.py:9 writes report.txt\n"
        f"  outputs: {shows}\n"
        "\nIt is right for scripts that only report and write files, and wrong for those that are run for what they do."
        f"\nPut it in with: skillcache skill propose --write {skill.folder}\n"
    ), "")  # fmt: skip
    assert skill.person.files() == before


def test_writes_the_block_and_nothing_else(skill: Skill) -> None:
    skill.write()
    skill.file.chmod(0o640)
    ran = skill.propose("--write")
    assert (ran.status, ran.err) == (0, "")
    assert skill.file.read_text() == f"{HEAD}metadata:\n{BLOCK.format(NAMED)}---\n{BODY}"
    assert skill.file.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in skill.folder.iterdir()} == {"scripts", "SKILL.md"}
    assert ran.out.endswith(
        f"\n{skill.file} declares it now. Try it with:\n"
        f"  skillcache skill check {skill.folder} -- python3 scripts/run.py table.csv -o out.html --quiet\n"
    )


def test_our_own_reader_and_yaml_s_take_what_is_written(skill: Skill) -> None:
    skill.write()
    skill.propose("--write")
    said = manifest.read(str(skill.folder), frozenset())
    assert said is not None
    assert said.declared is not None
    found = {name: getattr(said.declared, name) for name in manifest.Declaration.__slots__}
    assert found == {
        "ttl": 3600,
        "depends": ("~/.config/report.toml", "docs/*.md", "data/words.txt"),
        "env": ("LEVEL", "STYLE"),
        "args_are_files": True,
        "failures": True,
        "outputs": ("report.txt", NAMED.strip('"')),
        "version": "",
    }
    head = yaml.safe_load(skill.file.read_text().split("---\n")[1])
    assert head["metadata"]["skillcache"] == {
        name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if value != ""
    }


@pytest.mark.parametrize(
    ("head", "block"),
    [
        # Below metadata that is there, as deep as its own keys, before them.
        (HEAD + "metadata:\n    author: a\n    tags:\n        - 'x'\n",
         "    skillcache:\n        depends:\n            - '**'\n"),
        # A list that is not indented, and double quotes.
        (HEAD + 'allowed-tools:\n- "Bash"\n- "Read"\n', 'metadata:\n  skillcache:\n    depends:\n    - "**"\n'),
        (HEAD + "allowed-tools:\n    - 'Bash'\n", "metadata:\n    skillcache:\n        depends:\n            - '**'\n"),
        (HEAD + "metadata:\n# nothing yet\nlicense: MIT\n", '  skillcache:\n    depends:\n      - "**"\n'),
        ("---\r\nname: report\r\ndescription: >\r\n  Reports,\r\n  all.\r\n",
         'metadata:\n  skillcache:\n    depends:\n      - "**"\n'),
    ],
)  # fmt: skip
def test_writes_as_the_file_is_written(skill: Skill, head: str, block: str) -> None:
    skill.write(head, body="", script="import os\nprint(os.listdir())\n")
    before = skill.file.read_bytes()
    assert skill.block() == block
    assert skill.propose("--write").status == 0
    after = skill.file.read_bytes()
    lines = block.replace("\n", "\r\n").encode() if b"\r" in before else block.encode()
    assert after.count(lines) == 1
    assert after.replace(lines, b"") == before
    assert yaml.safe_load(after.decode().split("---", 2)[1])["metadata"]["skillcache"] == {"depends": ["**"]}


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (HEAD + "metadata: {author: a}\n", "line 4: metadata has its value on the same line."),
        (HEAD + "metadata:\n  - a\n", "line 4: metadata is a list."),
        (HEAD + "metadata:\n  skillcache:\n    ttl: 60\n", "line 5: it declares already what it depends on. Mend: "),
        (HEAD + "metadata:\n\tauthor: a\n", "line 5: a line that is no plain key with a value."),
        ("name: report\n", "line 1: there is no frontmatter."),
        ("---\nname: [\n", "line 3: a bracket that is not closed."),
    ],
)
def test_leaves_alone_what_is_not_surely_understood(skill: Skill, head: str, said: str) -> None:
    skill.write(head)
    before = skill.file.read_bytes()
    for options in ((), ("--write",)):
        ran = skill.propose(*options)
        assert (ran.status, ran.out) == (1, "")
        assert ran.err.startswith(f"skillcache: SKILL.md {said}"), ran.err
    assert skill.file.read_bytes() == before


@pytest.mark.parametrize(
    ("body", "files"),
    [
        ("`python3 scripts/run.py INPUT_FILE`", True),
        ("`uv run ./scripts/run.py path/to/notes.md`", True),
        ("`python3 scripts/run.py $FILE`", True),
        ("`python3 scripts/run.py a.csv` or `python3 scripts/run.py b.csv --json`", True),
        ("`python3 scripts/run.py --month 5 a.csv`", False),
        ("`python3 scripts/run.py https://example.com/a.csv`", False),
        ("`python3 scripts/run.py a.csv` or `python3 scripts/run.py list`", False),
        ("`python3 scripts/run.py`", False),
        ("`python3 scripts/run.py output.csv` or `python3 scripts/run.py b.csv`", False),
        ("python3 scripts/run.py a.csv, which is no code", False),
    ],
)
def test_arguments_are_files_where_every_one_that_is_shown_is(skill: Skill, body: str, files: bool) -> None:
    skill.write(body=body, script="print(1)\n")
    expected = "args_are_files: true" if files else "ttl: 86400"
    assert skill.block() == f"metadata:\n  skillcache:\n    {expected}\n"


@pytest.mark.skipif(manifest.fault_of_output("{2}") != "", reason="outputs of this version name no argument")
@pytest.mark.parametrize(
    ("body", "outputs"),
    [
        ("`python3 scripts/run.py a.pdf output.pdf` or `python3 scripts/run.py b.pdf <output.pdf>`", ["{2}"]),
        ("`python3 scripts/run.py a.pdf output.pdf` or `python3 scripts/run.py a.pdf b.pdf`", None),
    ],
)
def test_a_word_that_is_an_output_in_every_command_is_one(skill: Skill, body: str, outputs: list[str] | None) -> None:
    skill.write(body=body, script="print(1)\n")
    assert yaml.safe_load(skill.block())["metadata"]["skillcache"].get("outputs") == outputs


@pytest.mark.parametrize(
    ("script", "proposed"),
    [
        ("import sys\nif print():\n    sys.exit(1)\n", True),
        ("import sys\ndef main():\n    return 1 if print() else 0\nraise SystemExit(main())\n", True),
        ("import sys\nif len(sys.argv) < 2:\n    sys.exit(1)\n", False),
        ("import sys\ntry:\n    import markdown\nexcept ImportError:\n    sys.exit(1)\n", False),
        ("import sys\nsys.exit('no such file')\n", False),
        ("import sys, requests\nif print():\n    sys.exit(1)\n", False),
    ],
)
def test_failures_are_findings_where_a_script_ends_so_by_what_it_found(
    skill: Skill, script: str, proposed: bool
) -> None:
    skill.write(body="", script=script)
    assert ("failures: true" in skill.block()) is proposed


def test_a_format_is_no_output(skill: Skill) -> None:
    skill.write(body="`python3 scripts/run.py a.csv --output json`", script="print(1)\n")
    assert "outputs" not in skill.block()


def test_a_path_in_the_text_is_no_command(skill: Skill) -> None:
    skill.write(body="See `scripts/run.py` and `scripts/run.py notes.md`.\n", script="print(1)\n")
    ran = skill.propose("--write")
    assert ran.out.endswith(f"  skillcache skill check {skill.folder} -- scripts/run.py notes.md\n")


def test_a_skill_without_scripts_has_nothing_to_declare(skill: Skill) -> None:
    skill.write(name="notes.txt", script="none")
    assert skill.propose() == (
        1,
        "",
        (
            f"skillcache: {skill.folder} holds no script: there is nothing to declare. Mend: put them into"
            f" {skill.folder}/scripts. Then: skillcache skill propose {skill.folder}\n"
        ),
    )


def test_a_file_behind_a_link_is_written_where_it_is(skill: Skill) -> None:
    skill.write()
    real = skill.folder / "docs/real.md"
    real.parent.mkdir()
    skill.file.rename(real)
    skill.file.symlink_to(real)
    assert skill.propose("--write").status == 0
    assert skill.file.is_symlink()
    assert "skillcache:" in real.read_text()


def test_says_what_no_block_says_by_itself(skill: Skill) -> None:
    script = "import subprocess, sys\nfor one in sys.argv[1:]:\n    open(one + '.html', 'w').write('x')\n"
    skill.write(script=f"{script}subprocess.run(['git', 'log'])\n", body="# Reports\n")
    skill.write(script="git log --oneline\n", body="# Reports\n", name="scripts/log.sh")
    said = (
        "By hand:\n"
        "  scripts/log.sh:1 reads git's state, which is in no key: declare a version and raise it, or leave the script"
        " out\n"
        "  scripts/run.py:3 writes to a name that it makes up: complete outputs by hand\n"
        "  scripts/run.py:4 reads git's state, which is in no key: declare a version and raise it, or leave the script"
        " out\n"
    )
    assert f"\n\n{said}\n" in skill.propose().out
    assert f"\n\n{said}\n" in skill.propose("--write").out


def test_a_link_that_leads_out_of_the_skill_is_not_written_through(skill: Skill) -> None:
    skill.write()
    elsewhere = skill.person.home / "elsewhere.md"
    skill.file.rename(elsewhere)
    skill.file.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    ran = skill.propose("--write")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        f"skillcache: {skill.file} leads to {elsewhere}, outside the skill and its worktree: write into that yourself"
        f" what is printed by: skillcache skill propose {skill.folder}\n"
    )
    assert (elsewhere.read_bytes(), skill.file.is_symlink()) == (before, True)


@pytest.mark.parametrize("script", ["-" * 200_000 + "1", "a" + ".a" * 200_000, "(" * 90_000, "x = '\0'"])
def test_a_script_that_no_parser_bears_is_unread(skill: Skill, script: str) -> None:
    skill.write(script=script)
    assert skill.propose().status == 0
    ran = skill.person.skillcache("skill", "check", "skills/report")
    assert "scripts/run.py was not read" in ran.out
    assert ran.err == ""
