"""The folder that what we believe lies in: the person's alone, and chosen by nobody else. As ssh treats its keys."""

from __future__ import annotations

import json
import marshal
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from skillcache.core import bytecode
from skillcache.core.outcomes import ConfigError
from skillcache.settings import Untrusted, in_force, require_folder
from tests import ready
from tests.events.conftest import HOOKS, Place
from tests.events.conftest import place as place_fixture

place = place_fixture


class Ground:
    """A home folder with a private cache folder, and a project beside it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.home = base / "home"
        self.cache = self.home / ".cache/skillcache"
        self.project = base / "project"
        for folder in (self.home, self.home / ".cache", self.cache, self.project):
            folder.mkdir(mode=0o700)
        (self.project / ".git").mkdir()
        self.environ = {"HOME": str(self.home)}

    def fault(self) -> str:
        """What is wrong, '' for nothing."""
        try:
            require_folder(self.environ, str(self.project))
        except Untrusted as fault:
            return str(fault).replace(str(self.base), "")
        return ""

    def claude_settings(self, text: str, name: str = "settings.json", folder: Path | None = None) -> None:
        path = (folder or self.project) / ".claude" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def test_a_private_folder_is_used_there_or_not(ground: Ground) -> None:
    assert ground.fault() == ""
    ground.cache.rmdir()
    assert ground.fault() == ""
    assert not ground.cache.exists()


@pytest.mark.parametrize("mode", [0o750, 0o720, 0o710, 0o704, 0o702, 0o701, 0o755, 0o1777])
def test_a_folder_that_others_may_use_is_not(ground: Ground, mode: int) -> None:
    ground.cache.chmod(mode)
    assert ground.fault() == "/home/.cache/skillcache: others may use it. Mend: chmod 700 /home/.cache/skillcache"


@pytest.mark.parametrize(("mode", "used"), [(0o755, True), (0o1777, True), (0o777, False), (0o702, False)])
def test_a_folder_above_it_may_be_read_by_others_and_not_written(ground: Ground, mode: int, used: bool) -> None:
    (ground.home / ".cache").chmod(mode)
    said = "/home/.cache/skillcache: others may write in /home/.cache. Mend: chmod go-w /home/.cache"
    assert ground.fault() == ("" if used else said)


def test_a_missing_folder_is_made_at_once_where_others_could_make_it(ground: Ground) -> None:
    ground.cache.rmdir()
    (ground.home / ".cache").chmod(0o1777)
    assert ground.fault() == ""
    assert ground.cache.stat().st_mode & 0o7777 == 0o700


def test_a_link_leads_to_where_the_same_is_asked(ground: Ground) -> None:
    other = ground.base / "other"
    other.mkdir(mode=0o700)
    ground.cache.rmdir()
    ground.cache.symlink_to("../../other")
    assert ground.fault() == ""
    other.chmod(0o755)
    assert ground.fault() == "/home/.cache/skillcache: others may use it. Mend: chmod 700 /other"
    other.chmod(0o700)
    (ground.home / ".cache").chmod(0o777)
    assert "others may write in /home/.cache" in ground.fault()
    (ground.home / ".cache").chmod(0o700)
    ground.cache.unlink()
    ground.cache.symlink_to("skillcache")
    assert "leads in a circle. Mend: set HOME or" in ground.fault()
    ground.cache.unlink()
    ground.cache.write_text("")
    assert "is no folder. Mend: set HOME or SKILLCACHE_HOME to a folder of yours" in ground.fault()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("which", ["home/.cache/skillcache", "home/.cache", "home"])
def test_what_somebody_else_owns_is_not_used(ground: Ground, which: str) -> None:
    os.chown(ground.base / which, 12345, 12345)
    assert "belongs to somebody else" in ground.fault()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_who_has_no_number_in_a_sandbox_is_not_taken_for_somebody_else(ground: Ground) -> None:
    """There root, who owns the folders above, may be nobody that the system can name."""
    ground.home.chmod(0o755)
    os.chown(ground.home, 12345, 12345)
    program = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from skillcache.settings import require_folder\n"
        "require_folder(os.environ, '/nowhere')\n"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(HOOKS.parent)]
    sandbox = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*sandbox, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    assert subprocess.run([*sandbox, *command], env=ground.environ, check=False).returncode == 0
    assert "belongs to somebody else" in ground.fault()


def test_a_folder_in_the_project_is_not_used_unless_the_person_names_it(ground: Ground) -> None:
    inside = ground.project / "sub/skillcache"
    ground.environ["XDG_CACHE_HOME"] = str(inside.parent)
    assert ground.fault().startswith(
        "/project/sub/skillcache: it lies in the project /project. Mend: set SKILLCACHE_HOME"
    )
    ground.environ["SKILLCACHE_HOME"] = str(inside)
    assert ground.fault() == ""


def test_a_project_that_is_the_home_folder_is_one_like_any(ground: Ground) -> None:
    ground.project = ground.home
    assert ground.fault() == ""


NAMED = '{"env": {"SKILLCACHE_HOME": "/x"}}'


@pytest.mark.parametrize("name", ["settings.json", "settings.local.json"])
@pytest.mark.parametrize("text", [NAMED, NAMED.replace("HOME", "\\u0048OME"), "{", "[]", '{"env": []}', "[" * 100_000])
def test_a_folder_that_the_project_may_have_named_is_not_used(ground: Ground, name: str, text: str) -> None:
    ground.claude_settings(text, name)
    assert ground.fault() == ""
    ground.environ["SKILLCACHE_HOME"] = str(ground.cache)
    assert ground.fault().startswith(f"/home/.cache/skillcache: /project/.claude/{name} sets SKILLCACHE_HOME")


@pytest.mark.parametrize("text", ["", " \n", "{}", '{"env": {}}', '{"env": {"OTHER": "SKILLCACHE_HOME"}}'])
def test_a_project_with_settings_that_say_nothing_of_it_is_none_the_worse(ground: Ground, text: str) -> None:
    ground.claude_settings(text)
    ground.environ["SKILLCACHE_HOME"] = str(ground.cache)
    assert ground.fault() == ""


@pytest.mark.parametrize("name", ["HOME", "XDG_CONFIG_HOME"])
@pytest.mark.parametrize("below", ["", "/h"])
def test_where_a_person_s_settings_lie_no_project_says(ground: Ground, name: str, below: str) -> None:
    there = ground.environ[name] = f"{ground.project}{below}"
    Path(there).mkdir(exist_ok=True)
    assert " sets " not in ground.fault()
    ground.claude_settings(json.dumps({"env": {name: there}}))
    assert f"/project/.claude/settings.json sets {name}" in ground.fault()
    ground.claude_settings("{ // " + name)  # what the client makes of it nobody knows
    assert "/project/.claude/settings.json sets " in ground.fault()
    ground.claude_settings("{ // nothing of it")
    assert " sets " not in ground.fault()


def test_the_settings_of_the_folders_above_in_the_repository_count(ground: Ground) -> None:
    ground.claude_settings(NAMED, "settings.local.json")
    ground.project = ground.project / "sub/deep"
    ground.project.mkdir(parents=True)
    ground.environ["SKILLCACHE_HOME"] = str(ground.cache)
    assert "/project/.claude/settings.local.json sets" in ground.fault()


def test_the_settings_in_the_home_folder_are_the_person_s(ground: Ground) -> None:
    """Also where somebody works there, or keeps it in a repository."""
    ground.claude_settings(NAMED, folder=ground.home)
    (ground.home / ".git").mkdir()
    ground.environ["SKILLCACHE_HOME"] = str(ground.cache)
    for project in (ground.home, ground.home / "work"):
        ground.project = project
        assert ground.fault() == ""


def test_settings_are_loaded_from_no_other_folder(ground: Ground) -> None:
    ground.cache.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"):
        in_force.load(ground.environ, str(ground.project))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SKILLCACHE_REDIS_URL", "redis://evil"),
        ("CLAUDE_PLUGIN_OPTION_REDIS_URL", "redis://evil"),
        ("REDIS_URL", "redis://evil"),
        ("REDIS_HOST", "evil"),
        ("SKILLCACHE_TEAM", "evil"),
        ("SKILLCACHE_VERIFY", "1"),
        ("SKILLCACHE_MESSAGES_FROM", "anyone"),
    ],
)
def test_what_only_the_person_may_set_is_not_taken_from_the_project(ground: Ground, variable: str, value: str) -> None:
    as_ever = in_force.load(ground.environ, str(ground.project))
    ground.environ[variable] = value
    person = in_force.load(ground.environ, str(ground.project))
    assert (person.store, person.values) != (as_ever.store, as_ever.values)

    ground.claude_settings(json.dumps({"env": {variable: value}}))
    project = in_force.load(ground.environ, str(ground.project))

    assert (project.store, project.values) == (as_ever.store, as_ever.values)
    path = ground.project / ".claude/settings.json"
    said = [f"{path}: {variable} is ignored: a project's file may not set it"]
    assert project.warnings == ([] if variable.startswith("REDIS") else said)


def test_the_switch_is_the_project_s_too(ground: Ground) -> None:
    ground.environ["SKILLCACHE_DISABLE"] = "1"
    ground.claude_settings('{"env": {"SKILLCACHE_DISABLE": "1"}}')
    assert in_force.load(ground.environ, str(ground.project)).flag("disable")


# The hooks, the server and the command line

PAGE = {"url": "https://example.org/", "prompt": "What is it about?"}


def prepare(place: Place, cache: Path, marker: Path) -> None:
    """What a repository may hold in the hope that it is executed: bytecode as we keep it, wherever it ever lay."""
    code = marshal.dumps(compile(f"open({str(marker)!r}, 'w')", "x", "exec"))
    package = str(Path(bytecode.__file__).parents[1])
    index = {}
    for name in "settings.in_force core.json events.tool_use claude.permissions core.outcomes".split():  # noqa: SIM905
        source = f"{package}/{name.replace('.', '/')}.py"
        stamp = (os.stat(source).st_mtime_ns, os.stat(source).st_size)
        index[f"skillcache.{name}"] = (source, *stamp, False, 0, len(code), bytecode._digest(code), ())
    head = marshal.dumps((package, index))
    kept = b"".join((MAGIC_NUMBER, len(head).to_bytes(4, "big"), head, code))
    tag = str(sys.implementation.cache_tag)
    for name in (f"compiled/bytecode.{tag}", f"__pycache__/skillcache.{tag}", f"skillcache.{tag}"):
        path = cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(kept)
    (cache / "sitecustomize.py").write_text(f"open({str(marker)!r}, 'w')")
    for folder in (cache, *[path for path in cache.rglob("*") if path.is_dir()]):
        folder.chmod(0o700)
    settings_ = place.root / ".claude/settings.json"
    settings_.parent.mkdir(exist_ok=True)
    settings_.write_text(json.dumps({"env": {"SKILLCACHE_HOME": str(cache), "PYTHONPATH": str(cache)}}))


def test_nothing_of_a_project_is_executed_or_believed_when_it_names_our_folder(place: Place, tmp_path: Path) -> None:
    place.call("pytest -q")
    answer, served = place.call("pytest -q")
    assert served
    cache, marker = place.root / "prepared", tmp_path / "executed"
    place.cache.rename(cache)  # results that somebody recorded, and replays of them
    prepare(place, cache, marker)
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}

    place.environ |= {"SKILLCACHE_HOME": str(cache), "PYTHONPATH": str(cache)}
    for script in sorted(path for path in HOOKS.glob("*.py") if path.name not in ("command.py", "plugin_path.py")):
        if script.name not in ("serve.py", "stand_in.py"):
            event = json.dumps(place.before("WebFetch", PAGE)).encode()
            assert place.give(script.name, event) == (0, b"", b""), script

    assert not marker.exists()
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before
    assert answer.status == 0


@pytest.mark.parametrize("spoil", [lambda cache: cache.chmod(0o755), lambda cache: cache.parent.chmod(0o777)])
def test_hooks_act_as_if_there_were_none_where_others_may_write(place: Place, spoil: Callable[[Path], None]) -> None:
    place.call("pytest -q")
    counted = place.counted()
    spoil(place.cache)
    for script in ("pre_tool_use.py", "session_start.py", "record.py", "deliver.py", "invalidate.py"):
        assert place.give(script, json.dumps(place.before("WebFetch", PAGE)).encode()) == (0, b"", b"")
    assert place.counted() == counted
    place.base.chmod(0o700)
    place.cache.chmod(0o700)
    assert place.call("pytest -q")[1]


def skillcache(place: Place, *words: str) -> tuple[int, str, str]:
    return ready.skillcache(*words, folder=place.root, environ=place.environ)


def test_the_command_line_says_what_mends_it(place: Place) -> None:
    place.cache.mkdir(mode=0o755)
    said = f"skillcache: {place.cache}: others may use it. Mend: chmod 700 {place.cache}\n"
    for words in (
        ["stats"],
        ["entries", "list"],
        ["state", "get", "x"],
        ["sessions", "list"],
        ["plugin-path"],
        ["inbox"],
    ):
        assert skillcache(place, *words) == (1, "", said)
    assert skillcache(place, "stats", "--help")[0] == 0
    found = json.loads(skillcache(place, "doctor", "--json", "--project", str(place.root))[1])["findings"]
    text = f"{place.cache} is not used: others may use it; until then the hooks do nothing"
    assert {"level": "mend", "subject": "folder", "text": text, "mend": f"chmod 700 {place.cache}"} in found
    status, ran, told = skillcache(place, "run", "-v", "--", "echo", "as ever")
    assert (status, ran) == (0, "as ever\n")
    assert "chmod 700" in told
    assert list(place.cache.iterdir()) == []


def test_the_server_does_not_begin(place: Place) -> None:
    place.cache.mkdir(mode=0o755)
    done = subprocess.run(
        [sys.executable, "-I", str(HOOKS / "serve.py")],
        cwd=place.root, env={**place.environ, "CLAUDE_PID": str(os.getpid())},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert "chmod 700" in done.stderr
