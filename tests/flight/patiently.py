"""Runs a hook script that waits long for its server, which a test holds up: `patiently.py HOOK`."""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv[-1]).parents[1]))

from skillcache.stores.connection import Limits

_, _, _, size = Limits.__init__.__defaults__ or ()
Limits.__init__.__defaults__ = (20.0, 20.0, 20.0, size)  # connect, silence, operation: seconds
runpy.run_path(sys.argv[-1], run_name="__main__")
