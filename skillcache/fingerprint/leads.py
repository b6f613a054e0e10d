"""Where a program leads: the files and programs that a script names, the libraries a native one is linked with.

What lies in the system's own folders comes with the system. Its libraries are not followed, nor are the utilities in
`BASE` where they lie there; from elsewhere they count as all others do.
"""

import os
import stat

from skillcache.core import Record, files
from skillcache.core.files import digest, open_regular
from skillcache.core.paths import STANDS_IN, mentions_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from skillcache.fingerprint.contents import Budget

_SYSTEM = (
    *("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/usr/libexec/"),
    *("/System/", "/usr/share/"),
)
_VIRTUAL = ("/dev/", "/proc/", "/sys/", "/run/")
_NOTES = ("/tmp", "/var/tmp")  # noqa: S108 - what lies in them itself is somebody's of the moment
# Utilities whose upgrade changes no report: what they do is fixed by a standard, or they only start and wait.
BASE = frozenset(
    """[ sh bash dash ash zsh env arch b2sum base32 base64 basename basenc cat chcon chgrp chmod chown chroot cksum comm
    cp csplit cut date dd df dir dircolors dirname du echo expand expr factor false fmt fold groups head hostid hostname
    id install join kill link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od paste
    pathchk pinky pr printenv printf ptx pwd readlink realpath rm rmdir runcon seq sha1sum sha224sum sha256sum sha384sum
    sha512sum shred shuf sleep sort split stat stdbuf stty sum sync tac tail tee test timeout touch tr true truncate
    tsort tty uname unexpand uniq unlink users vdir wc who whoami yes find xargs locate grep egrep fgrep zgrep sed awk
    gawk mawk tar gzip gunzip zcat bzip2 bunzip2 xz unxz cmp diff diff3 sdiff flock getopt ionice kill lsblk more
    mount nsenter renice rev setsid taskset umount whereis which ps pgrep pkill top free uptime watch w file less clear
    tput reset tset time ar""".split()  # noqa: SIM905 - read as a list
)
# What these run is no file that could be looked at.
ELSEWHERE = frozenset(
    """docker docker-compose podman podman-compose nerdctl kubectl helm ssh scp rsync vagrant minikube kind lxc incus
    multipass colima orb orbctl finch buildah devcontainer earthly act flatpak snap distrobox distrobox-enter toolbox
    toolbx dagger apptainer singularity charliecloud ch-run udocker sarus shifter enroot srun sbatch salloc qsub bsub
    nix nix-shell nix-build nix-develop guix devbox flox lima limactl ddev lando sail docksal fin oc odo crictl ctr k3s
    k3d microk8s eksctl skaffold tilt okteto telepresence devspace garden werf adb fastboot chroot schroot proot
    fakechroot systemd-nspawn machinectl sbuild pbuilder mock bochs qemu-system-x86_64 qemu-system-aarch64 virsh
    virt-run VBoxManage prlctl vmrun packer wsl.exe mosh sshpass rsh pssh pdsh clush ansible ansible-playbook heroku
    flyctl fly railway""".split()  # noqa: SIM905
)
_STANDS_IN = STANDS_IN.encode()
_HEAD_OF_SHIM = 256
_LARGEST_SHIM = 64 << 10  # bytes: no larger program need be looked into
_CAP = 64 << 10  # of a script that is read for what it names
_MOST = 2_000  # words of it
_LARGE = 2_000  # bytes from which on it is remembered what it says
_FORM = "1"
_MOST_SAID = 1 << 20
_KINDS = (
    *(".sh", ".bash", ".zsh", ".py", ".js", ".cjs", ".mjs", ".ts", ".rb", ".pl", ".pm", ".php", ".lua", ".jar", ".so"),
    *(".env", ".rc", ".conf", ".cfg", ".ini", ".toml", ".json", ".yaml", ".yml", ".r", ".R", ".awk", ".sed", ".tcl"),
)
_BETWEEN = str.maketrans(dict.fromkeys("\"'`;|&<>(){}[],=:\t\r\n", " "))
_BEFORE = frozenset(
    "exec sudo doas env time command nohup nice then do else if elif while until ! builtin xargs setsid".split()  # noqa: SIM905
)


def stands_in(body: bytes) -> bool:
    """Whether a script is one of ours, by what follows its first line; it names each tool that there is."""
    return body.startswith(_STANDS_IN)


def is_shim(path: str) -> bool:
    """Whether a link or a copy leads there to one of ours, which is not the program of its name."""
    try:
        if os.stat(path).st_size > _LARGEST_SHIM:
            return False
        handle = open_regular(path)
    except OSError:
        return False
    try:
        return stands_in(os.pread(handle, _HEAD_OF_SHIM, 0).partition(b"\n")[2])
    finally:
        os.close(handle)


def is_of_system(path: str) -> bool:
    return path.startswith(_SYSTEM)


def words(text: str) -> list[str]:
    """The words of a script but for its comments, each once."""
    lines = [line for line in text[:_CAP].split("\n") if not line.lstrip().startswith(("#", "//"))]
    whole = [part for line in lines for quote in "\"'" for part in line.split(quote)[1::2] if " " in part]
    return list(dict.fromkeys([*"\n".join(lines).translate(_BETWEEN).split(), *whole]))[:_MOST]


# A line of another language with one of these names what is written.
_WRITING = (
    *(f"{quote}{mode}{quote})" for quote in "\"'" for mode in ("a", "w", "x", "a+", "w+", "ab", "wb", "at", "wt")),
    *("writeFile", "appendFile", "createWriteStream", "write_text(", "write_bytes(", "file_put_contents", "File.write"),
)


def _without_outputs(text: str, *, is_shell: bool) -> str:
    """A script's text without the names of the files that it writes."""
    if not is_shell:
        return "\n".join([line for line in text[:_CAP].split("\n") if not any(sign in line for sign in _WRITING)])
    lines = []
    for line in text[:_CAP].split("\n"):
        first, *rest = line.split(">")
        lines.append(" ".join([first, *(piece.lstrip(" |&").partition(" ")[2] for piece in rest)]))
    return "\n".join(lines)


class Read(Record):
    """What a script's text says, wherever it lies: words, those that name modules, and programs that it may start."""

    words: list[str]
    modules: list[str]
    started: list[str]


_read: dict[str, Read] = {}  # by this process


def read(body: bytes, *, is_shell: bool, cache: str) -> Read:
    """Of a large one it is remembered in `cache`, a folder of ours or '': to read it takes longer than all else here.

    Many texts say the name of a program of the system's that is a script, such as `open`, and that one says others.
    """
    key = digest(b"%d%b" % (is_shell, body))
    known = _read.get(key)
    if known is None:
        path = f"{mentions_folder(cache)}/{key}.said" if cache and len(body) >= _LARGE else ""
        known = _read[key] = _remembered(path) or _read_now(body, path, is_shell=is_shell)
    return known


def _remembered(path: str) -> Read | None:
    try:
        first, *more = files.unsealed(path, _MOST_SAID).decode().split("\0\0") if path else [""]
        if first == _FORM and len(more) == 3:
            files.use(path)
            return Read(*(part.split("\0") if part else [] for part in more))
    except (OSError, ValueError):
        return None
    return None


def _read_now(body: bytes, path: str, *, is_shell: bool) -> Read:
    text = body.decode("utf-8", "replace")
    kept = _without_outputs(text, is_shell=is_shell)
    searching = "\n".join([line for line in kept.split("\n") if any(sign in line for sign in _SEARCHING)])
    modules = dict.fromkeys([*words(searching), *(_imported(kept) if "import" in kept else ())])
    found = Read(words(kept), list(modules), list(dict.fromkeys(started(text) if is_shell else quoted(text))))
    parts = [found.words, found.modules, list(filter(None, found.started))]
    if path and not any("\0" in word for part in parts for word in part):
        try:
            files.make_folder(os.path.dirname(path))
            files.seal(path, "\0\0".join([_FORM, *("\0".join(part) for part in parts)]).encode())
        except OSError:
            return found  # it will be read again
    return found


class Named(Record):
    """What exists of what a script names: files, folders of modules, and folders that programs may lie in."""

    files: list[str]
    modules: list[str]
    folders: list[str]


def named(said: Read, path: str, folder: str, environ: "Mapping[str, str]", kind: "Callable[[str], int]") -> Named:
    """By what the script at `path` says, which runs in `folder`; `kind`: see `kind_of`."""
    here = tuple(dict.fromkeys((os.path.dirname(path), os.path.dirname(os.path.realpath(path)))))
    modules = set(said.modules)
    seen: set[str] = {path, "/"}
    found = Named([], [], [])
    for word in (*said.words, *said.modules):
        for place in _places(word, here, folder, environ):
            full = os.path.normpath(place)
            if full in seen or full.startswith(_VIRTUAL) or os.path.dirname(full) in _NOTES:
                continue
            seen.add(full)
            what = kind(full)
            if what == stat.S_IFREG:
                found.files.append(full)
            elif what == stat.S_IFDIR:
                (found.modules if word in modules else found.folders).append(full)
    return found


def kind_of(path: str) -> int:
    """What lies there, through links: as `stat.S_IFMT` has it, 0 for nothing."""
    try:
        return stat.S_IFMT(os.stat(path).st_mode)
    except (OSError, ValueError):
        return 0


# A line with one of these names folders that modules are taken from.
_SEARCHING = (
    *("PYTHONPATH", "PERL5LIB", "NODE_PATH", "RUBYLIB", "CLASSPATH", "LD_LIBRARY_PATH", "GEM_PATH", "GEM_HOME"),
    *("sys.path", "addsitedir", "LOAD_PATH", "use lib", "include_path", " -I", " -cp ", "-classpath", "package.path"),
)


def _imported(text: str) -> "Iterator[str]":
    """The modules of Python that may lie beside it."""
    for line in text[:_CAP].split("\n"):
        first, _, rest = line.strip().partition(" ")
        if first in ("import", "from"):
            for name in rest.partition(" import ")[0].split(","):
                module = name.strip().partition(" ")[0].partition(".")[0]
                if module.isidentifier():
                    yield f"./{module}.py"
                    yield f"./{module}"


def _places(word: str, here: "Iterable[str]", folder: str, environ: "Mapping[str, str]") -> "Iterator[str]":
    """Where what a word names may lie."""
    start, slash, rest = word.partition("/")
    if start[:1] == "-" and slash:  # `-I/opt/x`
        yield f"/{rest}"
    elif word[:1] == "$" and not slash:
        value = environ.get(word[1:].strip("{}"), "")
        # As data it is another's affair.
        if value.endswith(_KINDS) or os.path.isdir(value) or os.access(value, os.X_OK):
            yield value
    elif slash and ("$" in start or start.endswith(("%", "*", "}")) or not start or start in ("~", "*")):
        home = environ.get("HOME", "")
        yield f"{home if start == '~' else environ.get(start[1:], '')}/{rest}"
        for place in here:
            yield f"{place}/{rest}"
            yield f"{os.path.dirname(place)}/{rest}"
    elif slash or word.endswith(_KINDS):
        for place in here:
            yield f"{place}/{word}"
            if start in (".", "..") and "." not in rest.rpartition("/")[2]:
                for kind in (".js", ".rb", ".py", ".sh"):
                    yield f"{place}/{word}{kind}"
        yield f"{folder}/{word}"


def started(text: str) -> "Iterator[str]":
    """The first words of all commands of a shell's text, without their folders."""
    for line in text.replace("\\\n", " ").split("\n"):
        if any(sign in line for sign in _CHOOSING):
            line = line.replace(",", "\n").replace(")", " ")  # noqa: PLW2901 - a part is a line
        for sign in ("&&", "||", ";", "|", "$(", "`", "(", "&"):
            line = line.replace(sign, "\n")  # noqa: PLW2901 - a part is a line
        for part in line.split("\n"):
            given = part.strip().lstrip("@-+\t ").split()
            if given[1:2] == ["="]:
                continue
            for word in given:
                bare = word.strip("\"'[],") or word
                if bare in _BEFORE or bare.startswith("-") or ("=" in bare and bare.partition("=")[0].isidentifier()):
                    continue
                if bare[:1] != "#":
                    yield bare.rpartition("/")[2]
                break


_CHOOSING = ("$(if ", "$(or ", "$(and ", "$(call ", "$(foreach ")  # of make: what it may run stands between commas


def quoted(text: str) -> "Iterator[str]":
    """The first words of what stands between quotes, which a script may run: `subprocess.run(["jq", ...])`."""
    for quote in "\"'`":
        for part in text[:_CAP].split(quote)[1::2]:
            if part and "\n" not in part and part[0] not in "-./$":
                yield part.split(None, 1)[0] if part.strip() else ""


# Of native programs.

_HEAD = 64
_MOST_DYNAMIC = 1 << 16
_MOST_STRINGS = 1 << 20
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS, _RPATH, _RUNPATH = 1, 5, 15, 29
_MOST_LIBRARIES = 200
_MOST_LOOKS = 20_000  # for files of these names
_LONGEST = 4_096  # bytes of a name


# A build that has given its result a number has made both ends another, too: as compilers of C, Rust and Go do.
_NUMBERS = (b"\3\0\0\0GNU\0", b"\4\0\0\0Go\0\0")


def middle(path: str, size: int, head: bytes, budget: "Budget") -> bytes:
    """Of a program or a library of which both ends are known, the digest of all the rest where they do not say enough.

    Remembered by the file's stamp. Empty for what comes with the system.
    """
    if size <= 2 * len(head) or is_of_system(path) or any(number in head for number in _NUMBERS):
        return b""
    from skillcache.fingerprint.stamped import of_file  # few are so

    return of_file(path, budget).encode()


def libraries(path: str, environ: "Mapping[str, str]") -> list[str]:
    """The libraries that the native program at the real path `path` loads from elsewhere than the system's folders."""
    searched = [place for place in environ.get("LD_LIBRARY_PATH", "").split(":") if place]
    preloaded = environ.get("LD_PRELOAD", "").replace(":", " ").split()
    if is_of_system(path) and not searched and not preloaded:
        return []
    found: dict[str, None] = dict.fromkeys(one for one in preloaded if os.path.isfile(one))
    pending = [path, *found]
    looks = 0
    while pending and len(found) < _MOST_LIBRARIES:
        this = pending.pop()
        names, own = _linked(this)
        beside = os.path.dirname(this)
        places = (*own, *searched, beside, os.path.join(os.path.dirname(beside), "lib"), "/usr/local/lib")
        for name in names:
            for place in (place.replace("${ORIGIN}", beside).replace("$ORIGIN", beside) for place in places):
                full = os.path.join(place, name)
                looks += 1
                if looks > _MOST_LOOKS:
                    return list(found)
                if os.path.isfile(full):
                    full = os.path.realpath(full)
                    if full not in found and not is_of_system(full):
                        found[full] = None
                        pending.append(full)
                    break
    if not is_of_system(path):
        found |= dict.fromkeys(_beside(path))
    return list(found)


def _beside(path: str) -> list[str]:
    """Libraries that lie with a program, which it may load by name."""
    folder = os.path.dirname(path)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [f"{folder}/{name}" for name in names if name.endswith((".so", ".dylib")) or ".so." in name][
        :_MOST_LIBRARIES
    ]


def _linked(path: str) -> tuple[list[str], list[str]]:
    """What an ELF file needs by name, and the folders that it says to look in; nothing for another file."""
    try:
        handle = open_regular(path)
    except OSError:
        return [], []
    try:
        return _Elf(handle).linked()
    except (OSError, IndexError, ValueError):
        return [], []
    finally:
        os.close(handle)


class _Elf:
    __slots__ = ("handle", "head", "order", "wide")

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.head = os.pread(handle, _HEAD, 0)
        if self.head[:4] != b"\x7fELF":
            raise ValueError
        self.wide = self.head[4] == 2
        self.order = self.head[5] == 1

    def number(self, data: bytes, at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little" if self.order else "big")

    def linked(self) -> tuple[list[str], list[str]]:
        word = 8 if self.wide else 4
        start = self.number(self.head, 32 if self.wide else 28, word)
        size = self.number(self.head, 54 if self.wide else 42, 2)
        count = self.number(self.head, 56 if self.wide else 44, 2)
        table = os.pread(self.handle, min(size * count, _MOST_DYNAMIC), start)
        loads: list[tuple[int, int, int]] = []
        dynamic = b""
        for at in range(0, len(table), size or 1):
            kind = self.number(table, at, 4)
            offset = self.number(table, at + (8 if self.wide else 4), word)
            address = self.number(table, at + (16 if self.wide else 8), word)
            length = self.number(table, at + (32 if self.wide else 16), word)
            if kind == _LOAD:
                loads.append((address, offset, length))
            elif kind == _DYNAMIC:
                dynamic = os.pread(self.handle, min(length, _MOST_DYNAMIC), offset)
        entries = [
            (self.number(dynamic, at, word), self.number(dynamic, at + word, word))
            for at in range(0, len(dynamic), 2 * word)
        ]
        place = next((value for tag, value in entries if tag == _STRINGS), 0)
        offset = next((offset + place - base for base, offset, size in loads if base <= place < base + size), place)
        strings = os.pread(self.handle, _MOST_STRINGS, offset)

        def said(*tags: int) -> list[str]:
            places = [value for tag, value in entries if tag in tags][:_MOST_LIBRARIES]
            ends = [(value, strings.find(b"\0", value, value + _LONGEST)) for value in places]
            return [os.fsdecode(strings[value:end]) for value, end in ends if end > value]

        return said(_NEEDED), [place for one in said(_RPATH, _RUNPATH) for place in one.split(":") if place][
            :_MOST_LIBRARIES
        ]
