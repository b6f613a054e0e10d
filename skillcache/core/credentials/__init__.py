"""Credentials in text: found, so that a result is not stored, and redacted, so that a log may name a command."""


# ruff: noqa: E501 - a row of the table is read as one line

# For `bytes.translate`: blanks where no word is.
NO_WORD = bytes(byte if byte < 128 and (chr(byte).isalnum() or byte in b"_-") else 32 for byte in range(256))
_ours: list[tuple[str, ...]] = [()]  # of this process: one person has one team


def keep_in_mind(secrets: "tuple[str, ...]") -> None:
    """From now on these are credentials wherever they stand, as nothing in their looks may say so."""
    _ours[0] = secrets


def in_mind() -> "tuple[str, ...]":
    return _ours[0]


_VALUE = r"(?P<secret>(?<=[\"'])[^\"'\n]{1,256}|[^\s\"']{1,256})"
_USER = r"[^\s:\"'/]{1,128}:"
_PAIR = rf"(?:{_USER}(?P<secret>[^\s\"']{{1,256}})|[\"']{_USER}(?P<quoted>[^\"'\n]{{1,256}}))"
# Programs, and the option that a password stands behind.
PROGRAMS = (
    ("curl http https xh", rf"(?:-[a-zA-Z]{{0,4}}u|--user|--proxy-user|-U|-a|--auth)[ =]{{0,2}}{_PAIR}"),
    ("docker podman nerdctl buildah skopeo helm oc az cf crane oras regctl", rf"login\b[^\n;|]{{0,100}}?\s-p[ =]?[\"']?{_VALUE}"),
    ("mysql mysqldump mysqladmin mysqlimport mysqlsh mariadb mariadb-dump mycli", rf"-p(?=[^\s-])[\"']?{_VALUE}"),
    ("sshpass", rf"-p ?[\"']?{_VALUE}"),
    ("mongo mongosh mongodump mongorestore mongoexport xfreerdp rdesktop", rf"(?:-p |/p:)[\"']?{_VALUE}"),
    ("redis-cli valkey-cli", rf"(?:-a|--pass)[ =][\"']?{_VALUE}"),
    ("sqlcmd bcp unzip zip ipmitool", rf"-P ?[\"']?{_VALUE}"),
    ("7z 7za 7zz rar unrar", rf"-p(?=[^\s-])[\"']?{_VALUE}"),
    ("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami", rf"-w ?[\"']?{_VALUE}"),
    ("smbclient rpcclient lftp", rf"(?:-U|-u) ?[\"']?[^\s%,\"']{{1,64}}[%,]{_VALUE}"),
    ("openssl", rf"-pass(?:in|out)? pass:{_VALUE}"),
    ("keytool jarsigner apksigner", rf"--?(?:storepass|keypass|ks-pass|key-pass) (?:pass:)?[\"']?{_VALUE}"),
    ("rabbitmqctl", rf"(?:add_user|change_password) \S{{1,64}} [\"']?{_VALUE}"),
    ("htpasswd", rf"-[a-zA-Z]{{0,5}}b[a-zA-Z]{{0,5}} \S{{1,128}} \S{{1,64}} [\"']?{_VALUE}"),
    ("sqlplus", rf"[\w.]{{1,64}}/{_VALUE}(?=@)"),
)  # fmt: skip
