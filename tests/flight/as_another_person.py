"""Runs a hook script as another user of this machine: `as_another_person.py UID HOOK...`, or a wrapper of one."""

import os
import runpy
import sys

_uid = int(sys.argv[1])
os.getuid = lambda: _uid
del sys.argv[1]
sys.argv[:] = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
