"""Runs a hook script with a shifted clock, so that days pass without waiting: `at_another_time.py SECONDS HOOK`."""

import runpy
import sys
import time

_now = time.time
_shift = float(sys.argv[1])
time.time = lambda: _now() + _shift
runpy.run_path(sys.argv[2], run_name="__main__")
