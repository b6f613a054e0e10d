"""The PreToolUse hook with its capture replaced by a known answer: `CHECKOUT CAPTURED`. See hook.py."""

import marshal
import sys

sys.path.append(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    ROOT, ROWS = marshal.load(file)  # noqa: S302 - written by hook.py a moment ago


class Anything:
    def __init__(self, **given: object) -> None:
        self.root, self.rows, self.details = ROOT, ROWS, given


Module = type(sys)
fingerprint, git = Module("skillcache.fingerprint"), Module("skillcache.fingerprint.git")
fingerprint.__path__ = []
for name, value in (("Request", Anything), ("Fingerprint", Anything), ("capture", lambda _: Anything()), ("git", git)):
    setattr(fingerprint, name, value)
git.find_root = lambda _: ROOT  # type: ignore[attr-defined]
sys.modules |= {"skillcache.fingerprint": fingerprint, "skillcache.fingerprint.git": git}

from skillcache.runtime import main  # noqa: E402

main("PreToolUse")
