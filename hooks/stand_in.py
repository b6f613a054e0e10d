"""A command that may be answered: see skillcache/commands/stand_in.py. Started by a shim, not by the client."""

import sys

if len(sys.argv) > 2:  # as every shim does
    # Beside the package in a checkout, inside it in a wheel. Last, so that no file there passes for a standard module.
    sys.path += [__file__.rsplit("/", 2)[0], __file__.rsplit("/", 3)[0]]
    try:
        from skillcache.commands.stand_in import main
    except BaseException:  # noqa: BLE001 - whatever is missing of us, the command runs
        import posix
        from _signal import SIG_DFL, SIGPIPE, SIGXFSZ, signal  # type: ignore[import-not-found]

        for number in (SIGPIPE, SIGXFSZ):
            signal(number, SIG_DFL)
        environ = {name: value for name, value in posix.environ.items() if name != b"LC_CTYPE"}
        if sys.argv[1]:  # see skillcache/commands/stand_in.py
            environ[b"LC_CTYPE"] = sys.argv[1][1:].encode("utf-8", "surrogateescape")
        posix.execve(sys.argv[2], sys.argv[3:], environ)
    main(sys.argv[1:])
