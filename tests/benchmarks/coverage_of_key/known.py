"""What need not be in a key, with the reason of each: a tool that looks elsewhere fails the run.

Nothing in the first table is configuration of a person or a project.
"""

import re
import sys
from fnmatch import fnmatch

# (reason, patterns): of the operating system. Who upgrades it changes programs, and those are in the key.
_SYSTEM = (
    ("the kernel's view of the machine, devices, sockets of services", "/proc/* /sys/* /dev/* /run/* /var/run/*"),
    ("libraries and headers", "/lib/* /lib64/* /usr/lib/* /usr/libexec/* /usr/include/* /usr/local/include/*"),
    (
        "libraries of other layouts",
        "/usr/local/lib/lib* /lib32 /libx32 /include /usr/lib32 /usr/libx32 /usr/lib64/* /usr/gnu/*",
    ),
    ("compilers for other machines, systems and graphics cards", "/usr/x86_64-* /usr/local/cuda* /usr/local/nvvm/*"),
    ("compilers of other distributions, by the names of their folders", "/opt /opt/rh/* /opt/rocm* /etc/env.d/*"),
    ("what the system's programs are made of: locales, terminals, modules", "/usr/share/* /usr/local/share/locale/*"),
    ("data of services, caches of the system", "/var/lib/* /var/cache/*"),
    ("where libraries are found", "/etc/ld.so.*"),
    ("users: the key says root or not, and the home folder", "/etc/passwd /etc/group /etc/nsswitch.conf"),
    ("the time zone of the machine; a variable's is seen", "/etc/localtime /etc/timezone"),
    (
        "names of machines",
        "/etc/hosts /etc/resolv.conf /etc/host.conf /etc/gai.conf /etc/netsvc.conf /etc/svc.conf",
    ),
    ("certificates, and how libraries speak to servers", "/etc/ssl/* /etc/ca-certificates* /etc/pki/* /etc/gnutls/*"),
    ("the same", "/usr/local/*ssl* /usr/local/etc/openssl* /usr/local/share/*[cC][eEaA][rR-]* /var/ssl"),
    ("what the system is called", "/etc/*-release /etc/debian_version"),
    ("keys of a terminal, kinds of files, locales", "/etc/inputrc /etc/terminfo* /etc/locale.alias /etc/magic*"),
    ("how memory is given out", "/etc/*malloc.conf"),
    ("links to the system's programs", "/etc/alternatives/*"),
    ("names that each run makes up", "/tmp/* /var/tmp/*"),  # noqa: S108 - of others
)
_PYTHON = re.escape(sys.base_prefix)
_LANDMARKS = r".*/python\d+\.zip|.*/bin/python[\d.]*\._pth|.*/bin/pyvenv\.cfg|.*/bin/pybuilddir\.txt"
_PLACES = {
    "the interpreter's own library, identified with the interpreter": (
        rf"{_PYTHON}/(lib/(?!python[\d.]+/site-packages/)|share/locale/|bin/(Modules|lib)/).*"
    ),
    "what lies beside the interpreter": rf"{_PYTHON}/(bin|lib|bin/python[\d.]*-config)",
    "where Python looks for its library as it starts": _LANDMARKS,
    "the compiler's own library, whose files carry its build in their names": (
        r".*/\.rustup/toolchains/[^/]+/(lib|libexec|share|etc)(/.*)?"
    ),
    "keys of a terminal": r".*/\.(inputrc|terminfo(/.*)?|termcap)",
}
# Programs of every machine, which reports do not depend on; all others must be identified.
PROGRAMS = frozenset(
    """sh dash bash env uname true false cat sed grep basename dirname readlink realpath getconf id lsb_release ldconfig
    ldd mkdir rm cp mv ln echo getent which tty stty tput expr cut tr head ls""".split()  # noqa: SIM905
)
_NEAREST = "the project's own .git ends the search: tried with ruff, ty, typos, oxlint and biome"
# (reason, tools, patterns): looked at without an effect, which was tried with the tool itself.
_EXEMPT = (
    (_NEAREST, "*", "/.gitignore /.git /.jj /.hg /.git/info/exclude /home/.gitignore /home/.git /home/.jj"),
    (_NEAREST, "*", "/home/.git/info/exclude */ada/.gitignore */src/.gitignore */team/.gitignore"),
    (_NEAREST, "*", "*/ada/.git */src/.git */team/.git */ada/.jj */src/.jj */team/.jj"),
    (_NEAREST, "*", "*/ada/.git/info/exclude */src/.git/info/exclude */team/.git/info/exclude"),
    ("marks of folders that are not searched", "*", "*/project/*/.git */project/*/.hg */project/.hg */project/.svn"),
    ("the same", "*", "*/project/*/.git/info/exclude */project/__pycache__"),
    (
        "a cache, by the content of what was read",
        "*",
        "*/.eslintcache */.stylelintcache */.prettier-cache",
    ),
    ("says which interpreter, and whether its packages count, which are in the key", "*", "*/pyvenv.cfg"),
    ("programs of CMake's that a test run does not start", "ctest", "/usr/bin/ccmake /usr/bin/c*gui /usr/bin/cmcldeps"),
    ("rustup, behind which the key looks for the compiler", "cargo*", "*/.cargo/bin/* */.rustup/settings.toml"),
    ("the same", "cargo*", "*/.rustup/toolchains */.rustup/toolchains/* /etc/rustup/settings.toml"),
    ("tells jest which files there are, which it finds as well without", "jest", "*/watchman"),
    ("beside the system's program", "cppcheck", "/usr/bin/*.cfg"),
)
# The same of what has an effect and is in no key: kinds that can still be wrong, which the README has to say.
_UNSEEN = (("stubs for all users of a machine", "mypy*", "/usr/local/lib/mypy"),)


def reason(path: str) -> str | None:
    """Why `path` is of the system."""
    for why, patterns in _SYSTEM:
        if any(fnmatch(path, pattern) or path == pattern.removesuffix("/*") for pattern in patterns.split()):
            return why
    return next((why for why, pattern in _PLACES.items() if re.fullmatch(pattern, path)), None)


def is_landmark(path: str) -> bool:
    return re.fullmatch(_LANDMARKS, path) is not None


def exemption(tool: str, path: str) -> str | None:
    """Why `path`, which the key does not hold, need not be held of `tool`."""
    for why, tools, patterns in (*_EXEMPT, *_UNSEEN):
        if fnmatch(tool, tools) and any(fnmatch(path, pattern) for pattern in patterns.split()):
            return why
    return None
