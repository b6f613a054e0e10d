"""A result as it is stored, and the key that it is stored under.

The stored form of a result: the same bytes in every store.

    entry  = started SP "skillcache" SP version LF header LF body details attached
    started = 16 digits, milliseconds since the epoch when the run began: a store's script compares it
    header = one line of JSON (ASCII), the fields of `Entry` below, with the byte counts of the parts
    body = the output's UTF-8 bytes, as they are or as a zlib stream, as the header's `coding` says
    details = zlib stream of the JSON that `explain` compares
    attached = zlib stream of the files' contents, one after the other as the header lists them; nothing without files

A reader ignores fields it does not know. Another version, a broken part or a text that does not match its
digest makes the entry unreadable, which is a miss.

Version log
  1  first form; later with `form`, `files`, `place` and `pinned`, which an older reader does not need for what it can
     look up

The key of a call: everything its result depends on, as labelled rows, and the digest of their text.

text = compact JSON of `[VERSION, [label, name, value], ...]`. JSON text is injective, so two calls share a text
only when every part is the same; the text is stored in the entry and compared by the reader. `skillcache
explain` prints these rows.

Version log
  1  first form: tool, command, directory, sandbox, narrowing, then the fingerprint's own rows
"""

from skillcache.core import KW_ONLY, Record, field, json
from skillcache.core.files import sha256
from skillcache.core.outcomes import SkillcacheError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard


VERSION = 1
_MAGIC = b"skillcache"
_DIGITS = 20  # of a number of 64 bits
_PLAIN = 4_096  # bytes up to which packing saves less than the import of zlib costs a hit
_LEVEL = 1  # a hit pays for unpacking only; level 6 saves 10 % more and costs the recorder three times as much
# Bytes that the parts of an entry may have: a broken or hostile one must not fill the memory.
_MOST = 64 << 20  # of an output, where nobody says less
_HEADER = 1 << 20
LONGEST_RUN = 30 * 86_400_000  # milliseconds: what others have written is told as time that was saved
_DETAILS = 1 << 20  # unpacked; what is captured gives less than a tenth of it


TEXT, JSON, STREAMS = FORMS = ("text", "json", "streams")
ERROR = "stderr"  # the path under which an entry of streams keeps standard error


class Unreadable(SkillcacheError):
    """The bytes are not an entry of this version."""


class File(Record):
    """A file that a run left."""

    path: str  # relative to the root
    mode: int  # permission bits
    content: bytes


class Entry(Record):
    """A recorded result and where it comes from."""

    _: KW_ONLY
    key: str  # full key text
    names: dict[str, int]  # rule names with the generation each had when the run began
    status: int  # exit status
    meaning: str  # the client's word for a status that is no failure, or ''
    failed: bool  # whether the run failed, by its status or its text
    output: bytes  # the text's bytes, with the root replaced when `relocated`
    directory: str | None  # where the run left the shell, relative to the root, None for where it began
    relocated: bool
    root: str  # the worktree that recorded it
    project: str  # its identity
    duration: int  # milliseconds
    started: int  # milliseconds since the epoch
    finished: int  # milliseconds since the epoch
    writer: dict[str, str]  # who recorded it (user, host, machine, session, agent)
    details: dict[str, object] = field(default_factory=dict)  # what was captured, for people
    signature: str = ""  # a team's (`stores.signed`), which the store adds; "" for nobody's
    # what the output is: TEXT, JSON (a tool's structured result, or a value of the library) or STREAMS (standard
    # output, with standard error as a file)
    form: str = TEXT
    files: tuple[File, ...] = ()  # what a skill's run left
    # paths of the machine besides the root that the output may name, so that it holds where they are the same, '' for
    # none
    place: str = ""
    pinned: bool = False  # kept whatever its age


def encode(entry: Entry) -> bytes:
    import zlib

    coding = "plain" if len(entry.output) <= _PLAIN else "zlib"
    body = entry.output if coding == "plain" else zlib.compress(entry.output, _LEVEL)
    details = zlib.compress(json.dumps(entry.details).encode("ascii"), _LEVEL)
    attached = zlib.compress(b"".join([file.content for file in entry.files]), _LEVEL) if entry.files else b""
    header = {
        "key": entry.key,
        "names": entry.names,
        "status": entry.status,
        "meaning": entry.meaning,
        "failed": entry.failed,
        "directory": entry.directory,
        "relocated": entry.relocated,
        "root": entry.root,
        "project": entry.project,
        "duration": entry.duration,
        "finished": entry.finished,
        "writer": entry.writer,
        "signature": entry.signature,
        "form": entry.form,
        "files": [[file.path, file.mode, len(file.content), sha256(file.content).hexdigest()] for file in entry.files],
        "place": entry.place,
        "pinned": entry.pinned,
        "size": len(entry.output),
        "sha256": sha256(entry.output).hexdigest(),
        "coding": coding,
        "body": len(body),
        "details": len(details),
        "attached": len(attached),
    }
    head = f"{entry.started:016d} {_MAGIC.decode()} {VERSION}\n{json.dumps(header)}\n"
    return head.encode("ascii") + body + details + attached


def decode(data: bytes, *, details: bool = False, most: int = _MOST) -> Entry:
    """Raises Unreadable. `details` are unpacked only when asked for: a hit does not need them.

    `most`: bytes that the output may have, and the files together. Of what is packed no more is unpacked than the
    header says.
    """
    try:
        started, header, rest = _head(data)
        if header["relocated"] is True:
            most *= 2  # each NUL is two bytes in it
        size, end = _number(header["size"]), _number(header["body"])
        if not 0 <= size <= most or not 0 <= end <= len(rest):
            raise Unreadable("an output that is cut or too large")
        body = bytes(rest[:end])
        output = body if header["coding"] == "plain" else _unpack(body, size)
        if len(output) != size or sha256(output).hexdigest() != header["sha256"]:
            raise Unreadable("the output does not match its digest")
        extra: dict[str, object] = {}
        if details:
            packed = rest[end : end + _number(header["details"])]
            read = json.loads(_unpack(packed, _DETAILS))
            if not isinstance(read, dict):
                raise Unreadable("the details are not an object")
            extra = read
        directory = header["directory"]
        if directory is not None and (_text(directory).startswith("/") or ".." in directory.split("/")):
            raise Unreadable("the directory lies outside the project")
        files: tuple[File, ...] = ()
        if header.get("files"):
            begin = end + _number(header["details"])
            files = _files(header["files"], rest[begin : begin + _number(header["attached"])], most)
        status, meaning = _number(header["status"]), _text(header["meaning"])
        if not 0 <= status <= 255 or (meaning and status != 1):
            raise Unreadable("no run ends with such a status")
        return Entry(
            key=_text(header["key"]),
            names={name: _number(value) for name, value in header["names"].items() if check_name(name)},
            status=status,
            meaning=meaning,
            failed=header["failed"] is not False,
            output=output,
            directory=directory,
            relocated=header["relocated"] is True,
            root=_text(header["root"]),
            project=_text(header["project"]),
            duration=_duration(header["duration"]),
            started=started,
            finished=_number(header["finished"]),
            writer={_text(name): _text(value) for name, value in header["writer"].items()},
            details=extra,
            signature=_text(header["signature"]),
            form=_form(header.get("form", TEXT)),
            files=files,
            place=_text(header.get("place", "")),
            pinned=header.get("pinned") is True,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Unreadable("the entry is damaged") from None


def _head(data: bytes) -> "tuple[int, dict[str, Any], memoryview]":
    """When the run began, the header, and what follows it. Raises Unreadable and ValueError."""
    end = data.find(b"\n", 0, _HEADER)
    started, magic, version = data[: max(end, 0)].split(b" ", 3)
    if magic != _MAGIC or version != b"%d" % VERSION or len(started) > _DIGITS:
        raise Unreadable("not an entry of this version")
    close = data.find(b"\n", end + 1, end + 1 + _HEADER)
    header = json.loads(data[end + 1 : max(close, 0)])
    if not isinstance(header, dict):
        raise Unreadable("the header is not an object")
    return _number(int(started)), header, memoryview(data)[close + 1 :]


def _form(form: object) -> str:
    if form not in FORMS:
        raise Unreadable("an output of an unknown form")
    return _text(form)


def _files(listed: "Any", packed: "memoryview", most: int) -> tuple[File, ...]:
    """Raises Unreadable for a path that leads out of the run's directory, or contents that are not the listed ones."""
    sizes = [_number(size) for _, _, size, _ in listed]
    if min(sizes) < 0 or sum(sizes) > most:
        raise Unreadable("files that are too large")
    contents, found, at = _unpack(packed, sum(sizes)), [], 0
    for path, mode, size, digest in listed:
        content = contents[at : at + size]
        at += len(content)
        parts = _text(path).split("/")
        if ".." in parts or "." in parts or "" in parts or "\0" in path or not 0 <= _number(mode) <= 0o777:
            raise Unreadable("a file lies outside the run's directory")
        if len(content) != size or sha256(content).hexdigest() != digest:
            raise Unreadable("a file does not match its digest")
        found.append(File(path, mode, content))
    if at != len(contents):
        raise Unreadable("more files than the header lists")
    return tuple(found)


def _unpack(packed: "bytes | memoryview", most: int) -> bytes:
    import zlib

    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, most + 1)  # 0 would be without a bound
    except zlib.error as fault:
        raise Unreadable(f"a part is damaged: {fault}") from None
    if len(plain) > most or not unpacker.eof or unpacker.unconsumed_tail or unpacker.unused_data:
        raise Unreadable("a part is cut or too large")
    return plain


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unreadable("a field is not text")
    return value


def check_name(name: str) -> bool:
    """Raises UnicodeEncodeError, a ValueError, for one that no store can be asked for."""
    return name.isascii() or bool(name.encode("utf-8"))


def _number(value: object) -> int:
    if not is_number(value):
        raise Unreadable("a field is not a number")
    return value


def _duration(value: object) -> int:
    if not 0 <= (milliseconds := _number(value)) <= LONGEST_RUN:
        raise Unreadable("no run takes so long")
    return milliseconds


def is_number(value: object) -> "TypeGuard[int]":
    """Of 64 bits: no clock or count is larger, and nobody can reckon with one that has hundreds of digits."""
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63


KEY_VERSION = 1

Row = tuple[str, str, str]


def narrowing_of(depends: tuple[str, ...] | None) -> str:
    return "everything" if depends is None else json.dumps(list(depends))


def text_of(rows: tuple[Row, ...]) -> str:
    return json.dumps([KEY_VERSION, *[list(row) for row in rows]])


def digest_of(text: str) -> str:
    """40 hexadecimal digits: 160 bits of SHA-256. The reader compares the whole text all the same."""
    whole: str = sha256(text.encode("ascii")).hexdigest()
    return whole[:40]


def rows_of(text: str) -> tuple[Row, ...]:
    """The rows of a stored key text; raises ValueError when it is of another version or shape."""
    value = json.loads(text)
    if not isinstance(value, list) or not value or value[0] != KEY_VERSION:
        raise ValueError("a key of another version")
    rows = []
    for row in value[1:]:
        label, name, content = row
        rows.append((str(label), str(name), str(content)))
    return tuple(rows)
