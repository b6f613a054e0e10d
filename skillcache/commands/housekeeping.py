"""What nobody will ask for again is swept out of the cache folder, after a run that took longer than this does."""

import os

from skillcache.core import bytecode, counts, files
from skillcache.core.paths import (
    called_folder,
    calls_folder,
    checks_folder,
    failed_ahead_folder,
    failed_folder,
    insisted_folder,
    kept_ahead_folder,
    mentions_folder,
    misses_file,
    near_folder,
    own_folder,
    package_folder,
    pending_folder,
    replayed_folder,
    rewritten_folder,
    runs_folder,
    seen_folder,
    sequences_folder,
    shims_folder,
    slow_folder,
    stamps_folder,
    tally_file,
    told_folder,
    unfit_ahead_folder,
)
from skillcache.core.processes import quote
from skillcache.stores import near_cache

_OF_A_DAY = (
    pending_folder,
    insisted_folder,
    slow_folder,
    seen_folder,
    calls_folder,
    called_folder,
    failed_folder,
    replayed_folder,
    runs_folder,
    told_folder,
    failed_ahead_folder,
    unfit_ahead_folder,
)
_OF_A_MONTH = (
    stamps_folder,
    mentions_folder,
    own_folder,
    rewritten_folder,
    checks_folder,
    near_folder,
    sequences_folder,
    kept_ahead_folder,
)
_UNUSED = 30 * 86_400  # seconds: each session's start touches what it uses
_CAP = 1 << 20


def tidy(cache: str, now: float) -> None:
    """`now`: unix seconds. Raises OSError."""
    for path in (tally_file(cache), misses_file(cache)):
        counts.trim(path)
    for folder in _OF_A_DAY:
        files.sweep(folder(cache), now)
    for folder in _OF_A_MONTH:
        files.sweep(folder(cache), now, _UNUSED)
    near_cache.tidy(cache)
    files.sweep_drafts(cache, now)
    _sweep_shims(shims_folder(cache), now - _UNUSED)
    if bytecode.is_needed():
        bytecode.write(package_folder())


def _sweep_shims(folder: str, before: float) -> None:
    """Preambles that no session has used since `before`, and the folders of shims that none of the others names."""
    try:
        found = [f"{folder}/{name}" for name in os.listdir(folder)]
    except FileNotFoundError:
        return
    old = [path for path in found if os.lstat(path).st_mtime < before]
    if not old:
        return
    used = b"".join(files.read(path, _CAP) or b"" for path in found if path.endswith(".sh") and path not in old)
    for path in old:
        if not os.path.isdir(path):
            files.remove(path)
        elif os.fsencode(quote(path)) not in used:
            import shutil  # once a month

            shutil.rmtree(path, ignore_errors=True)
