"""What a skill is called and what it declares of its scripts: its SKILL.md and, in a plugin, the plugin's own manifest.

metadata:
skillcache:
ttl: 3600                  seconds a result is kept
depends: [data/**]         files it reads besides those it is given: globs from the worktree's root, or as
                           `skillcache.rules.skills.beyond` says
args_are_files: true       every argument that is no option names a file that must be there
version: 2                 whatever a change of which makes all results out of date
env: [REPORT_STYLE]        environment variables it reads
failures: true             a status other than 0 is a report as well, such as 1 for findings
outputs: [report.pdf]      files it writes: globs from the directory it is run in, or where the call names them
"""

from skillcache.core import files, json
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import UNCAPTURABLE
from skillcache.core.record import Record
from skillcache.fingerprint.globs import fault_of
from skillcache.rules.skills import named
from skillcache.rules.skills.beyond import PLUGIN
from skillcache.rules.skills.beyond import fault_of as fault_of_input
from skillcache.rules.skills.frontmatter import read as read_frontmatter
from skillcache.rules.skills.scalars import NotUnderstood

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
    if named.is_named(glob):
        return named.fault_of(glob)
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
