"""What a process inherits besides its words, streams and variables, where it is not what nearly all have.

Rows of the key only for what differs, so that machines, sessions and teammates share what is usual everywhere. How nice
a process is changes when it runs, and is left out; so are namespaces, which have no names that mean the same elsewhere.
"""

import os

from skillcache.core import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.entry import Row

_CAP = 1 << 16
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
        status = (files.read("/proc/self/status", _CAP) or b"").decode("ascii", "replace")
        limits = (files.read("/proc/self/limits", _CAP) or b"").decode("ascii", "replace")
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
