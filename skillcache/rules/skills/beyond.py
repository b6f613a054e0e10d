"""Files that a skill says its results depend on and that are named from elsewhere than the worktree's root.

/x  ~/x                        absolute, or from the home folder
../x  ${CLAUDE_SKILL_DIR}/x    from the skill's own folder, by which `../` is meant as often as it stands there
${CLAUDE_PLUGIN_ROOT}/x        from that of the plugin which the skill belongs to, whatever version its path holds
"""

import os

from skillcache.core.digest import digest_parts
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import UNCAPTURABLE
from skillcache.fingerprint import globs
from skillcache.fingerprint.ignored import is_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.fingerprint.outside import Outside
    from skillcache.rules.gathered import Use

PLUGIN = ".claude-plugin/plugin.json"  # in the folder that a plugin's shelf lies in
_SKILL, _ROOT = "${CLAUDE_SKILL_DIR}/", "${CLAUDE_PLUGIN_ROOT}/"
_UP = "../"
_STARTS = ("/", "~", _UP, _SKILL, _ROOT)


def is_beyond(glob: str) -> bool:
    """Whether it is counted from elsewhere than the worktree's root."""
    return glob.startswith(_STARTS)


def fault_of(glob: str) -> str:
    """Why it cannot be depended on, or ''; of any glob."""
    if glob[:1] == "~" and glob[1:2] != "/":
        return "is no path"
    _, _, rest = _parted(glob)
    return "is git's own, or a cache" if is_cache(rest.encode()) else globs.fault_of(rest)


def _parted(glob: str) -> tuple[str, int, str]:
    """What it is counted from, how many folders above that, and the glob from there."""
    start = next((start for start in ("/", "~/", _SKILL, _ROOT) if glob.startswith(start)), "")
    rest = glob[len(start) :]
    if start in ("/", "~/"):
        return start, 0, rest
    ups = 0
    while rest.startswith(_UP) and (start or glob.startswith(_UP)):
        ups += 1
        rest = rest[len(_UP) :]
    return start or _SKILL, ups, rest


def content(glob: str, use: "Use", outside: "Outside") -> str:
    """Digest of the names and contents of what it names now. Raises Bypass (TOO_LARGE, TOO_SLOW, UNCAPTURABLE)."""
    start, ups, rest = _parted(glob)
    parts: list[bytes] = []
    for top in _tops(start, use, glob):
        for _ in range(ups):
            top = os.path.dirname(top)  # noqa: PLW2901 - as many as are said
        for path in sorted(globs.find(top, rest, outside.budget, through_links=True)):
            parts += (os.fsencode(path), outside.content(os.path.join(top, path)).encode())
    return digest_parts(parts) if parts else "absent"


def _tops(start: str, use: "Use", glob: str) -> list[str]:
    """The folders that it is counted from: a skill's by the path that was come by, and where it really lies."""
    if start == "/":
        return ["/"]
    if start == "~/":
        if not use.home.startswith("/"):
            raise Bypass(UNCAPTURABLE, f"{glob} without a home folder")
        return [use.home]
    folders = list(dict.fromkeys([use.folder, os.path.realpath(use.folder)]))
    if start == _SKILL:
        return folders
    above = [os.path.dirname(os.path.dirname(folder)) for folder in folders]
    plugins = [folder for folder in above if os.path.isfile(f"{folder}/{PLUGIN}")]
    if not plugins:
        raise Bypass(UNCAPTURABLE, f"{glob}: the skill is of no plugin")
    return plugins
