"""The keys of a team: a file of the person's own, or the environment, and nothing that a project could name or write.

    # one key a line; the first signs, all verify
    SECRET [WRITER]

SECRET: at least 32 letters, digits or signs without a blank, of which the keys are made; WRITER: whose alone this key
is, such as ci@acme, nothing for a key that all share. In SKILLCACHE_TEAM_KEY a comma ends a line, too.

Where keys are named and cannot be used nothing is read from a store and nothing written: it is a ConfigError.
"""

import os

from skillcache.core import files
from skillcache.core.credentials import keep_in_mind
from skillcache.core.files import key_values
from skillcache.core.outcomes import ConfigError
from skillcache.settings import Untrusted, in_project, require_way, shell_words
from skillcache.stores.contract import Target
from skillcache.stores.signed import Key, Keys, word_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE, FILE_VARIABLE = "SKILLCACHE_TEAM_KEY", "SKILLCACHE_TEAM_KEY_FILE"
MAKE = "skillcache team key"
LEAST = 32  # characters of a secret
_DISTINCT = 8  # different ones among them
_MOST = 16  # keys
_CAP = 1 << 16
_OTHERS = 0o077


class NoKeys(ConfigError):
    """Keys are named and cannot be used; mend: the command or step that makes them usable."""

    def __init__(self, where: str, text: str, mend: str) -> None:
        super().__init__(where, f"{text}. Mend: {mend}")
        self.text = f"{where}: {text}; until then nothing is read from a store or written to one"
        self.mend = mend


def load_keys(path: str, writers: list[str], project: str, environ: "Mapping[str, str]", cache: str) -> Keys:
    """Those of the environment, else those in the file `path`. Raises NoKeys."""
    keys = Keys((), writers=writers, cache=cache, environ=environ)
    if VARIABLE in environ:
        _take(keys, environ[VARIABLE].replace(",", "\n"), VARIABLE)
        return keys
    where = path if path[:2] != "~/" else environ.get("HOME", "") + path[1:]
    stamp = _stamp(where)
    _take(keys, read_private(where, project, environ), where)

    def again() -> None:
        nonlocal stamp
        if (now := _stamp(where)) == stamp:
            return
        try:
            _take(keys, read_private(where, project, environ), where)
        except NoKeys:
            keys.take(())
        stamp = now

    keys.again = again
    return keys


def _take(keys: Keys, text: str, where: str) -> None:
    """Raises NoKeys."""
    parsed = parse(text, where)
    keys.take([Key(*each) for each in parsed])
    keep_in_mind(tuple([secret.decode() for secret, _ in parsed]))
    key_values(keys.values)


def _stamp(path: str) -> object:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns, status.st_size


def signed_target(store: str, keys: Keys) -> str:
    target = Target(store)
    target.keys = keys
    return target


def no_keys(environ: "Mapping[str, str]", cache: str) -> Keys:
    """Of who has a team and cannot read its keys: nothing counts."""
    return Keys((), cache=cache, environ=environ)


def forget() -> None:
    """Where the settings in force name no keys any more."""
    key_values(b"")
    keep_in_mind(())


def read_private(path: str, project: str, environ: "Mapping[str, str]") -> str:
    """The file, which nobody else can read or choose. Raises NoKeys."""
    if not path.startswith("/"):
        raise NoKeys(path, "is no absolute path", "name the file of keys from / or ~/")
    if in_project(path, project, environ):
        raise NoKeys(path, "lies in the project, whose writers could change it", MAKE)
    try:
        _require_way(path)
        handle = files.open_regular(path)
    except (IsADirectoryError, files.Irregular):
        raise NoKeys(path, "is no file", MAKE) from None
    except FileNotFoundError:
        raise NoKeys(path, "there is no such file", f"{MAKE} --file {shell_words(path)}") from None
    except OSError as fault:
        raise NoKeys(path, f"cannot be read: {fault.strerror}", _chmod(path)) from None
    try:
        status = os.fstat(handle)
        if status.st_uid not in (0, os.geteuid()):
            raise NoKeys(path, "belongs to somebody else", f"chown {os.geteuid()} {shell_words(path)}")
        if status.st_mode & _OTHERS:
            raise NoKeys(path, "others may use it", _chmod(path))
        data = os.read(handle, _CAP + 1)
    except OSError as fault:
        raise NoKeys(path, f"cannot be read: {fault.strerror}", _chmod(path)) from None
    finally:
        os.close(handle)
    if len(data) > _CAP:
        raise NoKeys(path, "is too large for a file of keys", MAKE)
    return data.decode("utf-8", "replace")


def _require_way(path: str) -> None:
    """Raises NoKeys and OSError."""
    try:
        require_way(path)
    except Untrusted as fault:
        mend = fault.mend if fault.mend.startswith("chmod ") else "keep it in a folder of yours"
        raise NoKeys(path, fault.said, mend) from None


def _chmod(path: str) -> str:
    return f"chmod 600 {shell_words(path)}"


def parse(text: str, where: str) -> list[tuple[bytes, str]]:
    """Secrets and writers, in their order. Raises NoKeys, which repeats nothing of a line."""
    found: dict[bytes, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        secret, writer = words[0], "".join(words[1:2])
        if len(words) > 2 or (writer and not is_writer(writer)):
            fault = "is no key and, behind a blank, the name of whose alone it is, such as ci@acme"
        elif not (secret.isascii() and secret.isprintable()):
            fault = "holds other signs than letters, digits and punctuation"
        elif len(secret) < LEAST or len(set(secret)) < _DISTINCT:
            fault = f"is too short or too plain to be a key: at least {LEAST} random characters"
        elif secret.encode() in found:
            fault = "repeats a key"
        else:
            found[secret.encode()] = writer
            continue
        raise NoKeys(where, f"line {number} {fault}", f"take it out, or: {MAKE}")
    if not found:
        raise NoKeys(where, "holds no key", f"{MAKE}, or unset it")
    if len(found) > _MOST:
        raise NoKeys(where, f"holds more than {_MOST} keys", "take old ones out")
    return list(found.items())


def is_writer(text: str) -> bool:
    """Whether one may sign as this: one word, whose parts stand on both sides of an @."""
    parts = text.split("@")
    return len(parts) == 2 and all(part and word_of(part) == part for part in parts)


def file_text(keys: list[tuple[bytes, str]]) -> bytes:
    lines = [" ".join(filter(None, (secret.decode(), writer))) for secret, writer in keys]
    return "\n".join(["# skillcache: keys of a team; the first signs, all verify", *lines, ""]).encode()


def write_file(path: str, keys: list[tuple[bytes, str]]) -> None:
    """Raises OSError."""
    files.write(path, file_text(keys))
