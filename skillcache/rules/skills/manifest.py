"""What a skill is called and declares of its scripts: by its SKILL.md, its plugin's manifest and the call's own words.

metadata:
skillcache:
ttl: 3600                  seconds a result is kept
depends: [data/**]         files it reads besides those it is given: globs from the worktree's root, or as
                           `skillcache.rules.skills.manifest` says
args_are_files: true       every argument that is no option names a file that must be there
version: 2                 whatever a change of which makes all results out of date
env: [REPORT_STYLE]        environment variables it reads
failures: true             a status other than 0 is a report as well, such as 1 for findings
outputs: [report.pdf]      files it writes: globs from the directory it is run in, or where the call names them

{-o}  {--output}  {-o,--output}    the option's value: `-o X`, `-oX`, `--output X`, `--output=X`, each time it is given
{1}  {2}  ...                      the first, second, ... word behind the script that is neither an option nor such a
                                   value; behind `--` every word counts

Which option takes a value is known of those in braces alone. A word that is taken for an output and is none does no
harm: what is named and not written keeps the result from being stored.

/x  ~/x                        absolute, or from the home folder
../x  ${CLAUDE_SKILL_DIR}/x    from the skill's own folder, by which `../` is meant as often as it stands there
${CLAUDE_PLUGIN_ROOT}/x        from that of the plugin which the skill belongs to, whatever version its path holds
"""

import os

from skillcache.core import Record, files, json
from skillcache.core.files import digest_parts
from skillcache.core.outcomes import UNCAPTURABLE, Bypass
from skillcache.fingerprint import globs
from skillcache.fingerprint.globs import fault_of
from skillcache.fingerprint.ignored import is_cache
from skillcache.rules.skills.frontmatter import read as read_frontmatter
from skillcache.rules.skills.yaml import NotUnderstood

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.fingerprint.outside import Outside
    from skillcache.rules.judge import Use


_NOWHERE = ("", "-", os.devnull)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def is_named(text: str) -> bool:
    """Whether an output says where in the command it is named, rather than what it is called."""
    return text[:1] == "{"


def fault_of_word(text: str) -> str:
    """Why a text that begins with a brace names no word of a command, or ''."""
    names = _named_words(text)
    if text[-1:] == "}" and (all(map(_is_option, names)) or (len(names) == 1 and _is_place(names[0]))):
        return ""
    return "names neither an option, as {-o,--output}, nor an argument, as {1}"


def values_of(texts: tuple[str, ...], given: tuple[str, ...]) -> dict[int, str]:
    """The outputs that the words behind a script name by these texts: by the word's index, what it says."""
    names = [name for text in texts if is_named(text) for name in _named_words(text)]
    options = {name for name in names if _is_option(name)}
    places = {int(name) for name in names if _is_place(name)}
    found: dict[int, str] = {}
    at, operands, is_ended = 0, 0, not names
    while at < len(given):
        word = given[at]
        if is_ended or word[:1] != "-" or word == "-":
            operands += 1
            if operands in places:
                found[at] = word
        elif word == "--":
            is_ended = True
        elif word in options:
            at += 1
            if at < len(given):
                found[at] = given[at]
        else:
            for option in options:
                start = option if len(option) == 2 else f"{option}="
                if word.startswith(start):
                    found[at] = word[len(start) :]
        at += 1
    return {at: value for at, value in found.items() if value not in _NOWHERE}


def _named_words(text: str) -> list[str]:
    return [name.strip(" ") for name in text[1:-1].split(",")]


def _is_option(name: str) -> bool:
    if name.startswith("--"):
        return len(name) > 3 and name[2] in _LETTERS and _LETTERS.issuperset(name[2:].replace("-", "").replace("_", ""))
    return len(name) == 2 and name[0] == "-" and name[1] in _LETTERS


def _is_place(name: str) -> bool:
    return name.isascii() and name.isdigit() and name[0] != "0" and len(name) < 4


PLUGIN = ".claude-plugin/plugin.json"  # in the folder that a plugin's shelf lies in
_SKILL, _ROOT = "${CLAUDE_SKILL_DIR}/", "${CLAUDE_PLUGIN_ROOT}/"
_UP = "../"
_STARTS = ("/", "~", _UP, _SKILL, _ROOT)


def is_beyond(glob: str) -> bool:
    """Whether it is counted from elsewhere than the worktree's root."""
    return glob.startswith(_STARTS)


def fault_of_input(glob: str) -> str:
    """Why it cannot be depended on, or ''; of any glob."""
    if glob[:1] == "~" and glob[1:2] != "/":
        return "is no path"
    _, _, rest = _parted(glob)
    return "is git's own, or a cache" if is_cache(rest.encode()) else globs.fault_of(rest)


def _parted(glob: str) -> tuple[str, int, str]:
    """What it is counted from, how many folders above that, and the glob from there."""
    start = next((start for start in ("/", "~/", _SKILL, _ROOT) if glob.startswith(start)), "")
    rest = glob[len(start) :]
    if start in ("/", "~/"):
        return start, 0, rest
    ups = 0
    while rest.startswith(_UP) and (start or glob.startswith(_UP)):
        ups += 1
        rest = rest[len(_UP) :]
    return start or _SKILL, ups, rest


def content(glob: str, use: "Use", outside: "Outside") -> str:
    """Digest of the names and contents of what it names now. Raises Bypass (TOO_LARGE, TOO_SLOW, UNCAPTURABLE)."""
    start, ups, rest = _parted(glob)
    parts: list[bytes] = []
    for top in _tops(start, use, glob):
        for _ in range(ups):
            top = os.path.dirname(top)  # noqa: PLW2901 - as many as are said
        for path in sorted(globs.find(top, rest, outside.budget, through_links=True)):
            parts += (os.fsencode(path), outside.content(os.path.join(top, path)).encode())
    return digest_parts(parts) if parts else "absent"


def _tops(start: str, use: "Use", glob: str) -> list[str]:
    """The folders that it is counted from: a skill's by the path that was come by, and where it really lies."""
    if start == "/":
        return ["/"]
    if start == "~/":
        if not use.home.startswith("/"):
            raise Bypass(UNCAPTURABLE, f"{glob} without a home folder")
        return [use.home]
    folders = list(dict.fromkeys([use.folder, os.path.realpath(use.folder)]))
    if start == _SKILL:
        return folders
    above = [os.path.dirname(os.path.dirname(folder)) for folder in folders]
    plugins = [folder for folder in above if os.path.isfile(f"{folder}/{PLUGIN}")]
    if not plugins:
        raise Bypass(UNCAPTURABLE, f"{glob}: the skill is of no plugin")
    return plugins


FILE = "SKILL.md"
SHELF = "skills"  # the name of the folder that a skill's lies in
_CAP = 1 << 20
_LONGEST_TTL = 31_536_000
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_LONGEST_NAME = 64


class Declaration(Record):
    ttl: int = 0  # seconds, 0 where it is not said
    depends: tuple[str, ...] = ()  # globs as written
    env: tuple[str, ...] = ()  # names
    outputs: tuple[str, ...] = ()  # globs as written
    args_are_files: bool = False
    failures: bool = False
    version: str = ""  # "" for none


class Manifest:
    """name: what its entries are called; names: by which a rule may name it; declared: None where it says nothing."""

    __slots__ = ("declared", "name", "names")

    def __init__(self, names: tuple[str, ...], declared: Declaration | None) -> None:
        self.name = names[0]
        self.names = names
        self.declared = declared


def read(folder: str, named: "frozenset[str]") -> Manifest | None:
    """Of the skill in `folder`; None where there is none, or one that neither it nor a rule says anything of.

    `named`: skills that rules of the person's name, by the name that the skill has or by its folder's. Raises Bypass
    (UNCAPTURABLE) for a SKILL.md that is not surely understood, and OSError.
    """
    path = f"{folder}/{FILE}"
    data = files.read(path, _CAP)
    base = folder.rpartition("/")[2]
    declares = data is not None and b"skillcache" in data
    if data is None or not (declares or named):
        return None
    try:
        found = read_frontmatter(data.decode("utf-8"))
        metadata = found.get("metadata", {})
        declared = metadata.get("skillcache") if isinstance(metadata, dict) else None
        names = _names(folder, found.get("name"), base)
        if declared is None and named.isdisjoint(names):
            return None
        return Manifest(names, None if declared is None else _declaration(declared))
    except (NotUnderstood, UnicodeDecodeError, _Unfit) as fault:
        names = _names(folder, None, base)
        if named.isdisjoint(names) and not declares:
            return None
        if not declares:  # a rule says all that is needed, and the folder's name is one
            return Manifest(names, None)
        raise Bypass(UNCAPTURABLE, f"{path}: {fault}") from None


def names_of(folder: str) -> tuple[str, ...]:
    """By which a rule may name the skill in `folder`; () where there is none. Raises OSError."""
    data = files.read(f"{folder}/{FILE}", _CAP)
    if data is None:
        return ()
    try:
        name = read_frontmatter(data.decode("utf-8")).get("name")
    except (NotUnderstood, UnicodeDecodeError):
        name = None
    try:
        return _names(folder, name, folder.rpartition("/")[2])
    except _Unfit:
        return ()


class _Unfit(Exception):
    """A value that is understood and means nothing."""


def _names(folder: str, name: object, base: str) -> tuple[str, ...]:
    """The skill's own name first, each with the plugin's before it, where it is a plugin's skill. Raises _Unfit."""
    own = [str(each) for each in dict.fromkeys((name, base)) if _is_name(each)]
    if not own:
        raise _Unfit(f"neither its name nor {base} is made of letters, digits, - and _")
    plugin = folder.rpartition("/")[0].rpartition("/")[0]
    data = files.read(f"{plugin}/{PLUGIN}", _CAP)
    try:
        said = json.loads(data) if data is not None else None
    except ValueError:
        said = None
    of = said.get("name") if isinstance(said, dict) else None
    return tuple([f"{of}:{each}" for each in own]) if _is_name(of) else tuple(own)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and _NAME.issuperset(value)


def _declaration(value: object) -> Declaration:
    if not isinstance(value, dict):
        raise _Unfit("metadata.skillcache: is no mapping")
    found = Declaration()
    for name, given in value.items():
        reading = _FIELDS.get(name)
        if reading is None:
            raise _Unfit(f"metadata.skillcache: {name} is not a field of this version")
        setattr(found, name, reading(name, given))
    return found


def _ttl(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LONGEST_TTL:
        raise _Unfit(f"{name}: {value!r} is no whole number of seconds from 1 to {_LONGEST_TTL}")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _Unfit(f"{name}: {value!r} is neither true nor false")
    return value


def _version(name: str, value: object) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or value == "":
        raise _Unfit(f"{name}: {value!r} is neither a text nor a number")
    return str(value)


def _texts(name: str, value: object) -> tuple[str, ...]:
    """A list of texts, or one."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) and item for item in items):
        raise _Unfit(f"{name}: {value!r} is no list of texts")
    return tuple(items)


def _sound(fault_of: "Callable[[str], str]") -> "Callable[[str, object], tuple[str, ...]]":
    """Reads texts of which none has a fault."""

    def read_texts(name: str, value: object) -> tuple[str, ...]:
        found = _texts(name, value)
        for text in found:
            if fault := fault_of(text):
                raise _Unfit(f"{name}: {text!r} {fault}")
        return found

    return read_texts


def _fault_of_name(text: str) -> str:
    return "" if text.isascii() and text.isidentifier() else "is no name of a variable"


def fault_of_output(glob: str) -> str:
    """Why it cannot be an output, or ''."""
    if is_named(glob):
        return fault_of_word(glob)
    if glob.startswith(("/", "~")):
        return "is not below the directory that the script is run in"
    if ".git" in glob.split("/"):
        return "is git's own"
    return fault_of(glob)


_FIELDS = {
    "ttl": _ttl,
    "depends": _sound(fault_of_input),
    "args_are_files": _flag,
    "failures": _flag,
    "version": _version,
    "env": _sound(_fault_of_name),
    "outputs": _sound(fault_of_output),
}
