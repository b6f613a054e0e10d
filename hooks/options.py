"""SessionStart of the plugin: hands its options to the resident server, see skillcache/events/session_start.py."""

import sys

# Beside the package in a checkout, inside it in a wheel. Last, so that no file there can pass for a standard module.
sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
try:
    from skillcache.events.runtime import main

    main("Options")
except BaseException:  # noqa: BLE001, S110 - of a package that is gone, or half there, nobody is to hear
    pass
