"""Before a line of the model's, where something runs ahead: see skillcache/commands/ahead/yielding.py."""

import sys

# Beside the package in a checkout, inside it in a wheel. Last, so that no file there passes for a standard module.
sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
try:
    from skillcache.commands.ahead.yielding import main

    main(*sys.argv[1:])
except BaseException:  # noqa: BLE001, S110 - whatever is missing of us, the line runs
    pass
