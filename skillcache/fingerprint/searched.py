"""Where variables lead tools: folders that they search, programs that they are told to start, workspaces of Go."""

import os

from skillcache.core.digest import digest_parts
from skillcache.core.files import open_regular, read
from skillcache.fingerprint.leads import is_of_system
from skillcache.fingerprint.noise import is_noise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Of modules, headers and what else tools take from a folder: by name...
_FOLDERS = frozenset(
    """CLASSPATH CPATH ERL_LIBS GEM_HOME GEM_PATH PERL5LIB PERLLIB PHP_INI_SCAN_DIR PYTHONHOME RUBYLIB R_LIBS
    R_LIBS_SITE R_LIBS_USER TCLLIBPATH LUA_PATH LUA_CPATH TEXINPUTS BUNDLE_PATH PYTHONUSERBASE HELM_PLUGINS
    ANSIBLE_LIBRARY CMAKE_PREFIX_PATH CMAKE_MODULE_PATH BATS_LIB_PATH""".split()  # noqa: SIM905
)
# ... and by what names of such variables end in.
_ENDS = (
    *("PYTHONPATH", "PYPATH", "NODE_PATH", "INCLUDE_PATH", "LOAD_PATH", "CONFIG_PATH", "_MODULE_PATH", "_LIB_PATH"),
    "OCAMLPATH",
)
_LIBRARIES = ("LD_LIBRARY_PATH", "LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
_MOST_LIBRARIES = 4_000
_EDGE = 4 << 10
# A word in one of these is a program, wherever PATH has it.
_PROGRAMS = frozenset(
    """CC CXX CPP LD AR AS NM FC F77 F90 OBJC RUSTC RUSTDOC RUSTFMT CARGO PYTHON PYTHON3 RUBY PERL JAVA JAVAC JAVACMD
    PHP_BINARY CCACHE_PREFIX HOSTCC HOSTCXX GCC CLANG NINJA MAKE CTEST LEX YACC BISON FLEX SWIG GIT_SSH GIT_SSH_COMMAND
    GOROOT_BIN CHROME_BIN FIREFOX_BIN CHROME_PATH PUPPETEER_EXECUTABLE_PATH NODE_BINARY npm_config_script_shell
    npm_config_node""".split()  # noqa: SIM905
)
_PROGRAM_ENDS = ("_WRAPPER", "_COMPILER", "_LINKER", "_RUNNER", "_LAUNCHER", "_CC", "_CXX", "_EXECUTABLE", "_BINARY")
_NOT = frozenset("HOME SHELL NODE npm_execpath npm_node_execpath PATH".split())  # noqa: SIM905
_WORK = "go.work"
_CAP = 1 << 20


def folders(cwd: str, root: str, environ: "Mapping[str, str]") -> "Iterator[str]":
    """Real paths outside the project that a variable has tools search. Those of the system come with it."""
    for name, value in environ.items():
        if name in _FOLDERS or name.endswith(_ENDS):
            for path in value.replace(";", ":").split(":"):
                yield from _beyond(os.path.join(cwd, path.partition("?")[0]), root) if path else ()
    yield from _of_go(cwd, root, environ)


def _beyond(path: str, root: str) -> "Iterator[str]":
    real = os.path.realpath(path)
    if real != root and not real.startswith(f"{root}/") and not is_of_system(f"{real}/"):
        yield real


def _of_go(cwd: str, root: str, environ: "Mapping[str, str]") -> "Iterator[str]":
    """The workspace that a variable names or that lies above the project, and its modules beyond the project."""
    named = environ.get("GOWORK", "")
    if named == "off":
        return
    path = os.path.join(cwd, named) if named else ""
    folder = root
    while not path and folder != "/":
        folder = os.path.dirname(folder)
        if os.path.isfile(f"{folder}/{_WORK}"):
            path = f"{folder}/{_WORK}"
    text = read(path, _CAP) if path else None
    if text is None:
        return
    yield from _beyond(path, root)
    for used in _used(text.decode("utf-8", "replace")):
        module = os.path.realpath(os.path.join(os.path.dirname(path), used))
        if not f"{root}/".startswith(f"{module}/"):  # the project itself lies in it
            yield from _beyond(module, root)


def _used(text: str) -> "Iterator[str]":
    """The folders that a go.work uses, in lines of their own or in a list between brackets."""
    is_list = False
    for line in text.split("\n"):
        words = line.partition("//")[0].replace("(", " ( ").replace(")", " ) ").split()
        if words[:1] == ["use"]:
            is_list = words[1:2] == ["("]
            words = words[2 if is_list else 1 :]
        elif not is_list:
            continue
        for word in words:
            if word == ")":
                is_list = False
            else:
                yield word.strip('"`')


def libraries(environ: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    """(folder, digest) of those that programs load libraries from: by their sizes and both ends, as programs count."""
    for name in _LIBRARIES:
        for folder in environ.get(name, "").split(":"):
            if not folder.startswith("/") or is_of_system(f"{folder}/"):
                continue
            parts: list[bytes] = []
            for library in _list(folder)[:_MOST_LIBRARIES]:
                parts += (os.fsencode(library), _edges(f"{folder}/{library}"))
            yield folder, digest_parts(parts)


def _edges(path: str) -> bytes:
    try:
        handle = open_regular(path)
    except OSError:
        return b""
    try:
        size = os.fstat(handle).st_size
        ends = os.pread(handle, _EDGE, 0) + os.pread(handle, _EDGE, max(size - _EDGE, 0))
        return b"%d:%s" % (size, ends)
    except OSError:
        return b""
    finally:
        os.close(handle)


def programs(environ: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    """(variable, word or path) of the programs that variables say are to be started."""
    for name, value in environ.items():
        if not value or name in _NOT or is_noise(name):
            continue
        if name in _PROGRAMS or name.endswith(_PROGRAM_ENDS):
            for word in value.split():
                if word[:1] != "-":
                    yield name, word
        else:
            word = value.split(None, 1)[0] if value.strip() else ""
            if word.startswith("/") and not word.startswith(("/dev/", "/proc/")) and os.access(word, os.X_OK):
                yield name, word


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
