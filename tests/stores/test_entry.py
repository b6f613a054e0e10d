"""Entries come back as they were, and nothing else is taken for one."""

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.stores.entry import JSON, STREAMS, TEXT, Entry, File, Unreadable, decode, encode

GOLDEN = Path(__file__).parents[1] / "data" / "entries"


def make(**changes: object) -> Entry:
    fields: dict[str, object] = {
        "key": '[1,["tool","","Bash"]]',
        "names": {"pytest": 3},
        "status": 0,
        "meaning": "",
        "failed": False,
        "output": "1 passed ✓\n".encode(),
        "directory": None,
        "relocated": False,
        "root": "/w",
        "project": "github.com/someone/something",
        "duration": 2300,
        "started": 1_790_000_000_000,
        "finished": 1_790_000_002_300,
        "writer": {"user": "u", "host": "h"},
        "details": {"head": None, "overlay": [["a.py", "100644", "0f"]]},
    }
    return Entry(**{**fields, **changes})  # type: ignore[arg-type]


def fields_of(entry: Entry) -> dict[str, object]:
    fields = {name: getattr(entry, name) for name in Entry.__slots__}
    return {**fields, "files": [(file.path, file.mode, file.content) for file in entry.files]}


FILES = st.builds(
    File, st.sampled_from(["out.txt", "a b/é.bin", "x/y/z"]), st.sampled_from([0o600, 0o644, 0o755]), st.binary()
)


@given(
    output=st.binary() | st.binary(min_size=5_000, max_size=6_000),
    status=st.integers(0, 255),
    directory=st.none()
    | st.text("ab ./é").filter(lambda text: not text.startswith("/") and ".." not in text.split("/")),
    root=st.text(),
    names=st.dictionaries(st.text(), st.integers(0, 2**63 - 1)),
    started=st.integers(0, 10**15),
    form=st.sampled_from([TEXT, JSON, STREAMS]),
    files=st.lists(FILES, max_size=3).map(tuple),
    pinned=st.booleans(),
)
def test_comes_back_as_it_was(**parts: object) -> None:
    entry = make(**parts)
    assert fields_of(decode(encode(entry), details=True)) == fields_of(entry)


def test_details_are_left_packed_unless_asked_for() -> None:
    assert decode(encode(make())).details == {}


def test_begins_with_its_start_so_that_a_script_can_compare() -> None:
    assert encode(make())[:16] == b"0001790000000000"


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_damaged_byte_is_noticed_or_changes_nothing_served(at: int, byte: int) -> None:
    data = bytearray(encode(make()))
    data[at % len(data)] = byte
    try:
        entry = decode(bytes(data))
    except Unreadable:
        return
    # What is served is guarded by its digest; the rest of the header by the comparison of the key text.
    assert entry.output == make().output


@given(st.integers(0, 1000))
def test_a_cut_entry_is_unreadable(length: int) -> None:
    data = encode(make())
    with pytest.raises(Unreadable):
        decode(data[: min(length, len(data) - 1)], details=True)


@given(st.binary())
def test_other_bytes_are_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(data)


def test_another_version_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="version"):
        decode(encode(make()).replace(b" skillcache 1\n", b" skillcache 2\n", 1))


@pytest.mark.parametrize("directory", ["/etc", "..", "sub/../../x", "../x"])
def test_a_directory_outside_the_project_is_unreadable(directory: str) -> None:
    with pytest.raises(Unreadable, match="outside"):
        decode(encode(make(directory=directory)))


@pytest.mark.parametrize("fields", [{"finished": 10**400}, {"duration": -(1 << 64)}, {"names": {"pytest": 10**30}}])
def test_a_number_that_nobody_can_reckon_with_is_unreadable(fields: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        decode(encode(make(**fields)))


def test_a_field_of_a_later_version_is_ignored() -> None:
    assert decode(encode(make()).replace(b'{"key"', b'{"later":[1],"key"', 1)).output == make().output


def test_a_bomb_is_not_unpacked() -> None:
    packed = encode(make(output=b""))
    bomb = zlib.compress(bytes(300 << 20), 9)
    head = packed.split(b"\n", 2)[1].replace(b'"body":0', f'"body":{len(bomb)}'.encode()).replace(b"plain", b"zlib")
    with pytest.raises(Unreadable, match="too large"):
        decode(packed.split(b"\n", 1)[0] + b"\n" + head + b"\n" + bomb)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.entry")), ids=lambda path: path.stem)
def test_every_version_that_ever_shipped_is_read_or_refused(path: Path) -> None:
    entry = decode(path.read_bytes(), details=True)
    expected = make(output=b"line\n" * 2_000) if "long" in path.stem else make()
    assert fields_of(entry) == fields_of(expected)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", "", "a\0b"])
def test_a_file_that_lies_elsewhere_makes_the_entry_unreadable(path: str) -> None:
    with pytest.raises(Unreadable, match="outside"):
        decode(encode(make(files=(File(path, 0o644, b"x"),))))


def test_a_file_of_another_content_makes_the_entry_unreadable() -> None:
    kept = encode(make(files=(File("a", 0o644, b"one"),)))
    packed, other = zlib.compress(b"one", 1), zlib.compress(b"two", 1)
    with pytest.raises(Unreadable, match="digest"):
        decode(kept.replace(packed, other))


def test_an_unknown_form_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="form"):
        decode(encode(make(form="picture")))
