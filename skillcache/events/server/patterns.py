"""Patterns of projects' own rules that were met: the plugin is one for all projects, and is to hear them all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from skillcache.core import files
from skillcache.core.paths import cache_folder, project_config_file
from skillcache.settings.configuration import parse
from skillcache.settings.table import PROJECT

_LARGEST = 1 << 20
_MOST = 500  # patterns of either sort


def known(environ: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Of rules, and of what puts their results out of date."""
    try:
        found = json.loads(files.read(_path(environ), _LARGEST) or b"[[], []]")
        rules, writers = ([str(text) for text in texts] for texts in found)
    except (OSError, ValueError, TypeError):
        return [], []
    return rules, writers


def meet(project: str, environ: Mapping[str, str]) -> None:
    """Take in a project's rules. Raises ConfigError and OSError."""
    before = known(environ)
    matches, writers = _of_project(project)
    after = (_joined(before[0], matches), _joined(before[1], writers))
    if after != before:
        files.write(_path(environ), json.dumps(after).encode())


def is_met(project: str, environ: Mapping[str, str]) -> bool:
    """Whether the project's rules were taken in. Raises ConfigError and OSError."""
    before = known(environ)
    return all(set(texts) <= set(old) for texts, old in zip(_of_project(project), before, strict=True))


def _of_project(project: str) -> tuple[list[str], list[str]]:
    path = project_config_file(project)
    text = files.read(path, _LARGEST)
    if text is None:
        return [], []
    _, rules, _ = parse(text, path, PROJECT)
    writers = [str(pattern) for rule in rules for pattern in _listed(rule.get("invalidated_by"))]
    return [str(rule["match"]) for rule in rules], writers


def _joined(old: list[str], new: list[str]) -> list[str]:
    return list(dict.fromkeys([*old, *new]))[-_MOST:]


def _listed(value: object) -> Iterable[object]:
    return value if isinstance(value, list | tuple) else ()


def _path(environ: Mapping[str, str]) -> str:
    return f"{cache_folder(environ)}/plugin/patterns.json"
