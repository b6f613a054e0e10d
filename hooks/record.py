"""Every event of a session that is only recorded: see skillcache/events/record.py."""

import sys

# Beside the package in a checkout, inside it in a wheel. Last, so that no file there can pass for a standard module.
sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
try:
    # The client ends what it does not wait for when a session ends (SIGTERM): a record that has begun is finished.
    from _signal import SIG_IGN, SIGTERM, signal  # type: ignore[import-not-found]

    signal(SIGTERM, SIG_IGN)
    from skillcache.events.runtime import main

    main("Record")
except BaseException:  # noqa: BLE001, S110 - of a package that is gone, or half there, nobody is to hear
    pass
