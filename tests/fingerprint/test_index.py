"""The listing: decoded as git prints it, searched and edited without a loop over it."""

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from skillcache.core.files import blake2b
from skillcache.fingerprint import index

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project

paths = st.lists(st.binary(min_size=1, max_size=6).filter(lambda path: b"\0" not in path), unique=True, max_size=12)


def listing(names: list[bytes]) -> bytes:
    return b"".join(b"H 100644 %040d 0\t%s\0" % (len(name), name) for name in sorted(names))


@given(paths, paths)
def test_an_edited_listing_is_the_listing_of_what_is_there(names: list[bytes], changed: list[bytes]) -> None:
    gone, come = changed[::2], changed[1::2]
    edits: dict[bytes, index.Blob | None] = dict.fromkeys(gone)
    edits |= {name: (b"100644", b"%040d" % len(name)) for name in come}
    expected = listing(sorted(({*names} - {*gone}) | {*come}))
    assert index.digest_edited(listing(names), edits) == blake2b(expected, digest_size=32).hexdigest()


@given(paths)
def test_a_path_is_found_where_it_is_and_where_it_would_be(names: list[bytes]) -> None:
    whole = listing(names[1:])
    for name in names:
        start, end = index.locate(whole, name)
        assert (end > start) is (name in names[1:])
        assert whole[start:end] in (b"", listing([name]))
        assert listing(list({*names[1:], name})) == (
            whole if end > start else whole[:start] + listing([name]) + whole[end:]
        )


def test_the_index_is_decoded_as_git_prints_it(repo: "Project") -> None:
    repo.write("run.sh", "1", mode=0o755)
    repo.write("name with\nline end", "1")
    repo.write("empty")
    (repo.top / "link").symlink_to("src")
    repo.git("init", "-q", "inner")
    repo.write("inner/a")
    repo.git("add", "-A", cwd=repo.top / "inner")
    repo.git("commit", "-qm", "inner", cwd=repo.top / "inner")
    repo.git("add", "-A")
    repo.write("intended")
    repo.git("add", "-N", "intended")
    repo.git("update-index", "--assume-unchanged", "README.md")
    repo.git("update-index", "--skip-worktree", "src/main.py")
    data = (repo.top / ".git/index").read_bytes()
    assert index.decode(data, sizes=False) == repo.git("ls-files", "-s", "-v", "-z").encode()
    printed = repo.git("ls-files", "-s", "-v", "-z", "--debug").encode()
    assert index.decode(data, sizes=True) == index.add_sizes(printed)


def test_an_index_of_another_kind_is_left_to_git(repo: "Project") -> None:
    file = repo.top / ".git/index"
    assert index.decode(file.read_bytes(), sizes=False)
    repo.git("update-index", "--index-version", "4")
    assert index.decode(file.read_bytes(), sizes=False) is None
    repo.git("update-index", "--index-version", "2")
    repo.git("update-index", "--split-index")
    assert index.decode(file.read_bytes(), sizes=False) is None
    assert index.decode(b"DIRC\0\0\0\2\0\0\0\1", sizes=False) is None


def test_a_large_and_a_small_index_agree(repo: "Project") -> None:
    long = "n" * 100
    for number in range(500):
        repo.write(f"{long}/{number:03}{long}", str(number))
    repo.commit()
    whole = repo.rows()
    assert (repo.top / ".git/index").stat().st_size > 64 << 10
    other = repo.beside("untracked")
    repo.git("clone", "-q", str(repo.top), str(other.top))
    other.git("rm", "-rq", "--cached", long)
    assert (other.top / ".git/index").stat().st_size < 64 << 10
    assert other.rows() == whole
