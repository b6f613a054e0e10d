"""The journal in a cluster: what is a session's lies with the session, what is a project's with the project.

So what is one round trip on one server is two here, one after the other: what a session did is told to it, then its
last activity to the index of its project; a project says which sessions it has had, then these are asked. What is told
twice counts once all the same, and what was cut off between the two is made up for when it is told again.
"""

from skillcache.core.outcomes import STORE_GARBAGE, StoreError
from skillcache.sessions import journal
from skillcache.sessions.journal import History, Past, Question, decode
from skillcache.sessions.journal_redis import (
    CALLS,
    CAPS,
    DAYS,
    NOTE,
    PAST,
    RESTORE,
    TELL,
    RedisJournal,
    anything,
    caps,
    history,
    items,
    restoring,
    text,
)
from skillcache.stores.cluster import tag_of
from skillcache.stores.contract import LUA_NAMES, session_key, session_keys, sessions_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillcache.stores.connection import Reply, Request

# KEYS: of the session   ARGV: as of RECORD. Returns project, session, last activity and time of what was told.
_RECORD = (
    LUA_NAMES
    + DAYS
    + CAPS
    + CALLS
    + """\
local noted, repeated = {}
local function note(project, id, last, at)
  for _, word in ipairs({project, id, string.format('%.0f', last), string.format('%.0f', at)}) do
    noted[#noted + 1] = word
  end
end
"""
    + TELL.replace(
        "local written = 0\n",
        """\
repeated = function(id, at)
  local project = fetch(state_key(id), 'project') or ''
  if project ~= '' then note(project, id, last_of(id, at), at) end
end
local written = 0
""",
    )
    + "return noted\n"
).encode()

# KEYS: of the project   ARGV: ttl, cap of sessions, then what _RECORD returns. Returns the sessions that fell out.
_INDEX = (
    LUA_NAMES
    + CALLS
    + """\
local ttl, sessions_cap, gone = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
local function forget(id) gone[#gone + 1] = id end
"""
    + NOTE
    + """\
for i = 3, #ARGV, 4 do note(ARGV[i], ARGV[i + 1], number(ARGV[i + 2]), number(ARGV[i + 3])) end
return gone
"""
).encode()

# KEYS: of the project   ARGV: project, sessions, since when others were at work whose edits are asked for, or ''.
# Returns the notes, the sessions by last activity, newest first, and those others.
_SESSIONS = (
    LUA_NAMES
    + DAYS
    + PAST
    + """\
local index = sessions_key(ARGV[1])
local recent = ARGV[3] ~= '' and fetch('ZREVRANGEBYSCORE', index, '+inf', ARGV[3], 'LIMIT', 0, RECENT) or {}
return {fetch('HGETALL', notes_key(ARGV[1])), fetch('ZREVRANGE', index, 0, tonumber(ARGV[2]) - 1), recent}
"""
).encode()

# KEYS: of one of the sessions, all with one tag   ARGV: branch, entries, files, then of each session its id, what is
# asked of it (nothing, its state, all, or all if it is of the branch), and '1' for the days of its edits.
# Returns the session or '' and the days of each.
_ALL, _STATE, _NEAR, _NOTHING = "all", "state", "near", ""
_READ = (
    LUA_NAMES
    + PAST
    + """\
local branch, entries, files, found = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), {}
for i = 4, #ARGV, 3 do
  local id, what = ARGV[i], ARGV[i + 1]
  local held = what == 'near' and redis.pcall('HGET', state_key(id), 'branch')  -- a signature is a line of its own
  local is_near = type(held) == 'string' and string.match(held, '^[^\\n]*') == branch
  local one = what ~= '' and past(id, (what == 'all' or is_near) and entries or 0, files) or ''
  found[#found + 1] = {one, ARGV[i + 2] == '1' and fetch('HGETALL', days_key(id)) or {}}
end
return found
"""
).encode()


class ClusterJournal(RedisJournal):
    """Holds to the contract, but for the number of round trips."""

    def tell(
        self,
        before: "Iterable[bytes]" = (),
        question: Question | None = None,
        after: "Iterable[bytes]" = (),
        *,
        ttl: int,
    ) -> History | None:
        self._write(before, ttl)
        found = None if question is None else self._answer(question)
        self._write(after, ttl)
        return found

    def past(self, session: str, entries: int) -> Past | None:
        question = Question("", own=session, sessions=0, near=0, any=0, entries=entries, files=journal.FILES)
        found, _ = self._read({session: _ALL}, [], question)[session]
        return None if not found else history([[], [], found], question).sessions[0]

    def restore(self, past: Past, *, project: str, at: int, ttl: int) -> None:
        self._ask("EVAL", RESTORE, "1", session_key(past.id), *restoring(past, "", at, ttl))
        index = sessions_key(project)
        self._link.ask_all([(("ZADD", index, str(at), past.id), anything), (("EXPIRE", index, str(ttl)), anything)])

    def forget(self, session: str, project: str) -> bool:
        own = self._ask("HGET", session_key(session), "project")
        projects = {project, text(own) if isinstance(own, bytes) else ""} - {""}
        requests: list[Request[Reply]] = [(("ZREM", sessions_key(each), session), anything) for each in projects]
        return bool(self._link.ask_all([*requests, (("DEL", *session_keys(session)), anything)])[-1] != 0)

    def _write(self, records: "Iterable[bytes]", ttl: int) -> None:
        of_sessions: dict[str, list[bytes]] = {}
        for line in records:
            session = _session_of(line)
            if session:
                of_sessions.setdefault(session, []).append(line)
        if not of_sessions:
            return
        told = self._link.ask_all(
            [
                (("EVAL", _RECORD, "1", session_key(session), *caps(ttl), *lines), anything)
                for session, lines in of_sessions.items()
            ]
        )
        noted: dict[str, list[bytes]] = {}
        for reply in told:
            words = _words(reply)
            for place in range(0, len(words) - 3, 4):
                noted.setdefault(text(words[place]), []).extend(words[place : place + 4])
        gone = self._link.ask_all(
            [
                (("EVAL", _INDEX, "1", sessions_key(project), str(ttl), str(journal.SESSIONS), *words), anything)
                for project, words in noted.items()
            ]
        )
        olds = [text(word) for reply in gone for word in _words(reply)]
        if olds:
            self._link.ask_all([(("DEL", *session_keys(old)), anything) for old in olds])

    def _answer(self, question: Question) -> History:
        since = str(question.now - journal.WEEK * journal.DAY) if question.edited > 0 else ""
        given = (question.project, str(question.sessions), since)
        reply = self._ask("EVAL", _SESSIONS, "1", sessions_key(question.project), *given)
        try:
            notes, listed, recent = items(reply)
            ids = [id_ for id_ in map(text, items(listed)[: question.sessions]) if id_ != question.own]
            edited = list(map(text, items(recent)))
        except (TypeError, ValueError):
            raise _odd() from None
        wanted = {id_: _ALL if place < question.any else _NEAR for place, id_ in enumerate(ids)}
        if question.own:
            wanted = {question.own: _ALL, **wanted}
        found = self._read(wanted, edited, question)
        own = found[question.own][0] if question.own else []
        pasts = [own, *_detailed([found[id_][0] for id_ in ids], question)]
        weighed = _weigh([found[id_][1] for id_ in edited], question)
        return history([notes, weighed, *[past for past in pasts if past]], question)

    def _read(
        self, wanted: dict[str, str], edited: list[str], question: Question
    ) -> "dict[str, tuple[list[Reply], dict[bytes, int]]]":
        """Of each session what is asked of it, as `history` takes it, and its edits by `day path`."""
        by_tag: dict[str, list[str]] = {}
        for id_ in dict.fromkeys([*wanted, *edited]):
            by_tag.setdefault(tag_of(session_key(id_)), []).append(id_)
        requests: list[Request[Reply]] = []
        for ids in by_tag.values():
            asked = [word for id_ in ids for word in (id_, wanted.get(id_, _NOTHING), "1" if id_ in edited else "")]
            given = (question.branch, str(question.entries), str(question.files), *asked)
            requests.append((("EVAL", _READ, "1", session_key(ids[0]), *given), anything))
        found = {}
        try:
            for ids, reply in zip(by_tag.values(), self._link.ask_all(requests), strict=True):
                for id_, item in zip(ids, items(reply), strict=True):
                    past, days = items(item)
                    words = _words(days)
                    counts = {name: int(float(count)) for name, count in zip(words[::2], words[1::2], strict=True)}
                    found[id_] = (items(past) if isinstance(past, list) else [], counts)
        except (TypeError, ValueError, OverflowError):
            raise _odd() from None
        return found


def _session_of(line: bytes) -> str:
    """Whose record it is, "" of one that is none."""
    session = (decode(line) or {}).get("session")
    try:
        return session if isinstance(session, str) and session.encode() else ""
    except UnicodeError:
        return ""


def _detailed(pasts: "list[list[Reply]]", question: Question) -> "list[list[Reply]]":
    """As READ has it: with details of the first `any`, and of `near` on the branch."""
    found = []
    near = question.near
    for place, past in enumerate(pasts):
        detailed = place < question.any
        if past and near > 0 and _branch_of(past[1]) == question.branch:
            near, detailed = near - 1, True
        found.append(past if detailed or not past else [*past[:2], [], [], []])
    return found


def _branch_of(state: "Reply") -> str | None:
    words = _words(state)
    fields = dict(zip(words[::2], words[1::2], strict=False))
    return text(fields[b"branch"]).partition("\n")[0] if b"branch" in fields else None


def _weigh(days_of_sessions: "list[dict[bytes, int]]", question: Question) -> "list[Reply]":
    """As READ has it: paths and the weights of their edits, heaviest first."""
    today = question.now // journal.DAY
    weights: dict[bytes, int] = {}
    for days in days_of_sessions:
        for name, count in days.items():
            day, _, path = name.partition(b" ")
            age = max(0, today - int(day)) if day.isdigit() and len(day) < 10 else journal.WEEK
            if path and age < journal.WEEK:
                weights[path] = weights.get(path, 0) + (count << journal.WEEK - 1 - age)
    ordered = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[: question.edited]
    return [word for path, weight in ordered for word in (path, b"%d" % weight)]


def _words(reply: "Reply") -> list[bytes]:
    """Raises StoreError."""
    if not isinstance(reply, list):
        raise _odd()
    words = [word for word in reply if isinstance(word, bytes)]
    if len(words) != len(reply):
        raise _odd()
    return words


def _odd() -> StoreError:
    return StoreError(STORE_GARBAGE, "a history of another shape")
