"""What stands where a script writes and what it is given there: read by it, and so a part of its result."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import redis

from skillcache.stores.entry import decode
from tests.conftest import RedisServer
from tests.shims.shell import Shell

_HEAD = 'import glob, os, sys\nopen(os.environ["COUNTER"], "a").write("run\\n")\n'


class Place:
    """A shell with one skill `s`, whose script reads and writes in the project."""

    def __init__(self, base: Path) -> None:
        self.shell = Shell(base, "bash", plain=True)
        self.shell.environ["SKILLCACHE_MIN_DURATION_DECLARED"] = "0"
        self.root = self.shell.project
        (self.root / "data").unlink()
        self.folder = self.root / ".claude/skills/s"
        self.folder.mkdir(parents=True)

    def skill(self, script: str, **fields: list[str]) -> None:
        block = "".join(
            f"    {name}:\n" + "".join(f'      - "{each}"\n' for each in values) for name, values in fields.items()
        )
        declared = f"metadata:\n  skillcache:\n    ttl: 900\n{block}"
        (self.folder / "SKILL.md").write_text(f"---\nname: s\ndescription: Does.\n{declared}---\n")
        (self.folder / "s.py").write_text(_HEAD + script)
        self.shell.start()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def call(self, given: str = "") -> tuple[str, bool]:
        """What it printed, and whether it was replayed."""
        before = self.shell.runs()
        done = self.shell.call(f"python3 .claude/skills/s/s.py {given}".strip())
        return done.stdout, self.shell.runs() == before

    def key(self, given: str = "") -> str:
        return self.shell.key(f"python3 .claude/skills/s/s.py {given}".strip())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


READ_ARGUMENT = 'print(open(sys.argv[1]).read())\nopen("out.txt", "w").write(open(sys.argv[1]).read().upper())\n'
READ_CSV = 'print([open(one).read() for one in sorted(glob.glob("data/*.csv")) if "out" not in one])\n'
WRITE_CSV = 'os.makedirs("data", exist_ok=True)\nopen("data/out.csv", "w").write("o")\n'
CASES = {
    "an argument that a glob of outputs names": (READ_ARGUMENT, {"outputs": ["*.txt"]}, "in.txt", "in.txt"),
    "a declared input": (READ_CSV + WRITE_CSV, {"depends": ["data/**"], "outputs": ["data/*.csv"]}, "", "data/in.csv"),
    "a file in a folder that is given": (READ_CSV + WRITE_CSV, {"outputs": ["data/*"]}, "data", "data/in.csv"),
    "everything": (READ_CSV + WRITE_CSV, {"depends": ["**"], "outputs": ["**"]}, "", "data/in.csv"),
    "a file that nobody names": (READ_CSV + WRITE_CSV, {"outputs": ["data/*.csv"]}, "", "data/in.csv"),
}


@pytest.mark.table
@pytest.mark.parametrize("case", CASES)
def test_what_stands_there_and_is_read_counts(place: Place, case: str) -> None:
    script, fields, given, path = CASES[case]
    place.skill(script, **fields)
    place.write(path, "one")
    (first, _), (second, is_replayed) = place.call(given), place.call(given)
    assert (first, second, is_replayed, "one" in first) == (first, first, True, True)
    place.write(path, "two")
    told, is_replayed = place.call(given)
    assert ("two" in told, is_replayed) == (True, False)
    assert "two" in place.call(given)[0]


def test_what_is_rewritten_in_place_is_given_only_where_nothing_changes(place: Place) -> None:
    script = (
        'text = open(sys.argv[1]).read()\nprint("unchanged" if text == text.upper() else "changed")\n'
        'open(sys.argv[1], "w").write(text.upper())\n'
    )
    for outputs in (["*.txt"], ["{1}"]):
        place.skill(script, outputs=outputs)
        place.write("a.txt", "abc")
        told = [place.call("a.txt") for _ in range(3)]
        assert told == [("changed\n", False), ("unchanged\n", False), ("unchanged\n", True)]
        place.write("a.txt", "abc")
        assert place.call("a.txt") == ("changed\n", False)
        (place.root / "a.txt").unlink()
        assert place.call("a.txt")[1] is False


def test_what_a_fresh_run_would_have_removed_is_left_to_one(place: Place) -> None:
    place.skill(
        'for one in glob.glob("site/*.html"):\n    os.remove(one)\nos.makedirs("site", exist_ok=True)\n'
        'for one in sys.argv[1:]:\n    open(f"site/{one}.html", "w").write(one)\nprint("built", len(sys.argv) - 1)\n',
        outputs=["site/*.html"],
    )
    for given in ("a b", "a"):
        assert place.call(given)[1] is False
        shutil.rmtree(place.root / "site")
    assert place.call("a b")[1] is True
    assert place.call("a") == ("built 1\n", False)
    assert os.listdir(place.root / "site") == ["a.html"]


def test_an_output_of_another_run_counts_where_it_stands(place: Place) -> None:
    place.skill(
        'found = sorted(glob.glob("rep-*.md"))\nprint(found)\n'
        'open(f"rep-{sys.argv[1]}.md", "w").write(str(len(found)))\n',
        outputs=["rep-*.md"],
    )
    assert [place.call("a"), place.call("a")] == [("[]\n", False), ("[]\n", True)]
    (place.root / "rep-a.md").unlink()
    place.write("rep-b.md", "z")
    assert [place.call("a"), place.call("a")] == [("['rep-b.md']\n", False), ("['rep-b.md']\n", True)]
    (place.root / "rep-b.md").unlink()
    assert place.call("a")[1] is False


def test_a_verifying_run_is_not_held_against_one_of_another_place(place: Place) -> None:
    place.skill(READ_ARGUMENT, outputs=["*.txt"])
    place.write("in.txt", "one")
    assert [place.call("in.txt")[1] for _ in range(2)] == [False, True]
    place.write("in.txt", "two")
    place.shell.environ["SKILLCACHE_VERIFY"] = "1"
    place.call("in.txt")
    place.shell.environ["SKILLCACHE_VERIFY"] = "0"
    assert place.call("in.txt") == ("two\n", True)


@pytest.mark.table
@pytest.mark.parametrize(
    "script",
    [
        'os.makedirs("out/empty", exist_ok=True)\nopen("out/a", "w").write("a")\n',
        'os.makedirs("out", exist_ok=True)\n',
        'os.makedirs("out", exist_ok=True)\nos.chmod("out", 0o700)\nopen("out/a", "w").write("a")\n',
    ],
)
def test_folders_that_a_replay_would_not_make_are_left_to_runs(place: Place, script: str) -> None:
    place.skill(script, outputs=["out/**"])
    for _ in range(2):
        assert place.call()[1] is False
        shutil.rmtree(place.root / "out")


def test_a_link_on_the_way_that_a_glob_leaves_open_is_not_followed(place: Place) -> None:
    elsewhere = place.shell.base / "elsewhere"
    elsewhere.mkdir()
    (place.root / "d").symlink_to(elsewhere)
    place.skill('open("d/x.csv", "w").write("1")\nprint("ok")\n', outputs=["*/x.csv"])
    for _ in range(2):
        assert place.call() == ("ok\n", False)
        (elsewhere / "x.csv").unlink()


def test_what_a_killed_replay_has_left_keeps_nothing_out_and_goes(place: Place) -> None:
    place.skill(
        'os.makedirs("od", exist_ok=True)\nopen("od/a", "w").write("a")\nprint(sorted(os.listdir("od")))\n',
        outputs=["{-o}"],
    )
    place.call("-o od")
    drafts = [place.root / "od" / f".skillcache-0123456789abcdef{end}" for end in ("", ".12.34.new")]
    for draft in drafts:
        draft.write_text("half")
    assert place.call("-o od") == ("['a']\n", True)
    assert all(draft.exists() for draft in drafts)  # somebody may be at it
    for draft in drafts:
        os.utime(draft, (1, 1))
    (place.root / "od/a").unlink()
    assert place.call("-o od") == ("['a']\n", True)
    assert os.listdir(place.root / "od") == ["a"]


def test_a_path_in_the_home_folder_that_no_shell_has_expanded_counts(place: Place) -> None:
    place.skill("")
    for given in ("--in=~/x.csv", "'~/x.csv'"):
        keys = []
        for text in ("one", "two", "one"):
            (place.shell.home / "x.csv").write_text(text)
            keys.append(place.key(given))
        assert keys[0] == keys[2] != keys[1], given


def test_a_list_of_arguments_in_a_file_is_left_to_runs(place: Place) -> None:
    place.skill('print([open(one).read() for one in open(sys.argv[1].strip("@")).read().split()])\n')
    place.write("args.txt", "d.csv")
    for text in ("one", "two"):
        place.write("d.csv", text)
        assert place.call("@args.txt") == (f"['{text}']\n", False)


@pytest.mark.parametrize(("fields", "given"), [({}, "gd"), ({"depends": ["gd/**"]}, ""), ({}, "{home}/gd")])
def test_an_empty_folder_that_a_script_may_see_counts(place: Place, fields: dict[str, list[str]], given: str) -> None:
    place.skill("", **fields)
    top = place.shell.home / "gd" if given.startswith("{home}") else place.root / "gd"
    given = given.format(home=place.shell.home)
    (top / "sub").mkdir(parents=True)
    (top / "sub/f").write_text("1")
    keys = [place.key(given)]
    assert place.key(given) == keys[0]
    (top / "new").mkdir()
    keys.append(place.key(given))
    (top / "sub").chmod(0o500)
    keys.append(place.key(given))
    assert len(set(keys)) == len(keys)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_what_node_reads_above_a_script_counts(place: Place) -> None:
    place.skill("")
    node = os.path.realpath(shutil.which("node") or "")
    (place.shell.bin / "node").symlink_to(node)
    (place.folder / "s.js").write_text(
        'const fs = require("fs"); fs.appendFileSync(process.env.COUNTER, "run\\n"); console.log("cjs")\n'
    )
    place.shell.start()
    line = "node .claude/skills/s/s.js"
    assert [place.shell.call(line).stdout for _ in range(2)] == ["cjs\n"] * 2
    assert place.shell.runs() == 1
    for above in (place.root / "package.json", place.root / ".claude/package.json"):
        above.write_text('{"type": "module"}\n')
        assert place.shell.call(line).returncode == 1
        above.unlink()
    assert place.shell.call(line).stdout == "cjs\n"
    assert place.shell.runs() == 1


def test_what_is_kept_of_it_is_no_digest_that_others_can_make(place: Place, redis_server: RedisServer) -> None:
    """In a team's Redis: it would tell who reads there what a short file holds."""
    place.shell.environ["SKILLCACHE_REDIS_URL"] = redis_server.url
    place.skill('open("out/a.txt", "w").write("o")\n', outputs=["out/*"])
    place.write("out/token.txt", "hunter2")
    kept = []
    for secret in ("0123456789abcdef" * 4, "fedcba9876543210" * 4):
        place.shell.environ["SKILLCACHE_TEAM_KEY"] = secret
        redis_server.command("FLUSHALL")
        place.shell.start()
        assert (place.call()[1], place.call()[1]) == (False, True)
        with redis.Redis.from_url(redis_server.url) as client:
            (key,) = client.keys("skill_cache:*")
            value: Any = client.get(key)
        kept.append(decode(value, details=True).details["standing"])
    assert kept[0] != kept[1]
