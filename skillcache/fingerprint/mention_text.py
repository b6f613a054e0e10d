"""What one text names, as the line that `texts` describes: read from its bytes, once."""

from skillcache.core.files import signs
from skillcache.core.paths import STANDS_IN
from skillcache.fingerprint import text_paths
from skillcache.fingerprint.text_paths import LONGEST, NAMES, WORDS, lines, pattern
from skillcache.fingerprint.texts import (
    ACCOUNT,
    ANY,
    BY_HAND,
    BY_SCRIPT,
    CACHED,
    CONFIGURED,
    EXAMPLES,
    HOST,
    IF_STARTED,
    INSTALLED,
    JOINED,
    KEPT,
    KERNEL,
    LOGIN,
    MODES,
    NAME,
    NUMBERS,
    OWNERS,
    PERSON,
    PROCESSORS,
    READ,
    READ_ALL,
    READ_BY_SCRIPT,
    SCRIPT,
    SECRETS,
    SOURCE,
    STARTS,
    TOOL,
    TOPS,
    WEAK,
    ZONE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SEEN = 8_192  # of them that say whether it is one
_CERTIFICATES = b"-----BEGIN CERTIFICATE-----"  # which name nothing, in 200 KiB
_ITEM, _FIELD = b"\1", b"\0"
_NAME = 40  # bytes of a program's name
_PLAIN = bytes.maketrans(_FIELD + _ITEM, b"  ")
_HOMES = (
    *(b"HOME", b"expanduser", b"home(", b"homedir", b"home_dir", b"HomeDir", b"homeDir", b"user.home", b"Dir.home"),
    *(b"user_config", b"user_data", b"XDG_", b"get_app_dir", b"UserConfigDir", b"dirs::"),
    *(b"PlatformDirs", b"AppDirs"),
    *(b"appdirs", b"platformdirs", b"env-paths", b"configstore", b"ProjectDirs", b"BaseDirs", b"BaseDirectories"),
    *(b"pw_dir", b"userInfo(", b"QStandardPaths", b"SpecialFolder"),
)


_OURS_ITSELF = STANDS_IN.encode()  # a shim names all tools that there are, and uses none of them


def read(data: bytes, kind: bytes) -> bytes:
    """The line of the text `data`; of a kind in capitals, with names whatever it says."""
    is_ours = data.startswith(_OURS_ITSELF, data.find(b"\n") + 1)
    if b"\0" in data[:_SEEN] or is_ours or data.startswith(_CERTIFICATES):
        return b""
    data = data.translate(_PLAIN)
    everything, kind = kind.isupper(), SECRETS if b"PRIVATE KEY-----" in data else kind.lower()
    built = kind in (SOURCE, SCRIPT)
    near, relative, steps, longest = (
        text_paths.leading_up(data, counts=built) if b".." in data else (set(), set(), 0, 0)
    )
    far = text_paths.far(data) if b"/" in data else set()
    if not built:
        near, relative, far = (
            text_paths.shown(near),
            text_paths.shown(relative),
            text_paths.shown(far, there=kind == SECRETS),
        )
        names: set[bytes] = set()
        words: set[bytes] = set()
        flags = b""
    else:
        far |= text_paths.listed(data)
        far |= {b"/tmp"} if any(each in data for each in _TEMPORARY) else set()
        near, relative, far = text_paths.shown(near), text_paths.shown(relative), text_paths.shown(far)
        if any(each in data for each in text_paths.CLIMBS):
            more, most = text_paths.climbs(data)
            steps, longest = steps + more, max(longest, most)
        variables = _variables(data)
        flags = _flags(data, kind, steps, variables)
        is_open = everything or steps or flags or not TOPS.isdisjoint(far)
        # Its first line says where its interpreter lies, which is known as such.
        text = data.partition(b"\n")[2] if data[:2] == b"#!" else data
        names = set(signs((*_named(text, scripts=kind == SCRIPT), *variables))) if is_open else set()
        words = {*signs(_programs(data, kind)), *_asked(data, kind), *_told_apart(data, kind)}
        words.update(TOOL + name for name in CONFIGURED if name in data)
    if not (near or relative or far or names or words):
        return b""
    head = b"%d,%d,%s" % (steps, longest, flags)
    return _FIELD.join([head, *(_ITEM.join(sorted(items)) for items in (near, relative, far, names, words))])


def _flags(data: bytes, kind: bytes, steps: int, variables: set[bytes]) -> bytes:
    flags = b"h" if any(each in data for each in _HOMES) else b""
    if steps:
        flags += b"f" if any(each in data for each in _OWN) else b""
        flags += b"w" if any(each in data for each in _STANDING) else b""
        flags += b"u" if text_paths.searches(data) else b""
    elif any(each in data for each in text_paths.SEARCHING):
        flags += b"u"
    if (steps or variables) and any(each in data for each in text_paths.LISTINGS):
        flags += b"l" if kind == SOURCE or text_paths.lists_above(data) else b""
    return flags + b"v" if variables else flags


def _asked(data: bytes, kind: bytes) -> set[bytes]:
    """What else it asks for."""
    found = {sign for sign, asking in _ASKING.items() if any(each in data for each in asking)}
    of_machine = {sign for sign, asking in _OF_MACHINE.items() if any(each in data for each in asking)}
    found |= {sign + BY_SCRIPT for sign in of_machine} if kind == SCRIPT else of_machine
    if asks_for_name(data):
        found.add(NAME)
    return found if b"git" in data else found - {PERSON}


def _told_apart(data: bytes, kind: bytes) -> "Iterator[bytes]":
    """What it asks of git, and the variables it reads that count for nobody else, of scripts by signs of their own."""
    asked = set()
    if kind == SOURCE or b"git" in data:
        from skillcache.fingerprint import git_state  # where a text is read, and only there

        asked = git_state.asked(data, is_shell=kind == SCRIPT)
    if installed := text_paths.installed(data):
        yield INSTALLED
        yield from signs(BY_HAND + name for name in installed)
    for line in lines(data, _OF_CACHES) if kind == SOURCE else ():
        if not any(each in line for each in _LEFT_OUT):
            yield from (CACHED + name for name in pattern("cached").findall(line))
    if kind == SOURCE and any(each in data for each in _JOINING):
        yield from signs(JOINED + name for line in lines(data, _JOINING) for name in pattern("joined").findall(line))
    # What a script asks for counts where another text starts it.
    yield from asked if kind == SOURCE else (IF_STARTED + sign for sign in asked)
    yield from (STARTS + sign for sign in signs(_scripts(data)))
    if b"$" in data or b"env" in data or b"ENV" in data:
        from skillcache.fingerprint.variables import counts_where_read

        sign = READ if kind == SOURCE else READ_BY_SCRIPT
        yield from signs([sign + name for name in set(pattern("variable").findall(data)) if counts_where_read(name)])
        if b"tartsWith(" in data or b"startswith(" in data:
            yield from signs([READ_ALL + name for name in set(pattern("beginning").findall(data))])


# Behind one of these comes the last part of a path, which is of where somebody stands with one of those in the line.
_LAST = (b"basename", b".name", b"notdir", b"##*/", b"Base(", b"file_name(", b"getFileName", b".stem")
_WHERE = (b"cwd", b"CWD", b"PWD", b"CURDIR", b"pwd", b"etwd", b"current_dir", b"user.dir")
_FROM_FILE = (b"__file__", b"__dirname")


def asks_for_name(data: bytes) -> bool:
    """Whether a text goes by what the folder of the project is called."""
    if not any(each in data for each in (*_WHERE, *_FROM_FILE)) or not any(each in data for each in _LAST):
        return False
    for line in lines(data, _LAST):
        if any(each in line.replace(b"cwd=", b"") for each in _WHERE):
            return True
        if any(each in line for each in _FROM_FILE) and (
            b"parent" in line or b"dirname" in line.replace(b"__dirname", b"")
        ):
            return True
    return False


_MODES = (
    *(b"st_mode", b"S_IMODE", b"filemode", b"stat -", b"stat(", b"statSync", b"stat.S_", b".mode", b"os.access"),
    *(b"accessSync", b"chmod", b"umask", b"ermission", b"fileperms", b"-perm", b"writable", b"readable", b"ls -l"),
    *(b"[ -r ", b"[ -w ", b"test -r", b"test -w", b"0o6", b"0o7"),
)
_ZONED = (
    *(b"localtime", b"strftime", b"fromtimestamp", b"datetime.now", b"astimezone", b"mktime", b"tzset", b"tzlocal"),
    *(b"tzname", b"time.timezone", b"today()", b"getTimezone", b"toLocale", b"new Date(", b"Intl.Date", b"moment("),
    *(b"dayjs(", b"Time.now", b"Time.local", b"time.Now", b"time.Local", b"Local::now", b"chrono::Local", b"date +%"),
    *(b"LocalDate", b"ZoneId.system", b"TimeZone", b" date(", b"DateTime", b"getHours(", b"setHours(", b"ctime("),
    *(b"localdate", b"asctime", b"$(date", b"`date", b"Temporal.", b"/etc/timezone", b"Date.parse("),
)
_SIGNED = (
    *(b"user.name", b"user.email", b"%an", b"%ae", b"%cn", b"%ce", b"shortlog", b"git log", b'"log"', b"'log'"),
    *(b"git show", b'"show"', b"'show'", b"blame", b"igned-off", b"_IDENT", b"--author"),
)
_SHELLS_OF_A_PERSON = (
    b"bash -l",
    b"bash -i",
    b"zsh -l",
    b"zsh -i",
    b"sh -l",
    b"--login",
    b" -lc",
    b" -ic",
    b"'-lc",
    b'"-lc',
)
_OF_MACHINE = {
    HOST: (
        *(b"hostname", b"getfqdn", b"platform.node(", b"os.uname", b"platform.uname", b"uname -n", b"uname -a"),
        *(b"nodename", b"Hostname("),
    ),
    KERNEL: (
        *(b"uname -r", b"uname -a", b"uname -v", b"platform.release(", b"platform.platform(", b"platform.version("),
        *(b"os.uname", b"platform.uname", b"os.release(", b"os.version(", b"kernel_release", b"utsname"),
    ),
    PROCESSORS: (
        *(b"cpu_count", b"nproc", b"os.cpus", b"NumCPU", b"vailable_parallelism", b"vailableParallelism", b"num_cpus"),
        *(b"hardwareConcurrency", b"sched_getaffinity", b"SC_NPROCESSORS", b"processor_count", b"vailableProcessors"),
    ),
    NUMBERS: (
        *(b"getuid", b"geteuid", b"getgid", b"getegid", b"getgroups", b"id -u", b"id -g", b"id -G", b"$UID", b"${UID"),
        *(b"EUID", b"Getuid", b"Getgid", b"Geteuid", b"current_uid", b"st_uid", b"st_gid", b".owner()", b"get_uid"),
    ),
}
_ACCOUNT = (b"getuser", b"getlogin", b"userInfo(", b"getpwuid", b"getpwnam", b"Etc.getlogin", b"user.Current(")
_KEPT = (b"config.cache", b"config.getini('cache", b"lastfailed", b"pytest_cache/v", b"pytest_cache/d")
_ASKING = {MODES: _MODES, ZONE: _ZONED, PERSON: _SIGNED, KEPT: _KEPT, LOGIN: _SHELLS_OF_A_PERSON, ACCOUNT: _ACCOUNT}
_ASKING[OWNERS] = (b"st_uid", b"st_gid", b".owner(", b".group(", b"%U", b"-user ", b"-group ", b"get_owner", b".uid")
_ASKING[EXAMPLES] = (b"import hypothesis", b"from hypothesis")
_OWN = (
    *(b"__file__", b"__dirname", b"__filename", b"__dir__", b"__DIR__", b"__FILE__", b"import.meta", b"$0", b"${0"),
    *(b"BASH_SOURCE", b"FindBin", b"runtime.Caller", b"CMAKE_CURRENT_", b"MAKEFILE_LIST"),
)
_TEMPORARY = (
    b"gettempdir(",
    b"tmpdir()",
    b"TempDir()",
    b"temp_dir()",
    b"Dir.tmpdir",
    b"sys_get_temp_dir",
    b"io.tmpdir",
)
_STANDING = (b"cwd", b"CWD", b"PWD", b"rootpath", b"rootdir", b"curdir", b"CARGO_MANIFEST_DIR")
_BEFORE = (b"sudo ", b"xargs ", b"exec ", b"execdir ", b"-ok ", b"env ", b"then ", b"nohup ", b"command ", b"bin/")
# Behind one of these, at the beginning of a command, comes another's name, or an option or a number of the first.
_PREFIXES = frozenset(
    b"""sudo doas exec env time timeout command builtin nohup nice ionice chrt then do else if elif while until !
    xargs setsid stdbuf unbuffer taskset watch flock parallel eval unshare nsenter setarch linux64 linux32 catchsegv
    strace ltrace valgrind gdb faketime xvfb-run dbus-run-session fakeroot script rlwrap entr chpst su-exec gosu
    setpriv runuser prlimit numactl perf hyperfine trace coverage busybox winpty npx bunx uvx pipx run start
    call $""".split()
)
_MOST_AHEAD = 8  # words that are looked at behind such
_STARTS = bytes.maketrans(b"\"'`|;&(!\r\t", b"\n" * 8 + b"  ")


# These are everybody's, and what they name is captured otherwise or is none of a person's folders.
_OF_ALL = frozenset(b"HOME PATH PWD OLDPWD SHELL USER TMPDIR LANG TERM IFS OSTYPE UID RANDOM BASH_SOURCE".split())
_OF_SETTINGS = (
    *(b"BaseSettings", b"env_prefix", b"environ.items(", b"entries(process.env", b"in os.environ", b"AutomaticEnv"),
    *(b"envconfig.", b"envvar_prefix", b"envy::", b"ENV.each", b"ENV.select", b"os.Environ(", b"env::vars", b"${!"),
)


def _variables(data: bytes) -> set[bytes]:
    """The variables that it reads, each with `$` before."""
    if not (b"$" in data or b"env" in data or b"ENV" in data or b"BaseSettings" in data):
        return set()
    found = {b"$" + name for name in pattern("variable").findall(data) if name not in _OF_ALL}
    if b"env" in data or b"ENV" in data or b"BaseSettings" in data:
        found.update(b"$" + name for name in pattern("small").findall(data))
        if any(each in data for each in _OF_SETTINGS) or pattern("any").search(data):
            found.add(ANY)
    return found


def _named(data: bytes, *, scripts: bool) -> set[bytes]:
    """Parts of paths: what stands beside a `/`, what is quoted where paths are made, and what is imported.

    With `WEAK` before it what may be a file's name and nothing says that it is a path.
    """
    strong: set[bytes] = set()
    weak: set[bytes] = set()
    for line in set(data.split(b"\n")):
        if line.strip():
            _add_named(line, strong, weak, scripts=scripts)
    names = {name for name in strong if len(name) <= LONGEST and name.strip(b".+-")}
    return names.union(WEAK + name for name in weak - strong if len(name) <= LONGEST and name.strip(b".+-"))


def _add_named(line: bytes, strong: set[bytes], weak: set[bytes], *, scripts: bool) -> None:
    is_path = any(sign in line for sign in _OF_PATHS)
    for word in line.translate(WORDS).split():
        parts = word.translate(NAMES).split()
        strong.update([word[word.rfind(b".") :]] if scripts and b"$" in word and b"." in word else [])
        if b"/" in word and word.strip(b"/"):
            strong.update(parts)
        elif scripts or b"." in word:
            weak.update(parts)
    loads = b"plugin" in line or b"import" in line
    for quote in b"\"'`":
        for piece in line.split(bytes((quote,)))[1::2]:
            if piece and len(piece) < _QUOTED and b"/" not in piece:
                (strong if is_path else weak).add(piece)
                strong.update((piece.rpartition(b"}")[2], piece.partition(b"{")[0]) if b"}" in piece else ())
                if loads and b"." in piece:  # a module in a package
                    strong.add(piece.partition(b".")[0])
    if scripts and b"path" in line and (b"=" in line or b":" in line):
        strong.update(line.translate(NAMES).split()[1:9])
    first, _, rest = line.strip().partition(b" ")
    if first in (b"import", b"from", b"require", b"load", b"use", b"source", b"include", b"."):
        strong.update(rest.replace(b".", b" ").translate(NAMES).split()[:8])


_OF_CACHES = (b".idea", b".svn", b".hg", b".DS_", b"_cache", b".hypothesis", b".pyre", b".pytype", b"lintcache")
# A line with one of these speaks of what is not looked at, is removed, or is a list of such.
_LEFT_OUT = (
    b"ignore",
    b"xclude",
    b"skip",
    b"rmtree",
    b"rm -",
    b"norecurs",
    b"unlink",
    b"clean",
    b"', '",
    b'", "',
    b"prune",
)
_JOINING = (b"oin(", b"esolve(", b"oinpath(", b" / ", b'/ "', b"/ '", b")/'", b')/"', b"/'", b'/"', b'+ "/', b"+ '/")
_QUOTED = 80
_OF_PATHS = (b"/", b"ath", b"oin", b"open", b"oad", b"ile", b"..", b"insert", b"append", b"dir", b"Dir", b"parent")


def _programs(data: bytes, kind: bytes) -> set[bytes]:
    if kind == SCRIPT:
        found = set(data.translate(NAMES).split())
    else:
        found = set()
        for piece in set(data.translate(_STARTS).split(b"\n")):
            given = piece.split(None, _MOST_AHEAD)
            if given:
                found.add(given[0])
                if given[0] in _PREFIXES or given[0][:1] == b"<" or b"=" in given[0]:
                    found.update(given[1:_MOST_AHEAD])
        if b"://" in data:
            found.update(pattern("host").findall(data))
        if any(word in data for word in _BEFORE):
            found.update(pattern("told").findall(data))
    return {
        name for name in (name.strip(b"-+@.,=)]}") for name in found) if 0 < len(name) <= _NAME and b"/" not in name
    }


def _scripts(data: bytes) -> set[bytes]:
    """The names of the scripts that it may start: what ends as one does, and the last part of a path in quotes."""
    found = {b"Makefile"} if b'"make' in data or b"'make" in data or b"$(MAKE)" in data else set()
    if any(each in data for each in (b".sh", b".bash", b".zsh", b"bin/", b"cript", b"tools/", b"hack/", b"ci/")):
        found |= {name or other for name, other in pattern("script").findall(data)}
    return found
