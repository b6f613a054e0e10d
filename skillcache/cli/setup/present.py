"""What of ours is in the client already, and whether it will last."""

import os
import sys
from collections.abc import Iterator, Mapping

from skillcache.cli.setup.entries import Edit
from skillcache.cli.setup.settings_file import USER, read
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import config_file, hooks_folder, project_config_file
from skillcache.settings.configuration import parse as parse_configuration
from skillcache.settings.in_force import load
from skillcache.settings.table import PROJECT as PROJECT_FILE
from skillcache.settings.table import USER as USER_FILE

MEND = "pipx install skillcache, or: uv tool install skillcache; then install the hooks from there"
_CACHES = (".cache", "Caches")
_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/: pipx and uv mark theirs so
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/folders")  # noqa: S108 - looked for, not used


def passing(interpreter: str, environ: Mapping[str, str]) -> str:
    """Where it lies, in words, when that may be gone tomorrow; else "". `interpreter`: an absolute path."""
    folder = os.path.realpath(os.path.dirname(os.path.dirname(interpreter)))
    above = list(_above(folder))
    if any(os.path.basename(path) in _CACHES or os.path.exists(os.path.join(path, _TAG)) for path in above):
        return "a cache, as those of uvx and pipx run"
    temporary = {os.path.realpath(path) for path in (*_TEMPORARY, environ.get("TMPDIR") or "/tmp")}  # noqa: S108
    if not temporary.isdisjoint(above):
        return "a folder for temporary files"
    # Whoever keeps a home folder in git keeps no project there.
    home = os.path.realpath(environ.get("HOME") or os.path.expanduser("~"))
    if os.path.isfile(os.path.join(folder, "pyvenv.cfg")) and any(
        os.path.exists(os.path.join(path, ".git")) for path in above if path not in (home, *_above(home))
    ):
        return "a project's virtual environment"
    return ""


def _above(folder: str) -> Iterator[str]:
    """The folders that hold it, but for the root."""
    while (folder := os.path.dirname(folder)) != "/":
        yield folder


def present_edit(scope: str, project: str, environ: Mapping[str, str]) -> Edit:
    """The entries that this installation needs now, in this scope. Raises SkillcacheError."""
    settings = load(environ, project)
    rules = own_rules(scope, project, environ)
    return Edit(
        present_interpreter(),
        hooks_folder(),
        rules=[str(rule["match"]) for rule in rules],
        writers=[pattern for rule in rules for pattern in _texts(rule.get("invalidated_by"))],
        web=settings.word("serve.web") == "on",
        sessions=settings.flag("record.sessions"),
        messages=settings.flag("messages.deliver"),
    )


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def present_interpreter() -> str:
    """The absolute path of this Python, by one of its names whichever of them started us. Raises SkillcacheError."""
    if not sys.executable:
        raise SkillcacheError("this Python does not know its own path; run install with another one")
    path = os.path.abspath(sys.executable)
    usual = os.path.join(os.path.dirname(path), "python3")
    try:
        return usual if os.path.samefile(usual, path) else path
    except OSError:
        return path


def note(environ: Mapping[str, str]) -> str:
    """A line for a Python that may be gone tomorrow, and the hooks with it; "" for any other."""
    path = present_interpreter()
    where = passing(path, environ)
    return f"{path} lies in {where}; without it the hooks do nothing. To keep them: {MEND}\n" if where else ""


def own_rules(scope: str, project: str, environ: Mapping[str, str]) -> list[dict[str, object]]:
    """The person's rules that are in force, and the project's where the scope is one project."""
    files = [(config_file(environ), USER_FILE)]
    if scope != USER:
        files.append((project_config_file(os.path.abspath(project)), PROJECT_FILE))
    found: list[dict[str, object]] = []
    for path, who in files:
        text = read(path)
        if text is not None:
            _, rules, _ = parse_configuration(text.encode(), path, who)
            found.extend(rule for rule in rules if rule.get("enabled") is not False)
    return found
