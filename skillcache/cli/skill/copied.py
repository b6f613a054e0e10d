"""A copy of a directory and of a skill, in which a command may do what it likes."""

import contextlib
import os
import shutil
from collections.abc import Sequence

from skillcache.core.errors import SkillcacheError
from skillcache.core.git import find_root
from skillcache.rules.skills.manifest import FILE, SHELF

_MOST_FILES, _MOST_BYTES = 20_000, 1 << 29  # of a directory that is copied
_SKILL = ("${CLAUDE_SKILL_DIR}", "$CLAUDE_SKILL_DIR")
_PLUGIN = ".claude-plugin"  # in the folder of one


class Copy:
    """cwd, skill: where the directory and the skill are in it."""

    def __init__(self, top: str, folder: str, cwd: str) -> None:
        """`top`: an empty folder; `folder`: the skill's; both real, as is `cwd`. Raises SkillcacheError and OSError."""
        self.top = top
        self.folder = folder
        self.real = cwd
        self.cwd = f"{top}/work/{os.path.basename(cwd) or 'root'}"
        _copy(cwd, self.cwd)
        self.skill = self._skill()
        self._lead_back()

    def _skill(self) -> str:
        """Where the skill is in the copy, with what it shares."""
        folder, cwd = self.folder, self.real
        shelf = os.path.dirname(folder)
        if f"{folder}/".startswith(f"{cwd}/") and os.path.basename(shelf) == SHELF:
            return self.cwd + folder[len(cwd) :]
        beside = f"{self.top}/plugin"
        there = f"{beside}/{SHELF}/{os.path.basename(folder)}"
        if os.path.basename(shelf) == SHELF and os.path.isdir(f"{os.path.dirname(shelf)}/{_PLUGIN}"):
            _copy(os.path.dirname(shelf), beside)
            return there
        _copy(folder, there)
        if os.path.basename(shelf) == SHELF:
            for name in os.listdir(shelf):
                path = f"{shelf}/{name}"
                if not os.path.lexists(f"{path}/{FILE}") and not os.path.lexists(f"{beside}/{SHELF}/{name}"):
                    _copy(path, f"{beside}/{SHELF}/{name}")
        return there

    def _lead_back(self) -> None:
        """Has links that lead into the real project lead into the copy or be one. Raises SkillcacheError."""
        project = os.path.realpath(find_root(self.real) or self.real)
        for folder, folders, names in os.walk(self.top):
            for path in (os.path.join(folder, name) for name in (*folders, *names)):
                if not os.path.islink(path) or os.path.realpath(path).startswith(f"{self.top}/"):
                    continue
                real = os.path.realpath(self._origin(path))
                there = self.there(real)
                if there != real and os.path.lexists(there):
                    os.unlink(path)
                    os.symlink(there, path)
                elif os.path.exists(real) and any(f"{real}/".startswith(f"{top}/") for top in (project, self.folder)):
                    os.unlink(path)
                    _copy(real, path)

    def _origin(self, path: str) -> str:
        """Where what is in the copy came from, as far as that is the directory or the skill."""
        for real, copy in ((self.folder, self.skill), (self.real, self.cwd)):
            if path.startswith(f"{copy}/"):
                return real + path[len(copy) :]
        return path

    def there(self, path: str) -> str:
        """A real path where it is in the copy, if it is."""
        for real, copy in ((self.folder, self.skill), (self.real, self.cwd)):
            if f"{path}/".startswith(f"{real}/"):
                return copy + path[len(real) :]
        return path

    def word(self, word: str) -> str:
        """A word of a command, as it is said of what is in the copy."""
        for mark in _SKILL:
            word = word.replace(mark, self.folder)
        if os.path.isabs(word):
            return self.there(os.path.realpath(word)) if os.path.lexists(word) else word
        if word.startswith("-") or "/" not in word:
            return word
        path = os.path.realpath(os.path.join(self.real, word))
        if not os.path.lexists(path):  # as SKILL.md often says it
            own = os.path.join(self.folder, word)
            return f"{self.skill}/{os.path.normpath(word)}" if os.path.isfile(own) else word
        there = self.there(path)
        return word if there.startswith(f"{self.cwd}/") or there == path else there


def _copy(source: str, target: str) -> None:
    """What can be copied of it. Raises SkillcacheError."""
    if os.path.isfile(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(source, target)
        return
    count = size = 0
    for top, _, names in os.walk(source):
        for name in names:
            count += 1
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(top, name)).st_size
            if count > _MOST_FILES or size > _MOST_BYTES:
                raise SkillcacheError(f"{source} is too large to be copied: run the check in a smaller folder")
    with contextlib.suppress(shutil.Error):  # what cannot be read
        shutil.copytree(source, target, symlinks=True, ignore=_odd, dirs_exist_ok=True)


def _odd(folder: str, names: Sequence[str]) -> set[str]:
    """Pipes and sockets; and a file `.git` that leads to the real worktree's own."""
    paths = {name: os.path.join(folder, name) for name in names}
    return {
        name
        for name, path in paths.items()
        if not (os.path.islink(path) or os.path.isfile(path) or os.path.isdir(path))
        or (name == ".git" and os.path.isfile(path))
    }
