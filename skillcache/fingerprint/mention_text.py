r"""What one text names beyond its project, read from its bytes: paths that leave it, how it climbs, words, programs.

A text is read generously: a name too many costs a run or a miss. What its kind is, its name says: in prose only whole
paths count, for nothing runs it; in a program's source what stands where a program's name can stand; in scripts, build
files and configuration every word.

    line := steps ',' longest ',' flags NUL near NUL relative NUL far NUL names NUL words      items parted by \x01

steps: how often it goes to the folder above, in all and in the line that does it most; flags: `f` begins at its own
place, `w` at the working directory, `h` speaks of the home folder, `u` searches upward, `l` lists folders, `v` reads
variables; near: relative paths of imports, which begin at the file; relative: others, which begin wherever somebody
stands; far: absolute ones and those below the home (`~/`), with a `/` at the end where what lies there is listed;
names: what may be meant behind a climb, a home, a folder at the top or a variable, see `_named`; variables: by signs
with `$` before; words: what may be programs, what else it asks for, with `?` before, and tools that it names, with `=`.
Nothing at all is an empty line. What a path leaves open, as in `../case_%d.txt`, is a `*` in it.

A line is kept in a memo, and a text may hold a secret. So names and words are there by their signs (`digest.signs`)
alone, a path that shows a credential is not there, and of a file that people keep secrets in no word and no name is.
"""

import os

from skillcache.core.digest import signs
from skillcache.core.paths import STANDS_IN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

MOST = 1 << 18  # bytes of a text that are read
_SEEN = 8_192  # of them that say whether it is one
_CERTIFICATES = b"-----BEGIN CERTIFICATE-----"  # which name nothing, in 200 KiB
_ITEM, _FIELD = b"\1", b"\0"
_BETWEEN = b" \t\r\n\"'`,;:=()[]{}<>|&@!\\\0\1"
_WORDS = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))
_NAMES = bytes.maketrans(_BETWEEN + b"/$%*", b" " * (len(_BETWEEN) + 4))
_NAME = 40  # bytes of a program's name
_PLAIN = bytes.maketrans(_FIELD + _ITEM, b"  ")
_LONGEST = 400  # bytes of a path that anybody writes

PROSE, LOCK, SOURCE, SCRIPT, SECRETS = b"t", b"l", b"c", b"s", b"k"
_BINARY = frozenset(
    """png jpg jpeg gif ico webp bmp tif tiff psd pdf zip gz tgz bz2 xz zst tar 7z rar whl jar war class so dylib
    dll exe o a lib pyc pyo wasm woff woff2 ttf otf eot mp3 mp4 ogg wav flac avi mov webm bin parquet npy npz pkl
    pickle pt onnx h5 sqlite sqlite3 db mo gpg asc p12 jks der keystore""".split()  # noqa: SIM905 - read as a list
)
_PROSE = frozenset(
    "md markdown rst txt adoc csv tsv svg snap html htm po pot tex log out diff patch dat".split()  # noqa: SIM905
)
_LOCKS = frozenset(
    """package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml poetry.lock pdm.lock uv.lock Pipfile.lock
    Cargo.lock composer.lock Gemfile.lock go.sum bun.lock deno.lock flake.lock""".split()  # noqa: SIM905
)
_SCRIPTS = frozenset(
    """sh bash zsh fish ksh mk mak cmake yml yaml toml cfg ini conf env envrc just bats awk gradle nix rake
    service""".split()  # noqa: SIM905
)
_TASKS = frozenset(["package.json", "composer.json", "deno.json", "deno.jsonc", "project.json", "tasks.json"])
_SECRET_STARTS = (".env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")
_SECRET_NAMES = frozenset(
    """.netrc _netrc .pgpass .npmrc .yarnrc .pypirc .git-credentials .htpasswd .my.cnf .vault .s3cfg .boto .dockercfg
    auth.json auth.toml credentials secrets""".split()  # noqa: SIM905
)
_SECRET_ENDS = (".env", ".pem", ".key", ".tfvars", ".keys", ".kdbx", ".ovpn", ".ppk")
_SECRET_WORDS = ("secret", "credential", "passw", "token")
_SETTINGS = frozenset(["yml", "yaml", "toml", "cfg", "ini", "conf", "json", "secret", "secrets", "credentials"])
_SECRET_FOLDERS = frozenset(".ssh .aws .gnupg .kube .docker .azure gcloud .password-store".split())  # noqa: SIM905
_TOLD = ("README", "LICENSE", "LICENCE", "CHANGELOG", "CHANGES", "NOTICE", "AUTHORS", "COPYING", "CONTRIBUTING")
# What a service runs elsewhere.
_REMOTE = (".github/", ".gitlab/", ".circleci/", ".buildkite/")
_CLIMBS = (
    *(b"parent", b"Parent", b"irname", b"pardir", b"Dir(", b"__dir__", b"__DIR__", b"superproject", b"path.split("),
    *(b"rsplit(", b".parts[", b".ancestors("),
)
# A line of code with one of these looks at what lies in a folder.
_LISTINGS = (
    *(b"listdir", b"scandir", b"glob", b"iterdir", b"readdir", b"walk", b"Dir[", b"Dir.entries", b"Dir.children"),
    *(b"ReadDir", b"read_dir", b"list_dir", b"find ", b"ls ", b"Dir.each_child", b"opendir", b"DirectoryIterator"),
)
_HOMES = (
    *(b"HOME", b"expanduser", b"home(", b"homedir", b"home_dir", b"HomeDir", b"homeDir", b"user.home", b"Dir.home"),
    *(b"user_config", b"user_data", b"XDG_", b"get_app_dir", b"UserConfigDir", b"dirs::"),
    *(b"PlatformDirs", b"AppDirs"),
    *(b"appdirs", b"platformdirs", b"env-paths", b"configstore", b"ProjectDirs", b"BaseDirs", b"BaseDirectories"),
    *(b"pw_dir", b"userInfo(", b"QStandardPaths", b"SpecialFolder"),
)


_OURS_ITSELF = STANDS_IN.encode()  # a shim names all tools that there are, and uses none of them
_OURS = ".claude/skillcache.toml"  # what its rules name has rows of its own


def kind_of(path: str) -> bytes:
    """Of the file with this name; b"" where nothing is read."""
    name = path[path.rfind("/") + 1 :]
    stem, dot, suffix = name.rpartition(".")
    suffix = suffix.lower()
    if (dot and suffix in _BINARY) or path == _OURS:
        return b""
    if name in _LOCKS:
        return LOCK
    if path.startswith(_REMOTE) or name.upper().startswith(_TOLD):
        return PROSE
    if dot and stem and suffix in _PROSE:
        told = suffix == "txt" and name.lower().startswith(("cmakelists", "requirements", "constraints"))
        return SCRIPT if told else PROSE
    if (
        name.startswith(_SECRET_STARTS)
        or name in _SECRET_NAMES
        or name.endswith(_SECRET_ENDS)
        or not _SECRET_FOLDERS.isdisjoint(path.split("/"))
    ):
        return SECRETS
    if suffix in _SETTINGS and any(word in name.lower() for word in _SECRET_WORDS):
        return SECRETS
    return SCRIPT if not (dot and stem) or suffix in _SCRIPTS or name in _TASKS else SOURCE


def read(data: bytes, kind: bytes) -> bytes:
    """The line of the text `data`; of a kind in capitals, with names whatever it says."""
    is_ours = data.startswith(_OURS_ITSELF, data.find(b"\n") + 1)
    if b"\0" in data[:_SEEN] or is_ours or data.startswith(_CERTIFICATES):
        return b""
    data = data.translate(_PLAIN)
    everything, kind = kind.isupper(), SECRETS if b"PRIVATE KEY-----" in data else kind.lower()
    built = kind in (SOURCE, SCRIPT)
    near, relative, steps, longest = _leading_up(data, counts=built) if b".." in data else (set(), set(), 0, 0)
    far = _far(data) if b"/" in data else set()
    if not built:
        near, relative, far = _shown(near), _shown(relative), _shown(far, there=kind == SECRETS)
        names: set[bytes] = set()
        words: set[bytes] = set()
        flags = b""
    else:
        far |= _listed(data)
        far |= {b"/tmp"} if any(each in data for each in _TEMPORARY) else set()
        near, relative, far = _shown(near), _shown(relative), _shown(far)
        if any(each in data for each in _CLIMBS):
            more, most = _climbs(data)
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
        flags += b"u" if _searches(data) else b""
    elif any(each in data for each in _SEARCHING):
        flags += b"u"
    if (steps or variables) and any(each in data for each in _LISTINGS):
        flags += b"l" if kind == SOURCE or _lists_above(data) else b""
    return flags + b"v" if variables else flags


def _asked(data: bytes, kind: bytes) -> set[bytes]:
    """What else it asks for."""
    found = {sign for sign, asking in _ASKING.items() if any(each in data for each in asking)}
    of_machine = {sign for sign, asking in OF_MACHINE.items() if any(each in data for each in asking)}
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
    if installed := _installed(data):
        yield INSTALLED
        yield from signs(BY_HAND + name for name in installed)
    for line in _lines(data, _OF_CACHES) if kind == SOURCE else ():
        if not any(each in line for each in _LEFT_OUT):
            yield from (CACHED + name for name in _pattern("cached").findall(line))
    if kind == SOURCE and any(each in data for each in _JOINING):
        yield from signs(JOINED + name for line in _lines(data, _JOINING) for name in _pattern("joined").findall(line))
    # What a script asks for counts where another text starts it.
    yield from asked if kind == SOURCE else (IF_STARTED + sign for sign in asked)
    yield from (STARTS + sign for sign in signs(_scripts(data)))
    if b"$" in data or b"env" in data or b"ENV" in data:
        from skillcache.fingerprint.noise import counts_where_read

        sign = READ if kind == SOURCE else READ_BY_SCRIPT
        yield from signs([sign + name for name in set(_pattern("variable").findall(data)) if counts_where_read(name)])
        if b"tartsWith(" in data or b"startswith(" in data:
            yield from signs([READ_ALL + name for name in set(_pattern("beginning").findall(data))])


def _shown(paths: "Iterable[bytes]", *, there: bool = False) -> set[bytes]:
    """Those that show no credential; `there`, and odd ones: only below a folder that is at the top."""
    from skillcache.core.credentials.find import find

    kept = {
        path
        for path in paths
        if path[:1] != b"/" or not (there or _is_odd(path)) or os.path.lexists(b"/" + path.split(b"/", 2)[1])
    }
    if not kept or find(b"\n".join(kept).decode("utf-8", "replace")) is None:
        return kept
    return {path for path in kept if find(path.decode("utf-8", "replace")) is None}


# Behind one of these comes the last part of a path, which is of where somebody stands with one of those in the line.
_LAST = (b"basename", b".name", b"notdir", b"##*/", b"Base(", b"file_name(", b"getFileName", b".stem")
_WHERE = (b"cwd", b"CWD", b"PWD", b"CURDIR", b"pwd", b"etwd", b"current_dir", b"user.dir")
_FROM_FILE = (b"__file__", b"__dirname")


def asks_for_name(data: bytes) -> bool:
    """Whether a text goes by what the folder of the project is called."""
    if not any(each in data for each in (*_WHERE, *_FROM_FILE)) or not any(each in data for each in _LAST):
        return False
    for line in _lines(data, _LAST):
        if any(each in line.replace(b"cwd=", b"") for each in _WHERE):
            return True
        if any(each in line for each in _FROM_FILE) and (
            b"parent" in line or b"dirname" in line.replace(b"__dirname", b"")
        ):
            return True
    return False


# Among the words: the text asks for permissions, for local times, for who works here, for what pytest's cache keeps,
# for the account that it runs under, starts a shell that reads what a person has set for shells, or is a test that
# begins with what has failed before.
MODES, ZONE, PERSON, KEPT, LOGIN = b"?modes", b"?zone", b"?person", b"?kept", b"?login"
ACCOUNT, EXAMPLES, NAME = b"?account", b"?examples", b"?name"
# Before the name of a tool with settings of its own, wherever in the text it stands.
TOOL = b"="
CONFIGURED = tuple(b"flake8 ruff mypy pylint pycodestyle pydocstyle pyright yapf black isort bandit pytest".split())
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
# What a text asks the machine for, and it may be another on the next: its name, its kernel, its processors, the numbers
# of who runs it. Of a script with the last behind: that counts for tasks alone.
HOST, KERNEL, PROCESSORS, NUMBERS, BY_SCRIPT = b"?host", b"?kernel", b"?processors", b"?numbers", b"?$"
OF_MACHINE = {
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
# Before what a script asks for, and before the names of the files that a text may start.
IF_STARTED, STARTS = b"!", b">"
# Before the name of a variable that a text reads.
READ, READ_BY_SCRIPT = b"?$", b"?$$"
READ_ALL = b"?$^"  # before what the names begin with of those that it goes over
_ACCOUNT = (b"getuser", b"getlogin", b"userInfo(", b"getpwuid", b"getpwnam", b"Etc.getlogin", b"user.Current(")
_KEPT = (b"config.cache", b"config.getini('cache", b"lastfailed", b"pytest_cache/v", b"pytest_cache/d")
_ASKING = {MODES: _MODES, ZONE: _ZONED, PERSON: _SIGNED, KEPT: _KEPT, LOGIN: _SHELLS_OF_A_PERSON, ACCOUNT: _ACCOUNT}
# Who owns a file; and each cache of a tool's or an editor's of which a text names something, with its name behind.
OWNERS, CACHED = b"?owners", b"?cached "
_ASKING[OWNERS] = (b"st_uid", b"st_gid", b".owner(", b".group(", b"%U", b"-user ", b"-group ", b"get_owner", b".uid")
_ASKING[EXAMPLES] = (b"import hypothesis", b"from hypothesis")
_OWN = (
    *(b"__file__", b"__dirname", b"__filename", b"__dir__", b"__DIR__", b"__FILE__", b"import.meta", b"$0", b"${0"),
    *(b"BASH_SOURCE", b"FindBin", b"runtime.Caller", b"CMAKE_CURRENT_", b"MAKEFILE_LIST"),
)
# What nobody lists as a whole: its names say which of what lies there is meant.
TOPS = frozenset(
    b"""/opt /etc /srv /data /tmp /var /home /mnt /media /root /workspace /app /Users /private/tmp /usr/share /usr/local
    /usr/local/share /usr/local/etc /var/lib /var/tmp /var/opt /etc/opt /run""".split()
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
_PATTERNS = {
    "climb": rb"\.parents?\b(?:[\s(]*\[\s*(\d+))?|\.parts\[:-(\d+)|\bparent\(|dirname|pardir|getParent|\bDir\(|__dir__"
    rb"|__DIR__|show-superproject|path\.split\(|rsplit\(|\.ancestors\(",
    "absolute": rb"/(?<=[\s\"'`=(\[{,:;<>|&@]/)[\w.@+\x80-\xff-]+(?:/[\w.@+\x80-\xff-]+)*",
    "below": rb"(?:~|\$HOME|\$\{HOME\}|\$\(HOME\)|%h)(/[\w.@+\x80-\xff-][\w./@+\x80-\xff-]*)",
    "told": rb"(?:\b(?:sudo|xargs|exec|execdir|ok|env|then|nohup|command)\s+|bin/)([A-Za-z0-9_][\w.+-]{0,40})",
    "file": rb"\w:///?(/[\w.@+\x80-\xff-]+(?:/[\w.@+\x80-\xff-]+)*)",  # of a database with one slash more
    "host": rb"://(?:[\w.+~%:-]{0,60}@)?([A-Za-z0-9][\w.-]{0,60})",
    "open": rb"(?:\.\./|~/)[^\s\"'`]{1,200}",
    "left": rb"%[-0-9.]{0,6}[a-z]|[#$@]?\{[^{}]{0,60}\}|\$\w{1,40}|\[[^\]]{0,20}\]|\?",
    "variable": rb"(?:\$[{(]?|(?:environ|getenv|Getenv|env::var|ENV|\benv)\W{1,3}(?:(?:get|fetch)\W{1,3})?)"
    rb"([A-Z][A-Z0-9_]{1,40})",
    "small": rb"(?:environ|getenv|Getenv|env::var|ENV|process\.env)\W{1,3}(?:(?:get|fetch)\W{1,3})?"
    rb"(?<=[\"'.])([a-z][a-z0-9_]{1,40})",
    "up": rb"[\"'`]((?:\.\./){1,9})[\"'`]\s{0,3}[+.]\s{0,3}\w",  # and what is put behind it
    "included": rb"(?m)^[ \t]{0,20}(?:#[ \t]{0,9}include[ \t]{0,9}<([\w./+-]{1,80})>"
    rb"|-?include[ \t]{1,9}([\w./+-]{1,80}\.mk)\b)",
    "library": rb"(?:(?<![\w-])-l([\w+.-]{1,40})|[\"'/](lib[\w+-]{1,40}\.so(?:\.\d{1,4}){0,3})[\"'])",
    "beginning": rb"tarts[wW]ith\(\s{0,3}[\"'`]([A-Z][A-Z0-9_]{1,30})[\"'`]",
    "cached": rb"[\"'`/](\.idea|\.svn|\.hg|\.DS_Store|\.mypy_cache|\.ruff_cache|\.pytest_cache|\.hypothesis|\.pyre"
    rb"|\.pytype|\.eslintcache|\.stylelintcache)(?=[\"'`/])",
    "joined": rb"[/,(]\s{0,9}[bfru]{0,2}[\"'`]\.?/?([\w@+-][\w.@+-]{1,60})(?=[/\"'`])",
    "any": rb"(?:environ(?:\.get)?|getenv|Getenv|env::var|ENV|process\.env)\s?[\[(]\s?"
    rb"(?:f[\"']|`|[A-Za-z_][\w.]{0,40}\s{0,3}[+\])|,]|[\"']\w{0,40}[\"']\s{0,3}[+%.]|[\"']\w{0,40}%)",
    "script": rb"([\w.+-]{1,40}\.(?:sh|bash|zsh))\b"
    rb"|(?:bin|scripts?|tools|hack|ci)/(?:[\w.+-]{1,40}/)?([\w+-]{1,40})(?![\w./+-])",
    "upward": rb"\.parents\b(?!\s{0,9}\[)|\b[fF]ind[-_]?[uU]p|\.ancestors\(|\b[sS]earch[-_]?[uU]p|find_root|findRoot",
}
_found: "dict[str, re.Pattern[bytes]]" = {}


def _pattern(name: str) -> "re.Pattern[bytes]":
    if name not in _found:
        import re  # where a text is read, and only there

        _found[name] = re.compile(_PATTERNS[name])
    return _found[name]


def _lines(data: bytes, marks: "Iterable[bytes]") -> "Iterator[bytes]":
    """The lines that hold one of the signs."""
    begun: set[int] = set()
    for each in marks:
        at = data.find(each)
        while at >= 0:
            begin = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            if begin not in begun:
                begun.add(begin)
                yield data[begin:end]
            at = data.find(each, end)


def _leading_up(data: bytes, *, counts: bool) -> tuple[set[bytes], set[bytes], int, int]:
    """Paths of imports and other paths with a step up, and the steps of those that are nothing else."""
    near: set[bytes] = set()
    relative: set[bytes] = set()
    steps = longest = 0
    for line in _lines(data, (b"..",)):
        relative.update(path + b"*" for path in _pattern("up").findall(line))
        plain, place = line.translate(_WORDS), 0
        for word in plain.split():
            place = plain.index(word, place) + len(word)
            at = _first_step(word) if b".." in word and len(word) < _LONGEST else -1
            if at < 0:
                continue
            path = word[at:].partition(b"*")[0]
            before = word[:at]
            if before[:2] == b"//" and before.strip(b"/"):  # an address
                continue
            if not path.strip(b"./"):
                steps += path.count(b"..") if counts else 0
                longest = max(longest, path.count(b".."))
            elif path.startswith(b"..") and _is_imported(line, place - len(word) + at):
                near.add(path)
            else:
                path = path.rstrip(b".")  # the end of a sentence
                relative.add(path)
                if before.strip(b"/") and before[:1] != b"-" and b"$" not in before and b"%" not in before:
                    relative.add((before + path).lstrip(b"/"))
        relative.update(path for path in _spaced(line) if path.startswith(b"../"))
        relative.update(path for path in _open(line) if path.startswith(b"../"))
    return near, relative, steps, longest


# A path after one of these begins at the file.
_IMPORTS = (b"from", b"import", b"require(", b"import(", b"include", b"@import", b"@use", b"mock(")


def _is_imported(line: bytes, at: int) -> bool:
    """Whether the path there stands in the quotes of an import."""
    before = line[max(0, at - _LONGEST) : at]
    quote = max(before.rfind(each) for each in (b'"', b"'", b"<"))
    if quote < 0 or b">" in before[quote:]:
        return False
    head = before[:quote].rstrip()
    word = next((each for each in _IMPORTS if head.endswith(each)), b"")
    ahead = head[: len(head) - len(word)]
    if word == b"include":
        return ahead.rstrip().endswith(b"#")
    return bool(word) and (word[:1] == b"@" or not (ahead[-1:].isalnum() or ahead[-1:] == b"_"))


def _first_step(word: bytes) -> int:
    """Where the first `..` that is a whole part of the path begins; -1 without one."""
    if word == b"..":
        return 0
    at = word.find(b"../")
    while at > 0 and word[at - 1 : at] == b".":  # three points and more are none
        at = word.find(b"../", at + 1)
    return len(word) - 2 if at < 0 and word.endswith(b"/..") else at


def _climbs(data: bytes) -> tuple[int, int]:
    """How often it goes up by other means than a path, in all and at most in one line."""
    steps = longest = 0
    for line in _lines(data, _CLIMBS):
        indices = (one or other for one, other in _pattern("climb").findall(line))
        here = sum(min(int(index[:4]), 9) + 1 if index else 1 for index in indices)
        steps += here
        longest = max(longest, here)
    return steps, longest


def _far(data: bytes) -> set[bytes]:
    found = {path for path in _pattern("absolute").findall(data) if len(path) <= _LONGEST}
    if b":///" in data:
        found.update(path for path in _pattern("file").findall(data) if len(path) <= _LONGEST)
        for line in _lines(data, (b":///",)):
            found.update(b"/" + piece.partition(b":///")[2].lstrip(b"/") for piece in _spaced(line) if b":///" in piece)
    for line in _lines(data, (b"~/", b"HOME", b"%h/")):
        found.update(path for path in _open(line.replace(b"${HOME}/", b"~/")) if path.startswith(b"~/"))
        found.update(b"~" + path for path in _pattern("below").findall(line))
        found.update(path for path in _spaced(line) if path.startswith(b"~/"))
    for line in _lines(data, (b'"/', b"'/")):
        found.update(path for path in _spaced(line) if path.startswith(b"/"))
    return found


def _open(line: bytes) -> set[bytes]:
    """Paths a part of which is filled in as the text runs."""
    if not any(sign in line for sign in (b"%", b"{", b"$", b"*", b"[", b"?")):
        return set()
    found = set()
    for each in _pattern("open").findall(line):
        path = _pattern("left").sub(b"*", each).rstrip(b").,;:]}")
        while b"**" in path:
            path = path.replace(b"**", b"*")
        if b"*" in path and path.strip(b"./*~"):
            found.add(path)
    return found


def _listed(data: bytes) -> set[bytes]:
    """The folders that a line names which looks at what lies in one."""
    found: set[bytes] = set()
    for line in _lines(data, _LISTINGS):
        found.update(path + b"/" for path in _pattern("absolute").findall(line) if len(path) <= _LONGEST)
        found.update(b"~" + path.rstrip(b"/") + b"/" for path in _pattern("below").findall(line))
    return found


def _installed(data: bytes) -> set[bytes]:
    """What compilers, make and pkg-config take from where somebody installs things by hand, below that folder."""
    found: set[bytes] = set()
    if b"include" in data:
        found.update(b"include/" + (one or other) for one, other in _pattern("included").findall(data))
    if b"-l" in data or b".so" in data:
        for name, spelled in _pattern("library").findall(data):
            found.update([b"lib/" + spelled] if spelled else [b"lib/lib%s%s" % (name, end) for end in (b".so", b".a")])
    for line in _lines(data, (b"pkg-config", b"pkg_config", b"PKG_CHECK_MODULES", b"pkg_check_modules")):
        names = [name for name in line.translate(_NAMES).split() if name[:1] != b"-"]
        found.update(b"lib/pkgconfig/%s.pc" % name for name in names)
    return found


def _lists_above(data: bytes) -> bool:
    """Whether a line that looks at what lies in a folder goes to the one above."""
    return any(b".." in line or any(sign in line for sign in _CLIMBS) for line in _lines(data, _LISTINGS))


# Of a library that goes upward by itself.
_SEARCHING = (b"find-up", b"find_up", b"findUp", b"FindUp", b"search_up", b"searchUp", b"locate-path")
_NEAR = 300  # bytes between a loop's head and the step that it takes


def _searches(data: bytes) -> bool:
    """Whether it goes upward until something is found."""
    if _pattern("upward").search(data):
        return True
    at = data.find(b"while")
    while at >= 0:
        body = data[at : at + _NEAR]
        if b".." in body or any(sign in body for sign in _CLIMBS):
            return True
        at = data.find(b"while", at + _NEAR)
    return False


# These are everybody's, and what they name is captured otherwise or is none of a person's folders.
_OF_ALL = frozenset(b"HOME PATH PWD OLDPWD SHELL USER TMPDIR LANG TERM IFS OSTYPE UID RANDOM BASH_SOURCE".split())


# Instead of a variable's name: it is put together as the text runs, or made of a field's by a library.
ANY = b"$*"
_OF_SETTINGS = (
    *(b"BaseSettings", b"env_prefix", b"environ.items(", b"entries(process.env", b"in os.environ", b"AutomaticEnv"),
    *(b"envconfig.", b"envvar_prefix", b"envy::", b"ENV.each", b"ENV.select", b"os.Environ(", b"env::vars", b"${!"),
)


def _variables(data: bytes) -> set[bytes]:
    """The variables that it reads, each with `$` before."""
    if not (b"$" in data or b"env" in data or b"ENV" in data or b"BaseSettings" in data):
        return set()
    found = {b"$" + name for name in _pattern("variable").findall(data) if name not in _OF_ALL}
    if b"env" in data or b"ENV" in data or b"BaseSettings" in data:
        found.update(b"$" + name for name in _pattern("small").findall(data))
        if any(each in data for each in _OF_SETTINGS) or _pattern("any").search(data):
            found.add(ANY)
    return found


def _spaced(text: bytes) -> list[bytes]:
    """What stands in quotes and holds a blank, or what else ends a path that has none around it."""
    inside = (*text.split(b'"')[1::2], *text.split(b"'")[1::2])
    return [piece for piece in inside if len(piece) <= _LONGEST and _is_odd(piece)]


_ODD = (b" ", b"=", b",", b"(", b")", b"#", b"!", b"[", b"]", b"~", b"@", b"&")


def _is_odd(path: bytes) -> bool:
    return any(sign in path for sign in _ODD)


def _named(data: bytes, *, scripts: bool) -> set[bytes]:
    """Parts of paths: what stands beside a `/`, what is quoted where paths are made, and what is imported.

    With `WEAK` before it what may be a file's name and nothing says that it is a path.
    """
    strong: set[bytes] = set()
    weak: set[bytes] = set()
    for line in set(data.split(b"\n")):
        if line.strip():
            _add_named(line, strong, weak, scripts=scripts)
    names = {name for name in strong if len(name) <= _LONGEST and name.strip(b".+-")}
    return names.union(WEAK + name for name in weak - strong if len(name) <= _LONGEST and name.strip(b".+-"))


def _add_named(line: bytes, strong: set[bytes], weak: set[bytes], *, scripts: bool) -> None:
    is_path = any(sign in line for sign in _OF_PATHS)
    for word in line.translate(_WORDS).split():
        parts = word.translate(_NAMES).split()
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
        strong.update(line.translate(_NAMES).split()[1:9])
    first, _, rest = line.strip().partition(b" ")
    if first in (b"import", b"from", b"require", b"load", b"use", b"source", b"include", b"."):
        strong.update(rest.replace(b".", b" ").translate(_NAMES).split()[:8])


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
WEAK = b"\2"
# The text includes, or links with, what may be installed by hand; before the names of that.
INSTALLED, BY_HAND = b"?installed", b"\4"
# Before a name that is put behind another, in a line with one of these: the place may come from another text.
JOINED = b"\3"
_JOINING = (b"oin(", b"esolve(", b"oinpath(", b" / ", b'/ "', b"/ '", b")/'", b')/"', b"/'", b'/"', b'+ "/', b"+ '/")
_QUOTED = 80
_OF_PATHS = (b"/", b"ath", b"oin", b"open", b"oad", b"ile", b"..", b"insert", b"append", b"dir", b"Dir", b"parent")


def _programs(data: bytes, kind: bytes) -> set[bytes]:
    if kind == SCRIPT:
        found = set(data.translate(_NAMES).split())
    else:
        found = set()
        for piece in set(data.translate(_STARTS).split(b"\n")):
            given = piece.split(None, _MOST_AHEAD)
            if given:
                found.add(given[0])
                if given[0] in _PREFIXES or given[0][:1] == b"<" or b"=" in given[0]:
                    found.update(given[1:_MOST_AHEAD])
        if b"://" in data:
            found.update(_pattern("host").findall(data))
        if any(word in data for word in _BEFORE):
            found.update(_pattern("told").findall(data))
    return {
        name for name in (name.strip(b"-+@.,=)]}") for name in found) if 0 < len(name) <= _NAME and b"/" not in name
    }


def _scripts(data: bytes) -> set[bytes]:
    """The names of the scripts that it may start: what ends as one does, and the last part of a path in quotes."""
    found = {b"Makefile"} if b'"make' in data or b"'make" in data or b"$(MAKE)" in data else set()
    if any(each in data for each in (b".sh", b".bash", b".zsh", b"bin/", b"cript", b"tools/", b"hack/", b"ci/")):
        found |= {name or other for name, other in _pattern("script").findall(data)}
    return found


def text_at(path: bytes) -> bytes:
    """The beginning of the regular file at `path`. Raises OSError."""
    from skillcache.core.files import open_regular

    handle = open_regular(path, links=False)
    try:
        data = b""
        while len(data) < MOST and (piece := os.read(handle, MOST - len(data))):
            data += piece
    finally:
        os.close(handle)
    return data
