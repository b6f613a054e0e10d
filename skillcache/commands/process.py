"""The process that a command becomes: its environment, its attributes and its end.

Rows of the key only for what differs, so that machines, sessions and teammates share what is usual everywhere. How nice
a process is changes when it runs, and is left out; so are namespaces, which have no names that mean the same elsewhere.
"""

import errno
import os
from _signal import SIG_DFL, SIGINT, SIGPIPE, SIGXFSZ, signal  # type: ignore[import-not-found]

from skillcache.commands.streams import write_whole
from skillcache.core import files
from skillcache.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from skillcache.stores.entry import Row


NOT_FOUND, NOT_EXECUTABLE = 127, 126
# What Python sets for itself, and so for all that it starts, where the locale is that of C.
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
_LARGEST_ENVIRONMENT = 4 << 20
SIGNALLED = 128  # and the signal's number, as a shell says it


def environment() -> dict[str, str]:
    """The variables that this process was given: LC_CTYPE may be of Python's own making."""
    environ = dict(os.environ)
    if environ.get("LC_CTYPE") in _COERCED:
        try:
            given = files.read("/proc/self/environ", _LARGEST_ENVIRONMENT)
        except OSError:  # as where there is no such place
            return environ
        named = [each[9:] for each in (given or b"").split(b"\0") if each.startswith(b"LC_CTYPE=")]
        del environ["LC_CTYPE"]
        if named:
            environ["LC_CTYPE"] = os.fsdecode(named[0])
    return environ


class Program(Record):
    """What is started."""

    path: str  # of the executable
    words: tuple[str, ...]  # as it is given them, its own name first
    environ: "Mapping[str, str]"

    __repr__ = object.__repr__  # an environment is nothing for a traceback

    def for_shell(self) -> "Program":
        """A script without a first line: a shell runs it itself."""
        return Program("/bin/sh", ("sh", self.path, *self.words[1:]), self.environ)


class Unstartable(Exception):
    """status: what a shell would end with."""

    def __init__(self, word: str, fault: OSError) -> None:
        is_missing = isinstance(fault, FileNotFoundError | NotADirectoryError)
        super().__init__(f"{word}: {'command not found' if is_missing and '/' not in word else fault.strerror}")
        self.status = NOT_FOUND if is_missing else NOT_EXECUTABLE


def become(program: Program) -> "NoReturn":
    """Run the command in this process's place, as if we had never been. Raises Unstartable."""
    # Python ignores these, and the command would inherit that.
    for number in (SIGPIPE, SIGXFSZ):
        signal(number, SIG_DFL)
    try:
        os.execve(program.path, program.words, program.environ)  # noqa: S606
    except OSError as fault:
        if fault.errno == errno.ENOEXEC:
            shell = program.for_shell()
            os.execve(shell.path, shell.words, shell.environ)  # noqa: S606
        raise Unstartable(program.words[0], fault) from None


def end_by_interrupt() -> "NoReturn":
    """By ^C, as the command would: a shell stops its script for a command that died of it, and for no other."""
    signal(SIGINT, SIG_DFL)
    os.kill(os.getpid(), SIGINT)
    raise AssertionError


def say(text: str) -> None:
    """One line on standard error, if anybody reads it."""
    try:
        write_whole(2, f"skillcache: {text}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        return


def find(word: str, environ: "Mapping[str, str]") -> str:
    """The path that a program is found under; the word itself where it is not."""
    if "/" in word:
        return word
    for folder in environ.get("PATH", os.defpath).split(":"):
        path = f"{folder or '.'}/{word}"
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return word


_LARGEST_STATUS = 1 << 16
_USUAL_MASK = "0022"
_OF_PYTHON = 1 << 12 | 1 << 24  # SIGPIPE and SIGXFSZ, which the interpreter ignores by itself
# Soft limits by their names in /proc/self/limits, and from where on they keep nobody from anything.
_LIMITS = {
    "Max cpu time": 1 << 32,
    "Max file size": 1 << 40,
    "Max data size": 1 << 40,
    "Max stack size": 8 << 20,
    "Max processes": 1024,
    "Max open files": 1024,
    "Max address space": 1 << 40,
}


_seen: "list[list[Row]]" = []


def rows() -> "list[Row]":
    """As this process began: while a command runs for it, it has signals of its own."""
    if not _seen:
        _seen.append(_read_status())
    return _seen[0]


def _read_status() -> "list[Row]":
    """Where the system shows them; elsewhere the mask alone."""
    try:
        status = (files.read("/proc/self/status", _LARGEST_STATUS) or b"").decode("ascii", "replace")
        limits = (files.read("/proc/self/limits", _LARGEST_STATUS) or b"").decode("ascii", "replace")
    except OSError:
        status = limits = ""
    if not status:
        mask = os.umask(0o22)
        os.umask(mask)
        return [("process", "umask", f"{mask:04o}")] if mask != 0o22 else []
    found = []
    said = dict(line.split(":\t", 1) for line in status.split("\n") if ":\t" in line)
    if said.get("Umask", _USUAL_MASK) != _USUAL_MASK:
        found.append(("process", "umask", said["Umask"]))
    ignored = int(said.get("SigIgn", "0"), 16) & ~_OF_PYTHON
    if ignored:
        found.append(("process", "ignored signals", f"{ignored:x}"))
    usual = said.get("CapBnd") if os.geteuid() == 0 else "0" * 16
    if said.get("CapEff") != usual:
        found.append(("process", "capabilities", said.get("CapEff", "")))
    if len(os.sched_getaffinity(0)) != os.cpu_count():
        found.append(("process", "processors", said.get("Cpus_allowed_list", "").strip()))
    return found + _of_limits(limits)


def _of_limits(text: str) -> "list[Row]":
    found = []
    for name, harmless in _LIMITS.items():
        soft = text.partition(f"\n{name}")[2].split(None, 1)[:1]
        if soft and soft[0].isdecimal() and int(soft[0]) < harmless:
            found.append(("process", name.lower(), soft[0]))
    return found
