"""A command that may be answered: see skillcache/commands/stand_in.py. Started by a shim, not by the client."""

import sys

# Beside the package in a checkout, inside it in a wheel. Last, so that no file there can pass for a standard module.
sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
try:
    from skillcache.commands.stand_in import main
except BaseException:  # noqa: BLE001 - whatever is missing of us, the command runs
    import posix
    from _signal import SIG_DFL, SIGPIPE, SIGXFSZ, signal  # type: ignore[import-not-found]

    for number in (SIGPIPE, SIGXFSZ):
        signal(number, SIG_DFL)
    posix.execv(sys.argv[1], sys.argv[2:])

main(sys.argv[1:])
