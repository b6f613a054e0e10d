"""Looks at the scripts of a skill: which there are, and what each visibly does."""

import os
from collections.abc import Callable, Iterator

from skillcache.cli.skill.sight import HOME, Look, Seen, Sight
from skillcache.core import files
from skillcache.fingerprint.ignored import is_cache

_MOST = 200  # scripts of a skill
_CAP = 1 << 20
_ENDINGS = {
    ".py": "python", ".sh": "shell", ".bash": "shell", ".zsh": "shell", ".js": "node", ".mjs": "node", ".cjs": "node",
    ".ts": "node", ".mts": "node", ".cts": "node", ".tsx": "node", ".jsx": "node", ".rb": "", ".pl": "",
}  # fmt: skip
_FIRST_LINES = (("python", "python"), ("bash", "shell"), ("node", "node"), ("deno", "node"), ("bun", "node"),
                ("zsh", "shell"), ("sh", "shell"))  # fmt: skip
_APART = frozenset(["node_modules", ".venv", "venv", "tests", "test", "__tests__"])  # what no skill tells to run


def look(folder: str) -> Look:
    scripts: list[str] = []
    unread: list[str] = []
    sights: list[Sight] = []
    for path in _files(folder):
        text = (files.read(os.path.join(folder, path), _CAP) or b"").decode("utf-8", "replace")
        language = _language(path, text)
        if language is None or len(scripts) == _MOST:
            continue
        scripts.append(path)
        seen = _reader(language)
        found = seen(text, path.count("/")) if seen is not None else None
        if found is None:
            unread.append(path)
            continue
        lines: dict[tuple[str, str], dict[int, None]] = {}
        for each in sorted(filter(lambda one: not _is_part(one, found), found)):
            lines.setdefault((each.kind, each.name), {})[each.line] = None
        sights += [Sight(path, tuple(at), kind, name) for (kind, name), at in lines.items()]
    return Look(tuple(scripts), tuple(unread), tuple(sights))


def _is_part(one: Seen, found: list[Seen]) -> bool:
    """Whether it is the beginning of a path that is built there."""
    return one.kind == HOME and any(
        other.kind == HOME and other.line == one.line and other.name.startswith(f"{one.name}/" if one.name else "~")
        for other in found
    )


def _reader(language: str) -> Callable[[str, int], list[Seen] | None] | None:
    from skillcache.cli.skill import node_sight, python_sight, shell_sight

    return {"python": python_sight.seen, "shell": shell_sight.seen, "node": node_sight.seen}.get(language)


def _language(path: str, text: str) -> str | None:
    """None for what is no script."""
    ending = os.path.splitext(path)[1].lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if not text.startswith("#!"):
        return None
    first = text.partition("\n")[0]
    return next((language for word, language in _FIRST_LINES if word in first), "")


def _files(folder: str) -> Iterator[str]:
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in _APART and not is_cache(os.fsencode(each)))
        for name in sorted(names):
            path = os.path.join(top, name)
            if os.path.isfile(path) and not name.startswith("test_") and name != "conftest.py":
                yield os.path.relpath(path, folder)
