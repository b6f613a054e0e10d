"""What `skillcache observe` finds with the real strace, and what its rule makes of the real lane's key from then on."""

from __future__ import annotations

import base64
import json
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache.core import counts
from tests.cli.conftest import check
from tests.conftest import until
from tests.shims.shell import Shell

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

# A suite as people have them: what it reads lies wherever it was put. Its text does not say where, see `Suite.tool`.
_SUITE = """#!/bin/sh
echo "$*" >>"$COUNTER"
cat data ../fixture.dat ~/.config/app.json {base}/far/table.csv
cat ../absent.dat 2>/dev/null || echo no absent.dat
ls ../siblings
jq --version
mkdir -p "$TMPDIR/suite" && echo x >"$TMPDIR/suite/x" && cat "$TMPDIR/suite/x"
"""
_FOUND = {
    ("../absent.dat", "absent"),
    ("../fixture.dat", "read"),
    ("../siblings/", "listed"),
    ("{base}/far/table.csv", "read"),
    ("~/.config/app.json", "read"),
}


class Suite(Shell):
    def __init__(self, base: Path) -> None:
        super().__init__(base, "bash")
        self.environ["TMPDIR"] = str(base / "temporary")
        self.files = {
            "fixture": self.base / "fixture.dat",
            "app": self.home / ".config/app.json",
            "far": base / "far/table.csv",
            "sibling": self.base / "siblings/one",
            "temporary": base / "temporary/other",
        }
        for name, path in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name}\n")
        self.far = base
        self.tool("pytest", _SUITE.format(base=base))
        self.tool("jq", "#!/bin/sh\necho jq-1.6\n")

    def tool(self, name: str, source: str, **more: Any) -> None:  # type: ignore[override]
        """One whose text says nothing of what it reads, as paths do that are put together when it runs."""
        first, _, rest = source.partition("\n")
        hidden = base64.b64encode(rest.encode()).decode()
        super().tool(name, f'{first}\neval "$(echo {hidden} | base64 -d)"\n', **more)

    def observe(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "skillcache", "observe", *words],
            cwd=self.project,
            env={**self.environ, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    def seen(self, *words: str) -> dict[str, Any]:
        done = self.observe("--json", "--", *words)
        check(("observe",), done.stdout)
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


@pytest.fixture
def server() -> Iterator[str]:
    """Something that runs on this machine, and that a suite talks to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def found(seen: dict[str, Any], suite: Suite) -> set[tuple[str, str]]:
    return {(path["rule"].replace(str(suite.far / "far"), "{base}/far"), path["how"]) for path in seen["paths"]}


def test_finds_what_the_key_does_not_hold(suite: Suite, server: str) -> None:
    host, _, port = server.partition(":")
    with open(suite.bin / "pytest", "a") as script:
        script.write(f"exec 3<>/dev/null; bash -c 'exec 4<>/dev/tcp/{host}/{port}'\n")

    seen = suite.seen("pytest", "-q")

    assert found(seen, suite) == _FOUND
    assert [program["rule"] for program in seen["programs"]] == ["base64", "jq"]  # the one that hides its text, too
    assert seen["servers"] == [server]
    assert (seen["status"], seen["rule"], seen["bypass"]) == (0, "Bash(pytest:*)", None)


def _changes(name: str) -> Callable[[Suite], object]:
    return lambda suite: suite.files[name].write_text("another\n")


def _absent_appears(suite: Suite) -> None:
    (suite.base / "absent.dat").write_text("there\n")


def _jq_is_upgraded(suite: Suite) -> None:
    suite.tool("jq", "#!/bin/sh\necho jq-1.7\n")


_CHANGES: dict[str, Callable[[Suite], object]] = {
    "a file beside the project": _changes("fixture"),
    "one that goes": lambda suite: suite.files["fixture"].unlink(),
    "one that comes back": lambda suite: suite.files["fixture"].write_text("back\n"),
    "one at home": _changes("app"),
    "one elsewhere": _changes("far"),
    "one that was looked for in vain": _absent_appears,
    "the names in a folder": lambda suite: (suite.base / "siblings/two").write_text(""),
    "a program": _jq_is_upgraded,
}


def test_what_was_found_counts_from_then_on(suite: Suite) -> None:
    suite.start()
    suite.same("pytest -q", runs=1)

    done = suite.observe("--apply", "--", "pytest", "-q")

    rules = suite.project / ".claude/skillcache.toml"
    assert done.stdout.endswith(f"A rule was added to {rules}.\n")
    assert suite.seen("pytest", "-q")["paths"] == []
    suite.start()
    suite.same("pytest -q", runs=1)
    for what, change in _CHANGES.items():
        change(suite)
        before = suite.runs()
        suite.same("pytest -q", runs=1)
        assert suite.runs() - before == 2, what  # one of these without us
    suite.files["temporary"].write_text("another\n")
    (suite.base / "siblings/one").write_text("another\n")  # only the names count
    suite.same("pytest -q", runs=0)


def test_the_spelling_of_a_rule_counts_for_other_ways_to_start_it(suite: Suite) -> None:
    (suite.project / ".claude").mkdir()
    (suite.project / ".claude/skillcache.toml").write_text(
        '[[rules]]\nmatch = "Bash(pytest:*)"\nreads = ["../fixture.dat"]\n'
    )
    suite.start()
    for line in ("pytest -q", "pytest -x", "env pytest -x -q"):
        suite.same(line, runs=1)
        suite.files["fixture"].write_text(f"{line}\n")
        suite.same(line, runs=1)


def test_a_declared_command_heeds_it_as_well(suite: Suite) -> None:
    (suite.project / ".claude").mkdir()
    (suite.project / ".claude/skillcache.toml").write_text(
        '[[rules]]\nmatch = "Bash(pytest:*)"\nreads = ["../fixture.dat"]\ntools = ["jq"]\n'
    )
    run = f"{sys.executable} -m skillcache run -- pytest -q"
    said = [suite.run(run).stdout]
    for change in (_changes("fixture"), _jq_is_upgraded):
        change(suite)
        said += [suite.run(run).stdout, suite.run(run).stdout]
    assert said[1] == said[2] == said[0].replace("fixture", "another")
    assert said[3] == said[4] == said[2].replace("jq-1.6", "jq-1.7")
    assert suite.runs() == 3


@pytest.mark.parametrize(("live", "runs"), [("never", 2), ("3600", 1)])
def test_a_rule_may_say_that_it_talks_to_a_server(suite: Suite, live: str, runs: int) -> None:
    suite.observe("--live", live, "--", "pytest", "-q")
    suite.start()
    suite.same("pytest -q", runs=runs)
    known = [count.outcome.name for count in counts.read(str(suite.cache))]
    assert ("live" in known) == (live == "never")


@pytest.mark.parametrize(("answer", "added"), [("y", True), ("n", False)])
def test_asks_on_a_terminal(suite: Suite, answer: str, *, added: bool) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "skillcache", "observe", "--", "pytest", "-q"],
        cwd=suite.project,
        env=suite.environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        said = b""
        while b"part of the key?" not in said:
            assert select.select([ours], [], [], 60)[0]
            said += os.read(ours, 1 << 16)
        os.write(ours, answer.encode() + b"\n")
        process.wait(60)
    os.close(ours)
    assert (suite.project / ".claude/skillcache.toml").exists() == added


def test_what_the_command_made_itself_is_no_finding(suite: Suite) -> None:
    suite.tool(
        "pytest",
        "#!/bin/sh\nrm -rf ../made ../moved; mkdir ../made; echo x >../made/a; mv ../made ../moved\n"
        "cat ../moved/a; ls ../moved\n"
        "python3 - <<E\nimport socket\ns = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(s.getsockname())\ns.accept()\nE\n",
    )

    seen = suite.seen("pytest", "-q")

    assert [path for path in seen["paths"] if path["how"] != "absent"] == []
    assert seen["servers"] == []


def test_a_hostile_name_stays_on_its_line(suite: Suite) -> None:
    name = "../\x1b[2J\nA rule was added to x\u202e.json"
    (suite.project / name).write_text("x")
    suite.tool("pytest", f'#!/bin/sh\ncat "{name}"\n')

    done = suite.observe("--apply", "--", "pytest", "-q")

    said = done.stdout.partition("observed")[2]
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert said.count("\nA rule was added to") == 1
    suite.start()
    suite.call("pytest -q")
    (suite.project / name).write_text("y")
    assert suite.call("pytest -q").stdout == "y"


def test_says_when_the_key_holds_it_all_and_ends_as_the_command_does(suite: Suite) -> None:
    Shell.tool(suite, "pytest", "#!/bin/sh\ncat data\nexit 3\n")
    done = suite.observe("--", "pytest", "-q")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        3,
        "Its key holds all that it read, looked for and started.",
    )
    assert done.stdout.startswith("one\n\nobserved  pytest -q (rule pytest), ")


def test_says_that_strace_is_missing(suite: Suite) -> None:
    for name in ("git", "cat", "sh"):
        (suite.bin / name).symlink_to(str(shutil.which(name)))
    done = suite.observe("--", "pytest", "-q", PATH=str(suite.bin))
    assert (done.returncode, suite.runs()) == (1, 0)
    assert "strace is not on PATH" in done.stderr
    assert "sudo apt-get install strace" in done.stderr


def test_finds_what_a_rule_leaves_out_of_the_project(suite: Suite) -> None:
    (suite.project / ".claude").mkdir()
    (suite.project / ".claude/skillcache.toml").write_text(
        '[[rules]]\nmatch = "Bash(pytest:*)"\ndepends = ["src/**"]\n'
    )
    for name in ("src/a", "src/b", "other/c", "app.log"):
        (suite.project / name).parent.mkdir(exist_ok=True)
        (suite.project / name).write_text("x\n")
    (suite.project / ".gitignore").write_text("*.log\n")
    suite.run("git add -A")
    suite.tool("pytest", '#!/bin/sh\necho "$*" >>"$COUNTER"\ncat src/a other/c app.log; ls src\n')

    assert found(suite.seen("pytest", "-q"), suite) == {("other/c", "read"), ("app.log", "read"), ("src/", "listed")}

    suite.observe("--apply", "--", "pytest", "-q")
    assert suite.seen("pytest", "-q")["paths"] == []
    suite.start()
    for name, runs in (("src/a", 1), ("other/c", 1), ("app.log", 1), ("data", 0)):
        suite.same("pytest -q", runs=1 if name == "src/a" else 0)
        (suite.project / name).write_text("y\n")
        suite.same("pytest -q", runs=runs)


def test_says_that_a_container_may_not_let_it(suite: Suite) -> None:
    # As strace 6.1 ends where it may not follow a process.
    suite.tool("strace", "#!/bin/sh\necho 'strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted' >&2\nexit 1\n")
    done = suite.observe("--", "pytest", "-q")
    assert (done.returncode, done.stdout, suite.runs()) == (1, "", 0)
    assert "SYS_PTRACE" in done.stderr


def test_a_command_that_no_rule_names_is_seen_as_it_would_be_run(suite: Suite) -> None:
    suite.tool("report", '#!/bin/sh\necho "$*" >>"$COUNTER"\ncat data ../fixture.dat\n')
    assert suite.observe("--apply", "--user", "--", "report", "-v").stdout.endswith("config.toml.\n")
    run = f"{sys.executable} -m skillcache run -- report"
    before = suite.runs()
    for text in ("fixture", "other", "other"):
        suite.files["fixture"].write_text(f"{text}\n")
        assert suite.run(run).stdout == f"one\n{text}\n"
    assert suite.runs() - before == 2


def test_a_linter_is_observed_after_a_verifying_run_where_that_is_set(suite: Suite) -> None:
    suite.tool("ruff", '#!/bin/sh\necho "$*" >>"$COUNTER"\ncat data ../fixture.dat\n')
    suite.tool("black", '#!/bin/sh\necho "$*" >>"$COUNTER"\ncat data ../fixture.dat\n')
    suite.start()
    watched = {"SKILLCACHE_OBSERVE": "1"}
    kept = suite.cache / "observed"
    suite.same("ruff check", runs=1, **watched)
    assert not kept.exists()

    suite.call("ruff check", **watched, SKILLCACHE_VERIFY="1")

    until(lambda: any(b"fixture" in path.read_bytes() for path in kept.iterdir()))
    before = suite.runs()
    for text in ("fixture", "other", "fixture"):
        suite.files["fixture"].write_text(f"{text}\n")
        assert suite.call("ruff check", **watched).stdout == f"one\n{text}\n"
    assert suite.runs() - before == 2  # a result recorded without it is not taken for one with it
    suite.same("black --check .", runs=1, **watched)
    assert len(list(kept.iterdir())) == 1


def test_a_suite_is_never_run_once_more_by_itself(suite: Suite) -> None:
    suite.start()
    watched = {"SKILLCACHE_OBSERVE": "1"}
    suite.same("pytest -q", runs=1, **watched)
    suite.call("pytest -q", **watched, SKILLCACHE_VERIFY="1")
    assert not (suite.cache / "observed").exists()


def test_a_rule_names_few_paths_and_only_what_a_key_can_hold(suite: Suite) -> None:
    for name, size in (("large", 65 << 20), *((f"f{number}/x", 1) for number in range(60))):
        path = suite.base / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.truncate(path, size)
    os.mkfifo(suite.base / "pipe")
    (suite.far / "temporary/theirs").write_text("x")
    # Names that stand in no text, as a program puts them together.
    up = "up=$(printf '\\056\\056\\057'); l=l; p=p; t=t"
    reading = 'head -c 1 "$up${l}arge"; [ ! -e "$up${p}ipe" ] || exec 3<>"$up${p}ipe"; cat "$TMPDIR/${t}heirs"'
    suite.tool("pytest", f'#!/bin/sh\n{up}\n{reading}\nfor i in $(seq 0 59); do cat "$up$(printf f)$i/x"; done\n')

    done = suite.observe("--apply", "--", "pytest", "-q")

    rule = (suite.project / ".claude/skillcache.toml").read_text()
    reads = [line for line in rule.splitlines() if line.startswith("    ")]
    assert len(reads) == 50
    assert all("/f" in line for line in reads)
    assert "The rule leaves out" in done.stdout
    assert not (suite.home / ".config/skillcache/config.toml").exists()
