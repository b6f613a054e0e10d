"""What is made of lines as strace 6.1 was seen to write them, with the options of `traced.command`."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillcache.fingerprint.traced import Trace, read, whole


def trace(base: Path, *lines: str, mark: str = "") -> list[Trace]:
    log = base / "log"
    log.write_bytes(b"".join(line.encode("latin-1") + b"\n" for line in lines))
    return read(str(log), "/w", mark=mark)


@pytest.mark.parametrize(
    ("line", "path", "kinds"),
    [
        ('openat(AT_FDCWD</w>, "a", O_RDONLY|O_CLOEXEC) = 3</w/a>', "/w/a", {"read"}),
        ('open("../a", O_RDONLY) = 3</a>', "/a", {"read"}),
        ('openat(4</w/d>, "a", O_RDONLY) = -1 ENOENT (No such file or directory)', "/w/d/a", {"absent"}),
        ('openat(AT_FDCWD</w>, "l", O_RDONLY) = 3</far/away>', "/far/away", {"read"}),
        ('openat(AT_FDCWD</w>, "d", O_RDONLY|O_NONBLOCK|O_CLOEXEC|O_DIRECTORY) = 3</w/d>', "/w/d", {"looked"}),
        ("getdents64(3</w/d>, 0x55 /* 4 entries */, 32768) = 112", "/w/d", {"listed"}),
        ('openat(AT_FDCWD</w>, "a", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</w/a>', "/w/a", {"written"}),
        ('openat(AT_FDCWD</w>, "a", O_RDWR) = 3</w/a>', "/w/a", {"read", "written"}),
        ('openat(AT_FDCWD</w>, "a", O_RDONLY|O_PATH) = 3</w/a>', "/w/a", {"looked"}),
        ('newfstatat(AT_FDCWD</w>, "a", {st_mode=S_IFREG|0644, st_size=3, ...}, 0) = 0', "/w/a", {"looked"}),
        ('access("/etc/none", R_OK) = -1 ENOENT (No such file or directory)', "/etc/none", {"absent"}),
        ('stat("a/b", 0x7ff) = -1 ENOTDIR (Not a directory)', "/w/a/b", {"absent"}),
        ('statx(AT_FDCWD</w>, "a", AT_STATX_SYNC_AS_STAT, STATX_ALL, 0x7) = -1 ENOENT (No such)', "/w/a", {"absent"}),
        ('readlink("l", "a\\" = 3, (b", 4096) = 9', "/w/l", {"looked"}),
        ('rename("a", "b") = 0', "/w/b", {"written"}),
        ('symlink("/elsewhere/x", "l") = 0', "/w/l", {"written"}),
        ('execve("/w/t", ["t", "-q"], 0x7ffe /* 9 vars */) = 0', "/w/t", {"started"}),
        (
            'execve("/w/t", ["t", "-q"], 0x7ffe /* 9 vars */) = -1 ENOENT (No such file or directory)',
            "/w/t",
            {"absent"},
        ),
        # Signs that are escaped, and signs that end an argument elsewhere.
        (r'openat(AT_FDCWD</w>, "a\74b\76\"c\nd", O_RDONLY) = 3</w/a\74b\76\"c\nd>', '/w/a<b>"c\nd', {"read"}),
        (r'openat(AT_FDCWD</w/\"q\" x>, "a", O_RDONLY) = 3</w/\"q\" x/a>', '/w/"q" x/a', {"read"}),
        (r'access("\303\251, O_WRONLY) = 3", F_OK) = -1 ENOENT (No such file)', "/w/é, O_WRONLY) = 3", {"absent"}),
        (r'access("\377", F_OK) = -1 ENOENT (No such file)', "/w/\udcff", {"absent"}),
    ],
)
def test_a_call_is_understood(tmp_path: Path, line: str, path: str, kinds: set[str]) -> None:
    (found,) = trace(tmp_path, f"7  {line}")
    assert found.seen[path].kinds == kinds


@pytest.mark.parametrize(
    "line",
    [
        'newfstatat(1</w/out>, "", {st_mode=S_IFREG|0644, ...}, AT_EMPTY_PATH) = 0',  # what is open
        'openat(AT_FDCWD</w>, "/proc/self/fd/3", O_RDONLY) = 4<pipe:[123]>',
        "+++ exited with 0 +++",
        "--- SIGCHLD {si_signo=SIGCHLD} ---",
        'openat(AT_FDCWD</w>, "a", O_RDONLY <unfinished ...>',  # it was killed there
    ],
)
def test_what_says_nothing_of_a_path_is_passed_over(tmp_path: Path, line: str) -> None:
    (found,) = trace(tmp_path, f"7  {line}")
    assert found.seen == {}


def test_each_process_has_its_folder(tmp_path: Path) -> None:
    (found,) = trace(
        tmp_path,
        '7  execve("/bin/x", ["x"], 0x7 /* 1 var */) = 0',
        '7  chdir("one") = 0',
        "7  clone(child_stack=NULL, flags=SIGCHLD) = 8",
        "7  vfork( <unfinished ...>",
        '9  access("of-nine", F_OK) = -1 ENOENT (No such file or directory)',  # before its parent is told of it
        "7  <... vfork resumed>)              = 9",
        '8  chdir("../two") = 0',
        '8  access("of-eight", F_OK) = -1 ENOENT (No such file or directory)',
        "7  fchdir(3</w/three>) = 0",
        '7  access("of-seven", F_OK) = -1 ENOENT (No such file or directory)',
    )
    missing = {path for path, _ in found.of("absent")}
    assert missing == {"/w/one/of-nine", "/w/two/of-eight", "/w/three/of-seven"}
    assert found.programs == {"/usr/bin/x" if Path("/bin").is_symlink() else "/bin/x": ("/bin/x",)}


def test_interrupted_calls_are_put_together() -> None:
    lines = [
        b'7  openat(AT_FDCWD</w>, "a", O_RDONLY <unfinished ...>\n',
        b'8  access("b", F_OK <unfinished ...>\n',
        b"7  <... openat resumed>) = 3</w/a>\n",
        b"8  <... access resumed>)              = 0\n",
    ]
    assert list(whole(lines)) == [
        (7, 'openat(AT_FDCWD</w>, "a", O_RDONLY) = 3</w/a>'),
        (8, 'access("b", F_OK)              = 0'),
    ]


def test_what_a_command_made_is_its_own(tmp_path: Path) -> None:
    made = [
        '7  mkdir("d", 0777) = 0',
        '7  openat(AT_FDCWD</w>, "d/a", O_RDONLY) = 3</w/d/a>',
        '7  access("e", F_OK) = -1 ENOENT (No such file or directory)',
        '7  openat(AT_FDCWD</w>, "e", O_RDWR|O_CREAT, 0666) = 3</w/e>',
        '7  openat(AT_FDCWD</w>, "e", O_RDONLY) = 3</w/e>',
        '7  rename("d", "f") = 0',
        '7  openat(AT_FDCWD</w>, "f/a", O_RDONLY) = 3</w/f/a>',
    ]
    found_before = [
        '7  openat(AT_FDCWD</w>, "g", O_RDONLY) = 3</w/g>',
        '7  openat(AT_FDCWD</w>, "g", O_WRONLY) = 3</w/g>',
    ]
    (found,) = trace(tmp_path, *made, *found_before)
    assert {path for path in found.seen if found.is_own(path)} == {"/w/d", "/w/d/a", "/w/e", "/w/f", "/w/f/a"}


@pytest.mark.parametrize(
    ("lines", "others"),
    [
        (['connect(3<TCP:[9]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}, 16) = 0'],
         ["10.0.0.1:80"]),
        ([('connect(3<TCPv6:[9]>, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0),'
          ' inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS (Now in progress)')],
         ["[::1]:80"]),
        (['connect(3<UNIX-STREAM:[9]>, {sa_family=AF_UNIX, sun_path="/run/db.sock"}, 110) = 0'], ["/run/db.sock"]),
        (['connect(3<UNIX-STREAM:[9]>, {sa_family=AF_UNIX, sun_path=@"db"}, 110) = 0'], ["@db"]),
        (['connect(3<UDP:[9]>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.1")}, 16) = 0'], []),
        (['bind(3<TCP:[9]>, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
          ('getsockname(3<TCP:[127.0.0.1:50699]>, {sa_family=AF_INET, sin_port=htons(50699),'
          ' sin_addr=inet_addr("127.0.0.1")}, [16]) = 0'),
          'connect(5<TCP:[8]>, {sa_family=AF_INET, sin_port=htons(50699), sin_addr=inet_addr("127.0.0.1")}, 16) = 0'],
         []),
        ([('accept4(4<TCP:[0.0.0.0:81]>, {sa_family=AF_INET, sin_port=htons(49698), sin_addr=inet_addr("127.0.0.1")},'
          " [16], SOCK_CLOEXEC) = 6<TCP:[127.0.0.1:81->127.0.0.1:49698]>"),
          'connect(5<TCP:[8]>, {sa_family=AF_INET, sin_port=htons(81), sin_addr=inet_addr("127.0.0.1")}, 16) = 0'], []),
    ],
)  # fmt: skip
def test_the_servers_are_those_that_it_has_not_started(tmp_path: Path, lines: list[str], others: list[str]) -> None:
    (found,) = trace(tmp_path, *(f"7  {line}" for line in lines))
    assert found.others() == others


def test_a_mark_parts_two_traces(tmp_path: Path) -> None:
    look = '7  access("{}", F_OK) = -1 ENOENT (No such file or directory)'
    found = trace(tmp_path, *(look.format(name) for name in ("a", "/.mark/1", "b", "/.mark/2")), mark="/.mark")
    assert [list(each.seen) for each in found] == [["/w/a"], ["/w/b"], []]
