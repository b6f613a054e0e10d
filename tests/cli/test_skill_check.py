"""What `skillcache skill check` says of a skill: in or out by which line, what is seen, and two runs held together."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from skillcache.cli.skill.rehearsal import Place, rehearse
from tests.cli.conftest import Person, Ran

BLOCK = "  skillcache:\n    args_are_files: true\n"
BARE = "---\nname: report\ndescription: Reports.\n{}---\nRun `python3 ${{CLAUDE_SKILL_DIR}}/run.py table.csv`.\n"
CACHED = "report: calls of its scripts are cached, by metadata.skillcache of SKILL.md.\n"
BESIDE = "\nWhat its scripts visibly do besides what is declared:\n"
NOTHING = "\nNothing is seen of 1 script besides what is declared.\n"
PRINTS = "import sys\nprint(open(sys.argv[1]).read(), end='')\n"


class Skill:
    """In the project that the person stands in; runs of any length are stored, unless a test says otherwise."""

    def __init__(self, person: Person) -> None:
        self.person = person
        person.variables["SKILLCACHE_MIN_DURATION_DECLARED"] = "0"
        self.project = person.home / "project"
        self.folder = self.project / ".claude/skills/report"
        self.folder.mkdir(parents=True)
        (self.project / "table.csv").write_text("1,2\n")

    def declare(self, block: str = BLOCK, script: str = PRINTS, name: str = "run.py") -> None:
        """`block`: what stands below `metadata:`, "" for a skill that declares nothing."""
        (self.folder / "SKILL.md").write_text(BARE.format(f"metadata:\n{block}" if block else ""))
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(script)

    def check(self, *arguments: str) -> Ran:
        return self.person.skillcache("skill", "check", str(self.folder), *arguments, folder=self.project)

    def tried(self, *words: str) -> tuple[int, str]:
        """What is said of a run, below what was said before it."""
        ran = self.check("--", *words)
        assert ran.err == ""
        return ran.status, ran.out.partition("\nRuns twice, in a copy of ")[2].partition("\n")[2]

    def seen(self, script: str, name: str, block: str = BLOCK) -> list[str]:
        """The remarks on a script."""
        self.declare(block, script, name)
        out = self.check().out
        return [line.strip() for line in out.partition(BESIDE)[2].partition("\n\n")[0].splitlines()]


@pytest.fixture
def skill(person: Person) -> Skill:
    return Skill(person)


def test_says_that_it_is_cached_and_runs_nothing(skill: Skill) -> None:
    skill.declare(script="open('/dev/null'); open(__file__ + '.ran', 'w')\n")
    skill.declare()
    before = skill.person.files()

    assert skill.check() == (
        0,
        CACHED + NOTHING + "\nNothing was run. To try what SKILL.md shows:\n"
        f"  skillcache skill check {skill.folder} -- python3 run.py table.csv\n",
        "",
    )
    assert skill.person.files() == before


def test_a_skill_that_shows_no_command_asks_for_one(skill: Skill) -> None:
    skill.declare(name="other.py")
    assert skill.check().out.endswith(
        "\nNothing was run. To try a script, give a command that runs it after --\n",
    )


def test_names_what_is_missing(skill: Skill) -> None:
    skill.declare("")
    ran = skill.check()
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.startswith(
        "report: not cached. SKILL.md has no metadata.skillcache, and no rule names the skill.\n"
        f"Mend: see what could stand there with: skillcache skill propose {skill.folder}\n"
    )


@pytest.mark.parametrize(
    ("block", "said", "mend"),
    [
        ("  skillcache:\n    ttl: 1h\n", "line 6: ttl: '1h' is no", "write a number without quotes and units, such"),
        ("  skillcache:\n    ttl: 60\n    cache: true\n", "line 7: cache is not a field", "use one of ttl, depends"),
        ("  skillcache:\n    outputs:\n      - a.txt\n      - /tmp/b.txt\n", "line 8: outputs: '/tmp/b.txt' is not",
         "write it relative to the directory that the script runs in"),
        ("  skillcache:\n    depends:\n      - *.md\n", "line 7: '*.md' must be quoted", "put it in quotes"),
        ("  skillcache:\n    failures: yes\n", "line 6: 'yes' must be quoted", "put it in quotes"),
        ('  skillcache:\n    failures: "yes"\n', "line 6: failures: 'yes' is neither", "write true or false"),
        ("  skillcache:\n    env:\n      - $STYLE\n", "line 7: '$STYLE' must be quoted", "put it in quotes"),
        ('  skillcache:\n    env: ["$STYLE"]\n', "line 6: env: '$STYLE' is no name", "write the name alone"),
        ("  skillcache:\n\n    ttl:\t60\n", "line 7: a line that is no plain key", "write it as key: value"),
        ("  skillcache:\n", "line 6: a key without a value", "write its value, or take the key out"),
    ],
)  # fmt: skip
def test_names_the_line_that_keeps_it_out(skill: Skill, block: str, said: str, mend: str) -> None:
    skill.declare(block)
    ran = skill.check()
    assert ran.status == 1
    assert ran.out.startswith(f"report: not cached. SKILL.md {said}"), ran.out
    assert f"\nMend: {mend}" in ran.out


def test_a_folder_of_another_name_keeps_it_out(skill: Skill) -> None:
    skill.declare()
    other = skill.project / "work/report"
    other.parent.mkdir()
    skill.folder.rename(other)
    ran = skill.person.skillcache("skill", "check", "work/report", folder=skill.project)
    assert ran.status == 1
    assert ran.out.startswith(
        f"report: not cached. {other} lies in no folder of the name skills.\n"
        "Mend: move it to .claude/skills/report, or to skills/report of a plugin\n"
    )


def test_a_rule_of_the_person_has_it_in_or_out(skill: Skill) -> None:
    skill.declare("")
    config = skill.person.home / ".config/skillcache/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[[rules]]\nmatch = "Skill(report)"\n')
    assert skill.check().out.startswith("report: calls of its scripts are cached, by your rule Skill(report).\n")
    config.write_text('[[rules]]\nmatch = "Skill(report)"\nenabled = false\n')
    ran = skill.check()
    assert ran.status == 1
    assert ran.out.startswith(
        f"report: not cached. your rule Skill(report) says enabled = false.\nMend: change it in {config}\n"
    )


def test_a_folder_without_a_skill_is_one_clear_line(skill: Skill) -> None:
    assert skill.check() == (
        1,
        "",
        (
            f"skillcache: {skill.folder} is no folder of a skill: there is no SKILL.md in it. Name one that has it, as"
            " in: skillcache skill check .claude/skills/NAME -- COMMAND\n"
        ),
    )


PYTHON = """\
import os, sys, random, time
import requests
from datetime import datetime as moment
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
OUT = "report.html"

def main():
    style = os.environ["STYLE"] or os.getenv("NO_COLOR")
    stamp = moment.now(), time.time()
    with open(OUT, "w") as out:
        out.write(random.choice("ab"))
    for name in os.listdir("."):
        Path("list.txt").write_text(name)
    settings = Path.home() / ".config" / "report.toml"
    home = os.path.expanduser("~/.netrc")
    return 1 if style else 0

if __name__ == "__main__":
    sys.exit(main())
"""
SHELL = """\
#!/bin/bash
# exit 3, curl and $NOTHING stand in a comment
set -e
HERE="$(cd "$(dirname "$0")" && pwd)"
source "$HERE/../../lib.sh"
LEVEL="${LEVEL:-2}"
NAME=x
echo 'echo > quoted.txt' "$NAME" "$TOKEN" > out.txt
cat <<END > /dev/null
exit 4 > heredoc.txt
END
curl -s https://example.com | tee ~/.cache/page
[[ 2 > 1 ]] && echo $(date) $RANDOM 2>&1
find . -name '*.md'
exit 1
"""
NODE = """\
// process.exit(4); fetch("x")
import fs from "node:fs";
import { shared } from "../../shared.js";
import axios from 'axios';
const { STYLE, CI } = process.env;
const token = process.env.TOKEN ?? process.env["OTHER"];
fs.writeFileSync("out.html", `${Date.now()}`);
console.log("a // b", Math.random(), new Date(), process.cwd());
const settings = os.homedir();
process.exit(token ? 1 : 0);
"""


HOLDS = ": what answers there is not looked at, and a result holds for a day, unless a ttl says less"
TELLS = ": a replay tells the time of the run that was stored"
DREW = ": a replay gives what the stored run drew"
ABOVE = ": it counts from beside the skill and from its plugin, else under depends"
HERE = ": files it finds there count where they are under depends"
REPORT = ": such a run is a report as well with failures: true"


def test_says_what_python_visibly_does(skill: Skill) -> None:
    assert skill.seen(PYTHON, "scripts/run.py") == [
        "scripts/run.py:2 uses the network (requests)" + HOLDS,
        "scripts/run.py:7 takes code from above the skill (sys.path)" + ABOVE,
        "scripts/run.py:11 reads the environment variable STYLE: list it under env",
        "scripts/run.py:12 reads the clock (datetime.datetime.now)" + TELLS,
        "scripts/run.py:12 reads the clock (time.time)" + TELLS,
        "scripts/run.py:13 writes report.html: list it under outputs",
        "scripts/run.py:14 draws at random (random.choice)" + DREW,
        "scripts/run.py:15 looks at the directory it runs in (os.listdir)" + HERE,
        "scripts/run.py:16 writes list.txt: list it under outputs",
        "scripts/run.py:17 reads ~/.config/report.toml: list it under depends",
        "scripts/run.py:18 reads ~/.netrc: list it under depends",
        "scripts/run.py:19 ends with 1" + REPORT,
    ]


def test_what_is_declared_is_not_remarked_on(skill: Skill) -> None:
    block = "  skillcache:\n    failures: true\n    env: STYLE\n    outputs:\n      - report.html\n      - '*.txt'\n"
    block += "    depends:\n      - '**'\n      - ~/.config/**\n      - ~/.netrc\n"
    said = skill.seen(PYTHON, "scripts/run.py", block)
    assert [" ".join(line.split()[:2]) for line in said] == [
        "scripts/run.py:2 uses",
        "scripts/run.py:7 takes",
        "scripts/run.py:12 reads",
        "scripts/run.py:12 reads",
        "scripts/run.py:14 draws",
    ]


def test_says_what_a_shell_script_visibly_does(skill: Skill) -> None:
    assert skill.seen(SHELL, "scripts/run.sh") == [
        "scripts/run.sh:5 takes code from above the skill ($HERE/../../lib.sh)" + ABOVE,
        "scripts/run.sh:6 reads the environment variable LEVEL: list it under env",
        "scripts/run.sh:8 reads the environment variable TOKEN: list it under env",
        "scripts/run.sh:8 writes out.txt: list it under outputs",
        "scripts/run.sh:12 reads ~/.cache/page: list it under depends",
        "scripts/run.sh:12 uses the network (curl)" + HOLDS,
        "scripts/run.sh:12 writes ~/.cache/page: a replay does not, and nothing beyond the worktree is put back",
        "scripts/run.sh:13 reads the clock (date)" + TELLS,
        "scripts/run.sh:13 draws at random (RANDOM)" + DREW,
        "scripts/run.sh:14 looks at the directory it runs in (find .)" + HERE,
        "scripts/run.sh:15 ends with 1" + REPORT,
    ]


@pytest.mark.parametrize("name", ["scripts/run.js", "scripts/run.ts"])
def test_says_what_a_script_for_node_visibly_does(skill: Skill, name: str) -> None:
    assert skill.seen(NODE, name) == [
        name + ":3 takes code from above the skill (../../shared.js)" + ABOVE,
        name + ":4 uses the network (axios)" + HOLDS,
        name + ":5 reads the environment variable STYLE: list it under env",
        name + ":6 reads the environment variable OTHER: list it under env",
        name + ":6 reads the environment variable TOKEN: list it under env",
        name + ":7 reads the clock (Date.now)" + TELLS,
        name + ":7 writes out.html: list it under outputs",
        name + ":8 reads the clock (new Date)" + TELLS,
        name + ":8 looks at the directory it runs in (process.cwd)" + HERE,
        name + ":8 draws at random (Math.random)" + DREW,
        name + ":9 reads the home folder: list what it reads there under depends",
        name + ":10 ends with 1" + REPORT,
    ]


def test_a_status_that_tells_of_trouble_is_remarked_on_where_it_would_be_replayed(skill: Skill) -> None:
    script = "import os, sys\nif not os.path.exists('a'):\n    sys.exit(2)\n"
    shell = "command -v jq || {\n  exit 2\n}\n"
    node = "if (!fs.existsSync(path)) {\n  process.exit(2);\n}\n"
    said = "ends with 2 where something is missing or fails: that is replayed as well"
    for text, name, line in ((script, "run.py", 3), (shell, "run.sh", 2), (node, "run.js", 2)):
        assert skill.seen(text, name) == []
        assert skill.seen(text, name, "  skillcache:\n    failures: true\n") == [f"{name}:{line} {said}"]
        (skill.folder / name).unlink()


def test_a_text_over_several_lines_is_no_command(skill: Skill) -> None:
    script = (
        "jq '\n  if .a > 0 then 1\n  ; curl x\n' data.json\n# it's a comment\necho \"don't\n > b.txt\n\"\n"
        'echo "$(curl -s "$URL" > got.txt)"\n'
    )
    assert [line.partition(":")[2].partition(":")[0] for line in skill.seen(script, "run.sh")] == [
        "9 uses the network (curl)",
        "9 reads the environment variable URL",
        "9 writes got.txt",
    ]


def test_what_a_shell_script_prints_is_no_file(skill: Skill) -> None:
    script = 'echo "a > b; c > d.txt"\n[ 2 > 1 ]\ncat "my file" > "$OUT"\nmkdir -p "a b"\n'
    assert skill.seen(script, "run.sh", "  skillcache:\n    env: OUT\n") == [
        "run.sh:3,4 writes files: list what it leaves under outputs"
    ]


def test_lines_that_show_the_same_are_one_remark(skill: Skill) -> None:
    script = "import os\nprint(os.environ['A'])\nprint(os.getenv('A'))\n"
    assert skill.seen(script, "run.py") == ["run.py:2,3 reads the environment variable A: list it under env"]


def test_a_script_that_cannot_be_read_is_named(skill: Skill) -> None:
    skill.declare(script="print 'old'\n", name="old.py")
    (skill.folder / "run.rb").write_text("puts 1\n")
    out = skill.check().out
    for name in ("old.py", "run.rb"):
        assert f"  {name} was not read: no language that is known here\n" in out


RUN = (sys.executable, ".claude/skills/report/run.py", "table.csv")


def test_two_equal_runs_are_said_to_be(skill: Skill) -> None:
    skill.declare()
    before = skill.person.files()
    ran = skill.check("--", *RUN)
    assert ran == (
        0,
        CACHED + NOTHING + f"\nRuns twice, in a copy of {skill.project}: {' '.join(RUN)}\n"
        "Both runs gave the same: status 0, 4 bytes of output.\n",
        "",
    )
    assert skill.person.files() == before


@pytest.mark.parametrize(
    "spelled",
    ["run.py", "./run.py", "{}/run.py", "${{CLAUDE_SKILL_DIR}}/run.py", ".claude/skills/../skills/report/run.py"],
)
def test_every_spelling_of_the_script_runs_that_of_the_copy(skill: Skill, spelled: str) -> None:
    skill.declare(script="print(__file__)\n")
    spelled = spelled.format(skill.folder)
    if "/" not in spelled:
        skill.declare(script="print(__file__)\n", name="scripts/run.py")
        spelled = "scripts/run.py"
    status, said = skill.tried(sys.executable, spelled)
    assert status == 0
    assert said.startswith("Both runs gave the same: status 0, ")
    assert str(skill.folder) not in said


@pytest.mark.parametrize("where", ["home", "plugin"])
def test_a_skill_from_elsewhere_brings_what_it_shares(skill: Skill, where: str) -> None:
    top = skill.person.home / (".claude" if where == "home" else "tools")
    shared = top / ("skills/shared" if where == "home" else "lib")
    if where == "plugin":
        (top / ".claude-plugin").mkdir(parents=True)
        (top / ".claude-plugin/plugin.json").write_text('{"name": "tools"}')
    shared.mkdir(parents=True)
    (shared / "words.py").write_text("HELLO = 'hello'\n")
    up = "parents[1] / 'shared'" if where == "home" else "parents[2] / 'lib'"
    skill.folder = top / "skills/report"
    skill.folder.mkdir(parents=True)
    skill.declare(
        script=f"import sys, pathlib\nsys.path.insert(0, str(pathlib.Path(__file__).{up}))\n"
        "import words\nprint(words.HELLO)\n"
    )
    before = skill.person.files()
    assert skill.tried(sys.executable, "-B", str(skill.folder / "run.py")) == (
        0,
        "Both runs gave the same: status 0, 6 bytes of output.\n",
    )
    assert skill.person.files() == before


COUNTS = """\
import os
path = '{}'
number = int(open(path).read()) if os.path.exists(path) else 0
open(path, 'w').write(str(number + 1))
"""


@pytest.mark.table
@pytest.mark.parametrize(
    ("prints", "how", "first", "second"),
    [
        ("f'at 12:00:0{number}'", "in a time", "at 12:00:00", "at 12:00:01"),
        ("f'in {number}.5 s'", "in a time", "in 0.5 s", "in 1.5 s"),
        ("f'/run/a{number}/b'", "in a path", "/run/a0/b", "/run/a1/b"),
        ("f'found {number}'", "in a number", "found 0", "found 1"),
        ("'b\\na' if number else 'a\\nb'", "in the order of its lines", "a", "b"),
        ("'b a' if number else 'a b'", "in the order of its words", "a b", "b a"),
        ("'other' if number else 'one'", "in its text", "one", "other"),
    ],
)
def test_says_in_what_two_runs_differ(
    skill: Skill, tmp_path: Path, prints: str, how: str, first: str, second: str
) -> None:
    skill.declare(script=COUNTS.format(tmp_path / "count") + f"print('same')\nprint({prints})\n")
    said = f"The runs differ:\n  standard output differs {how}, first in line 2\n"
    assert skill.tried(*RUN) == (1, said + f"    first:  {first}\n    second: {second}\n")


def test_status_standard_error_and_files_are_compared_as_well(skill: Skill, tmp_path: Path) -> None:
    skill.declare(
        "  skillcache:\n    failures: true\n    outputs:\n      - '*.txt'\n      - b.bin\n",
        COUNTS.format(tmp_path / "count")
        + "import sys\nprint(number, file=sys.stderr)\nopen('a.txt', 'w').write(f'\\n{number}')\n"
        "open('b.bin', 'wb').write(bytes([255, number]))\n"
        "open(f'{number}.txt', 'w')\nsys.exit(number)\n",
    )
    assert skill.tried(*RUN) == (1, (
        "The runs differ:\n"
        "  the status\n    first:  0\n    second: 1\n"
        "  0.txt\n    first:  written\n    second: not written\n"
        "  1.txt\n    first:  not written\n    second: written\n"
        "  standard error differs in a number, first in line 1\n    first:  0\n    second: 1\n"
        "  a.txt differs in a number, first in line 2\n    first:  0\n    second: 1\n"
        "  b.bin differs in bytes that are no text\n    first:  2 bytes\n    second: 2 bytes\n"
    ))  # fmt: skip


def test_outputs_are_removed_in_between(skill: Skill) -> None:
    block = "  skillcache:\n    outputs:\n      - out.txt\n"
    skill.declare(block, "import os\nprint(os.path.exists('out.txt'))\nopen('out.txt', 'w').write('x')\n")
    assert skill.tried(*RUN[:2]) == (0, "Both runs gave the same: status 0, 6 bytes of output, out.txt.\n")
    (skill.project / "out.txt").write_text("from before")
    status, said = skill.tried(*RUN[:2])
    assert status == 1
    assert said.endswith(
        "  standard output differs in its text, first in line 1\n    first:  True\n    second: False\n"
    )
    assert (skill.project / "out.txt").read_text() == "from before"


@pytest.mark.table
@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "open('n.html', 'w')\n",
            "the run wrote files that nobody has declared: n.html was written and is no output",
        ),
        ("import sys\nsys.exit(1)\n", "it ended with 1, and failures: true is not said"),
        ("print('AKIA' + 'QWERTYUIOPASDFGH')\n", "something in its result looks like a credential"),
        ("print('x' * 6_000_000)\n", "its result is longer than max_output, 5000000 bytes"),
    ],
)
def test_says_what_a_hook_would_not_store(skill: Skill, script: str, why: str) -> None:
    skill.declare("  skillcache:\n    ttl: 60\n", script)
    status, said = skill.tried(*RUN[:2])
    assert status == 1
    assert said.endswith(f"What keeps this command out:\n  {why}\n")


@pytest.mark.parametrize("words", [("python3", "-c", "print(1)"), ("cat", "table.csv")])
def test_a_command_that_runs_no_script_of_a_skill_is_said_to_be_none(skill: Skill, words: tuple[str, ...]) -> None:
    skill.declare()
    status, said = skill.tried(*words)
    assert status == 1
    assert said.endswith(
        "What keeps this command out:\n  the command is known for none that runs a script of the skill\n"
    )


def test_a_missing_argument_is_what_keeps_the_command_out(skill: Skill) -> None:
    skill.declare()
    status, said = skill.tried(*RUN[:2], "gone.csv")
    assert status == 1
    assert (
        "What keeps this command out:\n  something the command may read cannot be captured: gone.csv is no file\n"
        in said
    )


def test_a_run_reads_nothing_from_the_terminal(skill: Skill) -> None:
    skill.declare("  skillcache:\n    ttl: 60\n", "import sys\nprint(repr(sys.stdin.read()))\n")
    ran = skill.person.skillcache(
        "skill", "check", str(skill.folder), "--", *RUN[:2], folder=skill.project, answer="typed\n"
    )
    assert ran.out.endswith("\nBoth runs gave the same: status 0, 3 bytes of output.\n")


def test_a_run_that_was_too_quick_is_said_to_be(skill: Skill) -> None:
    skill.person.variables["SKILLCACHE_MIN_DURATION_DECLARED"] = "600"
    skill.person.variables["SKILLCACHE_MIN_DURATION"] = "600"
    skill.declare()
    status, said = skill.tried(*RUN)
    assert status == 0
    assert said.endswith(": runs under 10 min 0 s are not stored (min_duration_declared).\n")


def test_a_program_that_is_not_there_is_one_clear_line(skill: Skill) -> None:
    skill.declare()
    ran = skill.check("--", "no-such-program", "run.py")
    assert (ran.status, ran.err) == (
        1,
        (
            "skillcache: no-such-program: No such file or directory. Name what can be started:"
            " skillcache skill check DIR -- COMMAND\n"
        ),
    )


def test_what_a_run_leaves_running_is_ended(skill: Skill, tmp_path: Path) -> None:
    skill.declare(
        "  skillcache:\n    ttl: 60\n",
        "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n",
    )
    assert skill.tried(*RUN[:2])[0] == 0
    state = Path(f"/proc/{(tmp_path / 'child').read_text()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_run_that_does_not_end_is_stopped(skill: Skill) -> None:
    skill.declare("  skillcache:\n    ttl: 60\n", "import time\nprint('begun', flush=True)\ntime.sleep(600)\n")
    place = Place(str(skill.folder), str(skill.project), skill.person.variables, (), 5_000_000, longest=2.5)
    tried = rehearse(RUN[:2], place)
    assert (len(tried.runs), tried.runs[0].ended, tried.out) == (1, False, ("it was stopped after 2.5 s",))
    assert tried.differences == ()


def test_a_directory_that_is_too_large_is_not_copied(skill: Skill) -> None:
    skill.declare()
    with (skill.project / "large.bin").open("wb") as large:
        large.truncate((1 << 29) + 1)
    assert skill.check("--", *RUN)[::2] == (
        1,
        (
            f"skillcache: {skill.project} is too large to be copied. Go to a smaller folder, then:"
            " skillcache skill check DIR -- COMMAND\n"
        ),
    )


def test_a_skill_behind_a_link_is_known_by_the_link(skill: Skill) -> None:
    skill.declare()
    real = skill.person.home / "source"
    skill.folder.rename(real)
    skill.folder.symlink_to(real)
    assert skill.check().out.startswith(CACHED)
    assert skill.tried(*RUN) == (0, "Both runs gave the same: status 0, 4 bytes of output.\n")


def test_one_object_says_it_all(skill: Skill) -> None:
    skill.declare("  skillcache:\n    ttl: 60\n", "import os\nprint(os.environ.get('STYLE'))\n")
    ran = skill.check("--json", "--", *RUN[:2])
    assert json.loads(ran.out) == {
        "skill": "report",
        "cached": True,
        "line": 0,
        "why": "metadata.skillcache of SKILL.md",
        "instead": "",
        "visible": [
            {
                "script": "run.py",
                "lines": [2],
                "kind": "variable",
                "name": "STYLE",
                "text": "reads the environment variable STYLE: list it under env",
            }
        ],
        "run": {"command": list(RUN[:2]), "status": [0, 0], "files": [], "keeps_out": [], "differences": []},
    }


@pytest.mark.parametrize(("name", "script"), [
    ("run.py", 'import subprocess\nsubprocess.run(["git", "log"])\n'),
    ("run.sh", "\ngit log --oneline\n"),
    ("run.js", '\nexecSync("git log")\n'),
])  # fmt: skip
def test_says_that_the_state_of_git_is_in_no_key(skill: Skill, name: str, script: str) -> None:
    said = "reads git's state, which is in no key: declare a version and raise it, or leave the script out"
    assert skill.seen(script, name) == [f"{name}:2 {said}"]
    assert skill.seen(script, name, f"{BLOCK}    version: 2\n") == []


@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_into_the_project_leads_into_the_copy(skill: Skill, absolute: bool) -> None:
    skill.declare(
        "  skillcache:\n    outputs:\n      - o.txt\n",
        'open("o.txt", "w").write("1")\nopen("lk/w", "w").write("by the check")\nprint(open("lk/here").read())\n',
    )
    (skill.project / "real").mkdir()
    (skill.project / "real/here").write_text("here\n")
    (skill.project / "lk").symlink_to(skill.project / "real" if absolute else "real")
    status, said = skill.tried("python3", ".claude/skills/report/run.py")
    assert status == 1
    assert "real/w was written and is no output" in said
    assert [path.name for path in (skill.project / "real").iterdir()] == ["here"]
