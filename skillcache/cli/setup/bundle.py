"""The plugin: its name, its command line, and its folder, whole under a name made of its content, or not there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Mapping

from skillcache.cli.setup.entries import EVENTS, module, started_by
from skillcache.cli.setup.settings_file import USER, own_rules, present_edit, present_interpreter
from skillcache.core import files
from skillcache.core.files import digest_parts
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import cache_folder, hooks_folder, package_folder
from skillcache.events.server.world import known
from skillcache.settings import require_folder

NAME = "skillcache"
MARKETPLACE = "skillcache"
ID = f"{NAME}@{MARKETPLACE}"
# The first client whose mods may answer a call once it is allowed, and the first that takes a plugin from a command.
MODERN = (2, 1, 326)
OLDEST = (2, 1, 229)


_MOST = 400  # characters: the client takes 500 of a command that gives a plugin's folder


def python_line() -> str:
    """What starts the command line. Raises SkillcacheError.

    By its path, which needs no installation. Nothing in the folder where it is run is taken for a module (`-P`), nor
    what the environment names (`-E`): a project's sources are often on PYTHONPATH.
    """
    line = shlex.join(_python_words())
    if not (line.isascii() and line.isprintable() and len(line) <= _MOST):
        raise SkillcacheError(
            f"{line}: Claude Code takes plain short paths only for a plugin's command."
            " Have skillcache at such a path, or take the hooks alone: skillcache install"
        )
    return line


def _python_words() -> list[str]:
    return [present_interpreter(), "-E", "-P", f"{hooks_folder()}/command.py"]


_DESCRIPTION = "Replays the results of repeated tool calls, backed by Redis or a file of your own."
_OPTIONS = {
    "redis_url": {
        "type": "string",
        "title": "Redis URL",
        "description": "The shared store, such as redis://host:6379/0. Without it: SKILLCACHE_REDIS_URL, REDIS_URL,"
        " or a file of your own.",
        "sensitive": True,
    },
    "team": {
        "type": "string",
        "title": "Team",
        "description": "Whom the results of rules with `share` are shared with.",
    },
}
# What the module does itself, where there is one.
_BY_MODULE = (*EVENTS.values(), "invalidate.py")
_KEPT = 86_400  # seconds that a folder is kept which is not the newest: a client may be copying it


def main() -> None:
    """For a checkout that nobody has installed (plugin_path.sh). Any fault is the client's to show."""
    try:
        require_folder(os.environ, os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd())
        sys.stdout.write(f"{lay_out(os.environ, modern=asks_modern(os.environ))}\n")
    except (SkillcacheError, OSError) as fault:
        raise SystemExit(f"skillcache: {fault}") from None


def lay_out(environ: Mapping[str, str], *, modern: bool) -> str:
    """The folder's absolute path. `modern`: for a client whose mods answer calls. Raises SkillcacheError, OSError."""
    content = contents(environ, modern=modern)
    name = digest_parts(part for path in sorted(content) for part in (path.encode(), content[path]))
    base = f"{cache_folder(environ)}/plugin"
    place = f"{base}/{name[:16]}"
    if not _is_whole(place, content):
        _make(place, content, f"{base}/.{os.getpid()}")
    os.utime(place)
    _sweep(base, place)
    return place


def _is_whole(place: str, content: Mapping[str, bytes]) -> bool:
    """Whether all of it is there: who tidies a cache takes files by their age."""
    try:
        return all(files.load(f"{place}/{path}", len(data)) == data for path, data in content.items())
    except OSError:
        return False


def _make(place: str, content: Mapping[str, bytes], draft: str) -> None:
    """Whole in one step; another process may do the same. Raises OSError."""
    old = f"{draft}.old"
    try:
        for path in (draft, old):
            shutil.rmtree(path, ignore_errors=True)
        for path, data in content.items():
            files.write(f"{draft}/{path}", data)
        with contextlib.suppress(FileNotFoundError):
            os.rename(place, old)
        os.rename(draft, place)
    except OSError:
        if not _is_whole(place, content):
            raise
    finally:
        for path in (draft, old):
            shutil.rmtree(path, ignore_errors=True)


def contents(environ: Mapping[str, str], *, modern: bool) -> dict[str, bytes]:
    """Every file by its path in the folder. Raises SkillcacheError and OSError."""
    hooks: dict[str, object] = {"description": _DESCRIPTION, "hooks": _hooks(environ, modern=modern)}
    found: dict[str, bytes] = {}
    if modern:
        hooks["modules"] = ["./register.js"]
        rules = own_rules(USER, ".", environ)
        writers = [str(pattern) for rule in rules for pattern in _texts(rule.get("invalidated_by"))]
        met = known(environ)
        start = [present_interpreter(), "-I", f"{hooks_folder()}/serve.py"]
        matches = [*(str(rule["match"]) for rule in rules), *met[0]]
        heard = module(start, matches, [*writers, *met[1]], cli=_python_words())
        found["hooks/heard.js"] = heard.encode()
        found["hooks/register.js"] = _read(f"{hooks_folder()}/register.js")
    found[".claude-plugin/plugin.json"] = _json(_manifest())
    found["hooks/hooks.json"] = _json(hooks)
    here = f"{package_folder()}/cli/setup"
    for folder, below in ((f"{here}/plugin_files", ""), (f"{here}/skills", "skills/")):
        for path, _, names in os.walk(folder):
            for name in names:
                full = f"{path}/{name}"
                text = _read(full).replace(b"{{skillcache}}", python_line().encode())
                found[below + full[len(folder) + 1 :]] = text
    return found


def marketplace_file(environ: Mapping[str, str]) -> str:
    return f"{cache_folder(environ)}/plugin/marketplace/.claude-plugin/marketplace.json"


def marketplace(environ: Mapping[str, str]) -> str:
    """The folder of a marketplace that has the plugin alone, as it is there now. Raises SkillcacheError and OSError."""
    path = marketplace_file(environ)
    files.write(path, marketplace_text())
    return path.removesuffix("/.claude-plugin/marketplace.json")


def marketplace_text() -> bytes:
    """One whose plugin is what a command of this Python lays out. Raises SkillcacheError."""
    source = {"source": "command", "command": f"{python_line()} plugin-path", "mode": "copy", "timeout": 60}
    listed = {
        "name": MARKETPLACE,
        "owner": {"name": NAME},
        "description": _DESCRIPTION,
        "plugins": [{"name": NAME, "description": _DESCRIPTION, "source": source}],
    }
    return _json(listed)


def client_version(agent: str) -> tuple[int, ...]:
    """Of the client that runs the command, () where none says so; `agent`: as in claude-code_2-1-330_harness."""
    found = re.match(r"claude-code_(\d+)-(\d+)-(\d+)(?:_|$)", agent)
    return tuple(map(int, found.groups())) if found else ()


def asks_modern(environ: Mapping[str, str]) -> bool:
    """Whether the client that runs us is one whose mods answer calls."""
    return is_modern(client_version(environ.get("AI_AGENT", "")))


def is_modern(version: tuple[int, ...]) -> bool:
    """Whether a client of this version, () for an unknown one, has mods that answer calls."""
    return not version or version >= MODERN


def _hooks(environ: Mapping[str, str], *, modern: bool) -> dict[str, list[object]]:
    edit = present_edit(USER, ".", environ)
    found: dict[str, list[object]] = {}
    for event, group in edit.groups():
        handlers = [handler for handler in _listed(group["hooks"]) if not (modern and _is_of_module(handler))]
        if handlers:
            found.setdefault(event, []).append({**group, "hooks": handlers})
    if modern:
        # The server is not given the plugin's options: a hook is, and hands them over.
        handler = {"type": "command", **edit.start("options.py"), "async": True}
        found.setdefault("SessionStart", []).append({"hooks": [handler]})
    return found


def _is_of_module(handler: object) -> bool:
    started = started_by(handler)
    assert started is not None  # noqa: S101 - `groups` makes them
    return os.path.basename(started.script) in _BY_MODULE


def _manifest() -> dict[str, object]:
    return {
        "name": NAME,
        "version": _version(),
        "description": _DESCRIPTION,
        "author": {"name": NAME},
        "keywords": ["cache", "redis", "replay"],
        "userConfig": _OPTIONS,
    }


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("skillcache")
    except PackageNotFoundError:  # a checkout that is not installed
        import tomllib

        stated = tomllib.loads(_read(f"{os.path.dirname(hooks_folder())}/pyproject.toml").decode())
        return str(stated["project"]["version"])


def _sweep(base: str, newest: str) -> None:
    with os.scandir(base) as found:
        old = [
            item.path
            for item in found
            if item.is_dir(follow_symlinks=False)
            and item.name != "marketplace"
            and item.path != newest
            and item.stat().st_mtime < time.time() - _KEPT
        ]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _texts(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
