"""Passwords among the words of a program, as a trace, a log or a message shows them."""

import re

from skillcache.secrets.judgement import is_dull, is_word
from skillcache.secrets.legible import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_KIND = "command-password"
_SECRET = r"(?P<secret>(?<=[\"'])[^\"'\n]{1,256}|[^\s\"']{1,256})"  # noqa: S105 - a pattern
_USER = r"[\"']?[^\s:\"'/]{1,128}:"
# Programs, and the option that a password stands behind.
_TABLE = (
    ("curl http https xh", rf"(?:-[a-zA-Z]{{0,4}}u|--user|--proxy-user|-U|-a|--auth)[ =]{{0,2}}{_USER}{_SECRET}"),
    ("docker podman nerdctl buildah skopeo helm oc az cf crane oras regctl", rf"login\b[^\n;|]{{0,100}}?\s-p[ =]?[\"']?{_SECRET}"),
    ("mysql mysqldump mysqladmin mysqlimport mysqlsh mariadb mariadb-dump mycli", rf"-p(?=[^\s-])[\"']?{_SECRET}"),
    ("sshpass", rf"-p ?[\"']?{_SECRET}"),
    ("mongo mongosh mongodump mongorestore mongoexport xfreerdp rdesktop", rf"(?:-p |/p:)[\"']?{_SECRET}"),
    ("redis-cli valkey-cli", rf"(?:-a|--pass)[ =][\"']?{_SECRET}"),
    ("sqlcmd bcp unzip zip ipmitool", rf"-P ?[\"']?{_SECRET}"),
    ("7z 7za 7zz rar unrar", rf"-p(?=[^\s-])[\"']?{_SECRET}"),
    ("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami", rf"-w ?[\"']?{_SECRET}"),
    ("smbclient rpcclient lftp", rf"(?:-U|-u) ?[\"']?[^\s%,\"']{{1,64}}[%,]{_SECRET}"),
    ("openssl", rf"-pass(?:in|out)? pass:{_SECRET}"),
    ("keytool jarsigner apksigner", rf"--?(?:storepass|keypass|ks-pass|key-pass) (?:pass:)?[\"']?{_SECRET}"),
    ("rabbitmqctl", rf"(?:add_user|change_password) \S{{1,64}} [\"']?{_SECRET}"),
    ("htpasswd", rf"-[a-zA-Z]{{0,5}}b[a-zA-Z]{{0,5}} \S{{1,128}} \S{{1,64}} [\"']?{_SECRET}"),
    ("sqlplus", rf"[\w.]{{1,64}}/{_SECRET}(?=@)"),
)  # fmt: skip


def spans(text: Text) -> "Iterator[tuple[int, int, str]]":
    """Start, end and kind of every password in the text."""
    for programs, options in _TABLE:
        for program in programs.split():
            if program.encode() in text.words:
                yield from _found(_search(program, options), text.seen)


def patterns() -> "list[re.Pattern[bytes]]":
    return [_search(program, options) for programs, options in _TABLE for program in programs.split()]


def _search(program: str, options: str) -> "re.Pattern[bytes]":
    reach = 60 if options.startswith("login") else 200
    return re.compile(rf"{program}(?<![\w-]{program})\s[^\n;|]{{0,{reach}}}?(?<=\s){options}".encode())


def _found(pattern: "re.Pattern[bytes]", seen: bytes) -> "Iterator[tuple[int, int, str]]":
    for match in pattern.finditer(seen):
        value = match["secret"]
        if len(value) > 1 and not is_dull(value) and not (is_word(value) and value.isupper()):
            yield *match.span("secret"), _KIND
