"""The shell that Claude Code runs a command in, as far as it changes what the command means.

Observed on client 2.1.330: each command is `bash -c 'source SNAPSHOT && SESSION-EXPORTS && eval COMMAND'`. The
snapshot holds the aliases and functions of the person's start-up files and sets PATH to the client's own, which is
the hook's too; it appears with a session's first command. The exports are what SessionStart hooks wrote to
CLAUDE_ENV_FILE. A bash that takes itself for a remote one (SHLVL unset) reads ~/.bashrc besides.
"""

import os

from skillcache import outcome
from skillcache.digest import digest, digest_parts
from skillcache.errors import Bypass
from skillcache.files import Irregular, TooLarge, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_START_UP = (".bashrc", ".bash_profile", ".bash_login", ".profile", ".bash_aliases", ".zshrc", ".zshenv", ".zprofile")
REPLACED = "cat and cd"
_FILTER_NAMES = (
    b"cat head tail grep egrep fgrep sed awk wc sort uniq cut tr echo printf ls diff jq rg tee xargs cd find"
)
_FILTERS = _FILTER_NAMES.split()
# Options of the shell that the snapshot carries over and that give a line another status or other words.
_OPTIONS = (b"pipefail", b"errexit", b"nounset", b"noglob", b"nullglob", b"failglob", b"globstar", b"dotglob", b"set -")
_MOST_SNAPSHOTS = 40
_REPLAYING = (b"cat", b"cd")  # what a replay is made of
# What follows in a snapshot is the client's: functions of its own for rg, find, grep and pkill, in every session.
_CLIENTS = b"\n# Check for rg availability\n"
_MOST = 4 << 20


def exports(environ: "Mapping[str, str]") -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The environment as the session's own exports leave it, and (name, digest) of what was read for it."""
    result = dict(environ)
    rows = []
    session = environ.get("CLAUDE_CODE_SESSION_ID", "")
    folder = os.path.join(_settings_folder(environ), "session-env", session)
    names = sorted(_list(folder)) if session and "/" not in session else []
    scripts = [_text(os.path.join(folder, name)) for name in names if name.endswith(".sh")]
    if given := environ.get("CLAUDE_ENV_FILE"):
        scripts.append(_text(given))
    scripts = [script for script in scripts if script]
    if scripts:
        rows.append(("session environment", digest_parts(scripts)))
        for script in scripts:
            _export(script.decode("utf-8", "surrogateescape"), result)
    if given := environ.get("BASH_ENV"):
        rows.append(("BASH_ENV", digest(_text(os.path.expanduser(given)))))
    home = environ.get("HOME", "/")
    if environ.get("SHLVL", "0") == "0" and (text := _text(os.path.join(home, ".bashrc"))):
        rows.append((".bashrc", digest(text)))
    if environ.get("SHELL", "").endswith("zsh"):
        start = os.path.join(environ.get("ZDOTDIR", home), ".zshenv")
        rows.append((".zshenv", digest(_text(start))))
    return result, rows


def check(words: "Iterable[str]", environ: "Mapping[str, str]") -> list[tuple[str, str]]:
    """UNCAPTURABLE when the person's shell may have an alias or a function of one of these names.

    Gives (name, digest) of the person's aliases of filters, which many people have and which count by their text, and
    of what they set the shell's options to; and, as REPLACED, that `cat` or `cd` may mean something else there.
    """
    home = environ.get("HOME", "/")
    folder = os.path.join(_settings_folder(environ), "shell-snapshots")
    newest = sorted(_list(folder), key=_time_of)[-_MOST_SNAPSHOTS:]
    start_up = b"\n".join(_text(os.path.join(home, name)) for name in _START_UP)
    snapshots = [_text(os.path.join(folder, name)).partition(_CLIENTS)[0] for name in newest]
    text = b"\n".join([start_up, *snapshots])
    for word in words:
        name = os.fsencode(word)
        if b"/" not in name and name not in _FILTERS and name in text and _defines(text, name):
            raise Bypass(outcome.UNCAPTURABLE, f"the shell has an alias or a function named {word}")
    suspects = [line for line in start_up.split(b"\n") if b"alias" in line or b"()" in line or b"function" in line]
    lines = [line for line in suspects if any(name in line and _defines(line, name) for name in _FILTERS)]
    if any(b"alias" not in line for line in lines):
        raise Bypass(outcome.UNCAPTURABLE, "the shell has a function in place of a filter")
    lines += [line for line in start_up.split(b"\n") if any(option in line for option in _OPTIONS)]
    rows = [("aliases", digest(b"\n".join(lines)))] if lines else []
    return [*rows, (REPLACED, "yes")] if any(_may_define(text, name) for name in _REPLAYING) else rows


def _may_define(text: bytes, name: bytes) -> bool:
    forms = (name + b"=", name + b"(", name + b" (", b"function " + name)
    return any(form in text for form in forms) and _defines(text, name)


def _defines(text: bytes, name: bytes) -> bool:
    for line in text.split(b"\n"):
        if name not in line or line.lstrip().startswith(b"#"):
            continue
        words = line.replace(b"eval $'", b"", 1).replace(b"()", b" () ").replace(b";", b" ").split()
        while words and words[0] in (b"alias", b"--", b"function", b"-g", b"-s", b"{"):
            words.pop(0)
            if words and (words[0] == name or words[0].startswith(name + b"=")):
                return True
        if words[:2] == [name, b"()"]:
            return True
        if b"alias" in line and any(word.startswith(name + b"=") for word in words):
            return True
    return False


def _export(script: str, environ: dict[str, str]) -> None:
    """Apply `export NAME=value` lines; one that touches PATH in any other way cannot be followed."""
    for line in script.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        simple = equals and line.strip().startswith("export ") and name.isidentifier()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            quote, value = value[0], value[1:-1]
        else:
            quote = ""
        if simple and quote != "'":
            for known in ("PATH", "HOME"):
                value = value.replace(f"${{{known}}}", environ.get(known, "")).replace(
                    f"${known}", environ.get(known, "")
                )
        if simple and (quote == "'" or not set("$`\\\"' \t;&|") & set(value)):
            environ[name] = value
        elif "PATH" in line:
            raise Bypass(outcome.UNCAPTURABLE, "the session's own environment sets PATH in a way not understood")


def _settings_folder(environ: "Mapping[str, str]") -> str:
    return environ.get("CLAUDE_CONFIG_DIR") or os.path.join(environ.get("HOME", "/"), ".claude")


def _time_of(name: str) -> str:
    return name.partition("-")[2].partition("-")[2]  # snapshot-bash-1795402972616-okk3ya.sh


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _text(path: str) -> bytes:
    """UNCAPTURABLE for a file of which we would not know what it says: a pipe, a huge one."""
    try:
        return load(path, _MOST)
    except (Irregular, TooLarge) as error:
        raise Bypass(outcome.UNCAPTURABLE, f"{path}: {error.strerror}") from None
    except OSError:  # what we may not read, the person's shell may not either
        return b""
