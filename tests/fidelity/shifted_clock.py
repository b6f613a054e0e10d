"""A hook or the stand-in with a shifted clock, so that days pass without waiting.

A folder of links to this file, named as the scripts in `hooks/`, stands for that one; its file `clock` says by how many
seconds the clock is ahead.
"""

import os
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
_CHECKOUT = os.path.realpath(__file__).rsplit("/", 3)[0]
_SCRIPT = f"{_CHECKOUT}/hooks/{os.path.basename(__file__)}"

_now = time.time
with open(f"{_HERE}/clock") as _file:
    _shift = float(_file.read())
time.time = lambda: _now() + _shift

if _SCRIPT.endswith("/session_start.py"):
    sys.path.append(_CHECKOUT)
    from skillcache.core import paths

    paths.hooks_folder = lambda: _HERE  # what a shim starts is to have this clock as well

with open(_SCRIPT) as _file:
    exec(compile(_file.read(), _SCRIPT, "exec"), {"__name__": "__main__", "__file__": _SCRIPT})  # noqa: S102
