"""A configuration file on disk, which gains rules; every byte that it held stays."""

from collections.abc import Sequence

from skillcache.cli.setup import settings_file
from skillcache.core.errors import ConfigError
from skillcache.settings.configuration import parse


def with_rules(path: str, tables: Sequence[str], scope: str) -> tuple[str, str]:
    """The file's text, "" for none, and the same with these `[[rules]]` behind it; nothing is written.

    `scope`: as of a setting, who writes the file. Raises ConfigError where either text is no configuration.
    """
    before = settings_file.read(path) or ""
    _, known, _ = parse(before.encode(), path, scope)
    after = before + ("\n" if before and not before.endswith("\n") else "")
    for table in tables:
        after += ("\n" if after else "") + table
    try:
        _, rules, _ = parse(after.encode(), path, scope)
    except ConfigError as fault:
        raise ConfigError(path, f"takes no further [[rules]] at its end ({fault.message}); it is as it was") from None
    assert len(rules) == len(known) + len(tables)  # noqa: S101 - a table at the end cannot hide another
    return before, after


def write(path: str, text: str) -> None:
    """Replace the file in one step, its folder made when missing, its mode kept. Raises SkillcacheError."""
    settings_file.write(path, text, backup=None)
