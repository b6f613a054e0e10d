"""The stand-in with its capture replaced by a known answer, see shims.py.

CHECKOUT CAPTURED LOCALE PROGRAM NAME WORD...
"""

import marshal
import sys

sys.path.append(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    ROOT, ROWS = marshal.load(file)  # noqa: S302 - written by shims.py a moment ago


class Anything:
    def __init__(self, **given: object) -> None:
        self.root, self.rows, self.details = ROOT, ROWS, given


Module = type(sys)
fingerprint = Module("skillcache.fingerprint.capture")
fingerprint.__path__ = []
for name, value in (("Request", Anything), ("Fingerprint", Anything), ("capture", lambda _: Anything())):
    setattr(fingerprint, name, value)
sys.modules["skillcache.fingerprint.capture"] = fingerprint

from skillcache.core import git  # noqa: E402

git.__dict__["ask_ahead"] = lambda *_: None

from skillcache.commands.stand_in import main  # noqa: E402

main(sys.argv[3:])
