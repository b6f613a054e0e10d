"""Whatever of us is missing or broken, what an entry starts ends well and says nothing, so that the call goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import skillcache
from skillcache.cli.setup.entries import MARK, Edit
from skillcache.core import counts
from skillcache.core.paths import hooks_folder

PACKAGE = Path(skillcache.__file__).parent
COLD = ("cli", "library", "server")  # folders that no entry of ours imports
NO_HOOKS = ("serve.py", "command.py", "plugin_path.py")  # what a person or the plugin starts may say what is wrong
ODD = "a b'c\"d $HOME $(exit 3) `exit 3` \\ é;&|*"  # a folder's name that a shell would make much of


class Site:
    """A Python with the package in it, as `pip` leaves one, and the home folder of its person."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.python = root / "bin/python3"
        self.package = root / "lib/skillcache"
        self.hooks = self.package / "hooks"
        self.home = root / "home"
        self.cwd = root / "project"
        self.environ = {"HOME": str(self.home), "PATH": os.environ["PATH"], "SKILLCACHE_WAIT": "0"}

    def make(self) -> None:
        ignored = shutil.ignore_patterns("__pycache__", *COLD)
        shutil.copytree(PACKAGE, self.package, ignore=ignored, dirs_exist_ok=True)
        shutil.copytree(hooks_folder(), self.hooks, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        for folder in (self.python.parent, self.home, self.cwd):
            folder.mkdir(parents=True, exist_ok=True)
        self.python.unlink(missing_ok=True)
        self.python.symlink_to(os.path.realpath(sys.executable))

    def lines(self) -> dict[str, str]:
        """Every line that an entry may have, with an event that starts it."""
        rules = ("Bash(just x:*)", "Agent(reviewer)", "mcp__one", "mcp__two__x")
        edit = Edit(str(self.python), str(self.hooks), rules=rules, writers=rules, sessions=True, messages=True)
        of_plugin = str(edit.start("options.py")["command"])
        return {of_plugin: "SessionStart", **{str(entry.handler["command"]): entry.event for entry in edit.entries()}}

    def run(self, line: str, event: str) -> tuple[int, bytes, bytes]:
        """As the client starts a hook."""
        return self.start(["/bin/sh", "-c", line], event)

    def run_script(self, name: str, event: str) -> tuple[int, bytes, bytes]:
        """As an entry from before there was a line starts it."""
        return self.start([str(self.python), "-I", "-S", str(self.hooks / name), MARK], event)

    def start(self, argv: list[str], event: str) -> tuple[int, bytes, bytes]:
        told = {
            "session_id": "one",
            "cwd": str(self.cwd),
            "hook_event_name": event,
            "tool_name": "WebFetch",
            "tool_input": {"url": "https://example.org/", "prompt": "what it says"},
            "tool_use_id": "toolu_1",
            "tool_response": {"bytes": 2, "code": 200, "codeText": "OK", "result": "it", "durationMs": 9},
            "error": "Exit code 1",
            "prompt": "go on",
        }
        done = subprocess.run(
            argv,
            input=json.dumps(told).encode(),
            cwd=self.cwd,
            env=self.environ,
            capture_output=True,
            start_new_session=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


def gone(*paths: Path) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def instead(text: str | bytes, *paths: Path, mode: int = 0o755) -> None:
    gone(*paths)
    for path in paths:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)


def linked(path: Path, target: str) -> None:
    gone(path)
    path.symlink_to(target)


def as_folder(path: Path) -> None:
    gone(path)
    path.mkdir()


def as_fifos(folder: Path) -> None:
    for path in list(folder.glob("*.py")):
        path.unlink()
        os.mkfifo(path)


def foreign() -> bytes:
    """A program of another kind of machine."""
    head = Path(os.path.realpath(sys.executable)).read_bytes()[:64]
    return head[:18] + b"\xfe\xca" + head[20:]


NO_LIBRARY = f'#!/bin/sh\nshift\nPYTHONHOME=/nonexistent exec {sys.executable} "$@"\n'  # with `-I` it does not ask

# Where there is nothing to start, or what there is is no Python.
OF_THE_START: dict[str, Callable[[Site], object]] = {
    "everything": lambda site: gone(site.root / "bin", site.package),
    "interpreter gone": lambda site: gone(site.python),
    "interpreter dangling": lambda site: linked(site.python, "/nonexistent/python3"),
    "interpreter linked to itself": lambda site: linked(site.python, str(site.python)),
    "interpreter not executable": lambda site: instead("#!/bin/sh\n", site.python, mode=0o644),
    "interpreter a folder": lambda site: as_folder(site.python),
    "interpreter of nothing": lambda site: instead("", site.python),
    "interpreter of another machine": lambda site: instead(foreign(), site.python),
    "interpreter without its own": lambda site: instead("#!/nonexistent/sh\n", site.python),
    "interpreter refuses": lambda site: instead("#!/bin/sh\necho no such option >&2\nexit 2\n", site.python),
    "interpreter killed": lambda site: instead("#!/bin/sh\nkill -SEGV $$\n", site.python),
    "interpreter out of time": lambda site: instead("#!/bin/sh\nkill -ALRM $$\n", site.python),
    "library gone": lambda site: instead(NO_LIBRARY, site.python),
    "package gone": lambda site: gone(site.package),
    "scripts gone": lambda site: gone(site.hooks),
    "scripts a file": lambda site: instead("x", site.hooks),
    "scripts that nobody writes": lambda site: as_fifos(site.hooks),
}
# Where a Python starts, and does not find the rest.
OF_THE_REST: dict[str, Callable[[Site], object]] = {
    "modules gone": lambda site: gone(*site.package.glob("*.py")),
    "runtime gone": lambda site: gone(site.package / "events/runtime.py"),
    "runtime broken": lambda site: instead("def main(:\n", site.package / "events/runtime.py"),
    "runtime of nothing": lambda site: instead("", site.package / "events/runtime.py"),
    "runtime of another version": lambda site: instead("def main():\n    pass\n", site.package / "events/runtime.py"),
    "runtime too new": lambda site: instead("import sys\nsys.exit('too old')\n", site.package / "events/runtime.py"),
    "events gone": lambda site: gone(site.package / "events"),
    "events broken": lambda site: instead("1 +", *(site.package / "events").glob("*.py")),
    "errors gone": lambda site: gone(*(site.package / name for name in ("core/outcomes.py", "core/counts.py"))),
    "settings of another version": lambda site: instead("disabled = 3\n", site.package / "settings/in_force.py"),
    "home gone": lambda site: gone(site.home),
    "home a file": lambda site: instead("", site.home),
    "cache a file": lambda site: (site.home / ".cache").write_text(""),
    "cache elsewhere": lambda site: site.environ.update(SKILLCACHE_HOME="/proc/nonexistent"),
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "site")
    made.make()
    return made


@pytest.mark.table
@pytest.mark.parametrize("fault", [*OF_THE_START, *OF_THE_REST])
def test_no_entry_says_anything_or_fails(site: Site, fault: str) -> None:
    lines = site.lines()
    {**OF_THE_START, **OF_THE_REST}[fault](site)

    found = {(line, *site.run(line, event)) for line, event in lines.items()}

    assert found == {(line, 0, b"", b"") for line in lines}


@pytest.mark.table
@pytest.mark.parametrize("fault", OF_THE_REST)
def test_no_script_says_anything_or_fails(site: Site, fault: str) -> None:
    names = [path.name for path in site.hooks.glob("*.py") if path.name not in NO_HOOKS]
    OF_THE_REST[fault](site)

    assert {(name, *site.run_script(name, "Stop")) for name in names} == {(name, 0, b"", b"") for name in names}


def test_what_the_plugin_starts_is_silent_without_the_package(site: Site) -> None:
    assert not (site.package / "cli").exists()

    assert site.run_script("serve.py", "") == (0, b"", b"")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("shared"))
    made.make()
    return made


@contextmanager
def spoilt(paths: list[Path], content: bytes | None) -> Iterator[None]:
    """What a package is while another version takes its place: files without, or with a part of, their content."""
    kept = {path: path.read_bytes() for path in paths}
    try:
        for path in paths:
            path.unlink() if content is None else path.write_bytes(content)
        yield
    finally:
        for path, data in kept.items():
            path.write_bytes(data)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_package_that_is_half_there_says_nothing(shared: Site, data: st.DataObject) -> None:
    modules = sorted(shared.package.rglob("*.py"))
    lines = shared.lines()
    chosen = data.draw(st.lists(st.sampled_from(modules), min_size=1, max_size=40, unique=True))
    content = data.draw(st.sampled_from([None, b"", b"x = (", b"raise SystemExit(2)\n", b"import nonexistent\n"]))
    line = data.draw(st.sampled_from(sorted(lines)))

    with spoilt(chosen, content):
        assert shared.run(line, lines[line]) == (0, b"", b"")


def test_nothing_is_started_for_a_script_that_is_gone(site: Site) -> None:
    lines = site.lines()
    instead(f"#!/bin/sh\n: >{site.root}/started\n", site.python)
    gone(site.package)

    for line, event in lines.items():
        assert site.run(line, event) == (0, b"", b"")
    assert not (site.root / "started").exists()


def test_a_folder_that_is_gone_while_its_session_goes_on_hinders_nothing(site: Site) -> None:
    for line, event in site.lines().items():
        told = f'cd {site.root}; mkdir gone; cd gone; rmdir ../gone; exec /bin/sh -c "$1" sh'
        status, said, _ = site.start(["/bin/sh", "-c", told, "sh", line], event)
        assert (status, said) == (0, b"")


def test_where_nothing_is_missing_the_hook_has_its_event_whatever_its_path_holds(tmp_path: Path) -> None:
    site = Site(tmp_path / ODD)
    site.make()
    site.environ["SKILLCACHE_RECORD_SESSIONS"] = "0"
    line = next(line for line in site.lines() if "pre_tool_use" in line)

    assert site.run(line, "PreToolUse") == (0, b"", b"")

    assert [count.outcome.name for count in counts.read(str(site.home / ".cache/skillcache"))] == ["no_entry"]
