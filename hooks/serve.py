"""The resident server of a client process, for the plugin's mod: see skillcache/events/server."""

import sys

# Beside the package in a checkout, inside it in a wheel. Last, so that no file there can pass for a standard module.
sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
try:
    from skillcache.events.server.serve import main

    main()
except BaseException:  # noqa: BLE001, S110 - of a package that is gone, or half there, nobody is to hear
    pass
