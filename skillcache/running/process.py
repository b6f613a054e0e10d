"""The command in the place of this process, and what this one says of itself."""

import errno
import os
import signal
from typing import NoReturn

from skillcache.running.standard_input import write_whole

NOT_FOUND, NOT_EXECUTABLE = 127, 126
SIGNALLED = 128  # and the signal's number, as a shell says it


class Unstartable(Exception):
    """status: what a shell would end with."""

    def __init__(self, word: str, fault: OSError) -> None:
        is_missing = isinstance(fault, FileNotFoundError | NotADirectoryError)
        super().__init__(f"{word}: {'command not found' if is_missing and '/' not in word else fault.strerror}")
        self.status = NOT_FOUND if is_missing else NOT_EXECUTABLE


def become(words: tuple[str, ...]) -> NoReturn:
    """Run the command in this process's place, as if we had never been. Raises Unstartable."""
    # Python ignores these, and the command would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(words[0], words)  # noqa: S606
    except OSError as fault:
        if fault.errno == errno.ENOEXEC:
            os.execv("/bin/sh", ("sh", find(words[0]), *words[1:]))  # noqa: S606
        raise Unstartable(words[0], fault) from None


def end_by_interrupt() -> NoReturn:
    """By ^C, as the command would: a shell stops its script for a command that died of it, and for no other."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError


def say(text: str) -> None:
    """One line on standard error, if anybody reads it."""
    try:
        write_whole(2, f"skillcache: {text}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        return


def find(word: str) -> str:
    """The path that a program is found under."""
    from shutil import which  # hardly ever

    return which(word) or word
