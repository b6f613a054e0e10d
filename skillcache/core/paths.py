"""Where everything of ours lives. A file checked into a project may not move any of it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT_CONFIG = ".claude/skillcache.toml"
# No setting: it says where the files of settings are, so no file can set it.
HOME_VARIABLE = "SKILLCACHE_HOME"
# The second line of every shim, of whichever version and by whatever path, begins so.
STANDS_IN = "# skillcache: stands in"


def home_folder(environ: "Mapping[str, str]") -> str:
    """The person's home folder, or '' where none is named: of what is then below '/' only root can write anything.

    A relative one is none: it would be another in each folder, and ours would lie in somebody's project.
    """
    home = environ.get("HOME", "")
    return home.rstrip("/") if home[:1] == "/" else ""


def cache_folder(environ: "Mapping[str, str]") -> str:
    """`$SKILLCACHE_HOME`, else `$XDG_CACHE_HOME/skillcache`, else `~/.cache/skillcache`; absolute."""
    named = environ.get(HOME_VARIABLE, "")
    if named.startswith("/"):
        return named.rstrip("/") or "/"
    base = environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):  # the XDG specification: a relative path is to be ignored
        base = home_folder(environ) + "/.cache"
    return base.rstrip("/") + "/skillcache"


def config_file(environ: "Mapping[str, str]") -> str:
    """The person's own configuration: `$XDG_CONFIG_HOME/skillcache/config.toml`, else below `~/.config`."""
    base = environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        base = home_folder(environ) + "/.config"
    return base.rstrip("/") + "/skillcache/config.toml"


def project_config_file(project: str) -> str:
    return project.rstrip("/") + "/" + PROJECT_CONFIG


def pending_folder(cache: str) -> str:
    """What PreToolUse leaves for the PostToolUse of the same call, named by tool_use_id."""
    return cache + "/pending"


def runs_folder(cache: str) -> str:
    """Which processes hold a claim while a command runs for them."""
    return cache + "/runs"


def seen_folder(cache: str) -> str:
    """Which failures a session or subagent has already seen."""
    return cache + "/seen"


def insisted_folder(cache: str) -> str:
    """Which calls were just answered by a refusal."""
    return cache + "/insisted"


def slow_folder(cache: str) -> str:
    """Which places were too slow to look at, in which session."""
    return cache + "/slow"


def stamps_folder(cache: str) -> str:
    """What large folders held when they were last read, and the stamps by which that is known."""
    return cache + "/stamps"


def quarantine_folder(cache: str) -> str:
    """Which rules rest after a wrong result."""
    return cache + "/quarantine"


def calls_folder(cache: str) -> str:
    """How many Bash calls each session has begun: a file of so many bytes."""
    return cache + "/calls"


def called_folder(cache: str) -> str:
    """Which commands a Bash call has begun: empty files, named by the call and the command."""
    return cache + "/called"


def failed_folder(cache: str) -> str:
    """The newest failures of each session, for the next call that looks at one through another filter."""
    return cache + "/failed"


def rewritten_folder(cache: str) -> str:
    """Which files each run of a command writes anew."""
    return cache + "/rewritten"


def replayed_folder(cache: str) -> str:
    """What became of the checks of each session."""
    return cache + "/replayed"


def checks_folder(cache: str) -> str:
    """Which checks each project has had, by words and digests."""
    return cache + "/checks"


def told_folder(cache: str) -> str:
    """Which events of sessions were answered."""
    return cache + "/told"


def shims_folder(cache: str) -> str:
    return cache + "/shims"


def compiled_folder(cache: str) -> str:
    """Configuration files in the form that hooks load."""
    return cache + "/compiled"


def mentions_folder(cache: str) -> str:
    """What the texts of projects name, by object id and by the stamp of an index."""
    return cache + "/mentions"


def own_folder(cache: str) -> str:
    """What runs of a command leave among the files that git ignores."""
    return cache + "/own"


def near_folder(cache: str) -> str:
    """What this machine has heard from Redis."""
    return cache + "/near"


def near_since(cache: str) -> str:
    """The file whose time says from when on what was heard may stand alone."""
    return near_folder(cache) + "/since"


def embedded_store(cache: str) -> str:
    return cache + "/store.sqlite3"


def spool_file(cache: str, store: str) -> str:
    """Records that could not be delivered, by the store that they are for."""
    # A remainder is digest enough to tell the few stores of one person apart, and costs no import.
    name = int.from_bytes(store.encode("utf-8", "surrogateescape")) % 0xFFFFFFFFFFFFFFC5
    return f"{cache}/spool/{name:016x}.log"


def tally_file(cache: str) -> str:
    return cache + "/outcomes.log"


def report_file(cache: str) -> str:
    """The page of `skillcache report`, for a browser."""
    return f"{cache}/report.html"


def misses_file(cache: str) -> str:
    return cache + "/misses.log"


def observed_file(cache: str) -> str:
    """Which calls that no rule names were seen, by digests."""
    return cache + "/observed.log"


def observed_folder(cache: str) -> str:
    """What runs of commands that only read were seen to read besides, by project and rule."""
    return cache + "/observed"


def salt_file(cache: str) -> str:
    """What the digests of observed calls are keyed with."""
    return cache + "/observed.salt"


def fault_file(cache: str) -> str:
    """Where the newest fault of ours came from."""
    return cache + "/fault.txt"


def durations_file(cache: str) -> str:
    return cache + "/durations.bin"


def ahead_folder(cache: str) -> str:
    """All that is kept of runs ahead."""
    return cache + "/ahead"


def sequences_folder(cache: str) -> str:
    """What the sessions of each project did, step by step."""
    return ahead_folder(cache) + "/log"


def runs_ahead_file(cache: str) -> str:
    """What became of each run ahead."""
    return ahead_folder(cache) + "/runs"


def kept_ahead_folder(cache: str) -> str:
    """Results of runs ahead that nobody has asked for yet."""
    return ahead_folder(cache) + "/kept"


def failed_ahead_folder(cache: str) -> str:
    """Failures of runs ahead that nobody has asked for yet."""
    return ahead_folder(cache) + "/failed"


def unfit_ahead_folder(cache: str) -> str:
    """Which commands' runs ahead could not be kept."""
    return ahead_folder(cache) + "/unfit"


def running_ahead_file(cache: str) -> str:
    """What the run ahead is of and which process keeps it; there only while there is one."""
    return ahead_folder(cache) + "/running"


def ahead_lock(cache: str) -> str:
    """Held by a keeper as long as anything of its runs is alive."""
    return ahead_folder(cache) + "/lock"


def joined_ahead_file(cache: str) -> str:
    """Which processes wait for the run ahead."""
    return ahead_folder(cache) + "/joined"


def once_ahead_file(cache: str) -> str:
    """What failed ahead and has not been given yet, by commands."""
    return ahead_folder(cache) + "/once"


def package_folder() -> str:
    """Absolute path of the folder with our modules."""
    return __file__.rsplit("/", 2)[0]


def hooks_folder() -> str:
    """Absolute path of the hook scripts: inside the package in a wheel, beside it in a checkout."""
    import os  # only the CLI asks

    package = package_folder()
    shipped = package + "/hooks"
    return shipped if os.path.isdir(shipped) else os.path.dirname(package) + "/hooks"
