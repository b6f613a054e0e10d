"""The journal in Redis: one round trip for all that a hook has to say and to ask, and the scripts that do it.

Scripts, so that a hook has one round trip, a record counts once and caps hold among writers at the same time. They name
keys that they learn inside the server, so they need one that holds every key. In a cluster `journal_cluster` takes them
apart: into what is a session's, and what is its project's.
"""

from skillcache.core.outcomes import STORE_GARBAGE, StoreError
from skillcache.sessions import journal
from skillcache.sessions.journal import History, Journal, Past, Question
from skillcache.stores.contract import LUA_NAMES, notes_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from skillcache.stores.connection import Command, Link, Reply, Request


# ARGV: ttl, caps of log, files, days, tasks, sessions, told; ttl of told; then records. The first write of a record may
# raise (no memory, read-only): nothing of it is there then. The others may not, or one odd key would hold up all.
DAYS = f"local DAY, WEEK, RECENT = {journal.DAY}, {journal.WEEK}, {journal.RECENT}\n"
CALLS = """\
local call = redis.pcall
local function number(text) return tonumber(text or '0') or 0 end
"""
# The last activity of a session, in the index of its project. `forget` is told of who falls out of it.
NOTE = """\
local function note(project, id, last, at)
  local index = sessions_key(project)
  local score = call('ZSCORE', index, id)
  if type(score) ~= 'string' or number(score) < last then
    call('ZADD', index, string.format('%.0f', last), id)
  end
  for _, old in ipairs(call('ZRANGE', index, 0, -1 - sessions_cap)) do
    call('ZREM', index, old)
    if old ~= id then forget(old) end
  end
  call('ZREMRANGEBYSCORE', index, '-inf', string.format('%.0f', at - ttl * 1000))
  call('EXPIRE', index, ttl)
end
local function repeated() end
"""
CAPS = """\
local ttl, log_cap, files_cap, days_cap, tasks_cap, sessions_cap, told_cap, told_ttl = unpack(ARGV, 1, 8)
"""
TELL = """\
local function fetch(key, field)
  local found = call('HGET', key, field)
  return type(found) == 'string' and found or nil
end
-- The counts of days that nobody asks about any more go first; then no further file is counted.
local function count_days(id, day, paths, cap)
  local days = days_key(id)
  if number(call('HLEN', days)) >= cap then
    for _, name in ipairs(call('HKEYS', days)) do
      if number(string.match(name, '^%d+')) <= day - WEEK then call('HDEL', days, name) end
    end
  end
  for _, path in ipairs(paths) do
    local name = string.format('%d ', day) .. path
    if fetch(days, name) or number(call('HLEN', days)) < cap then call('HINCRBY', days, name, 1) end
  end
end
-- A record that was told before the project was known counts, too.
local function last_of(id, at)
  local newest = call('ZREVRANGE', told_key(id), 0, 0, 'WITHSCORES')[2]
  return math.max(at, number(fetch(state_key(id), 'active')), number(newest))
end
local written = 0
for i = 9, #ARGV do
  local understood, r = pcall(cjson.decode, ARGV[i])
  understood = understood and type(r) == 'table' and r.state
  local id, at = understood and r.session, understood and number(r.at)
  if id and redis.call('ZADD', told_key(id), 'NX', r.at, r.id) == 1 then
    written = written + 1
    local state = state_key(id)
    local begun = number(fetch(state, 'started'))
    if begun == 0 or at < begun then call('HSET', state, 'started', r.at) end
    if r.active and number(fetch(state, 'active')) < at then call('HSET', state, 'active', r.at) end
    for stamp, fields in pairs(r.state) do
      if number(fetch(state, stamp)) <= at then
        call('HSET', state, stamp, r.at)
        for field, text in pairs(fields) do
          if text == '' then call('HDEL', state, field) else call('HSET', state, field, text) end
        end
      end
    end
    for _, field in ipairs(r.count) do call('HINCRBY', state, field, 1) end
    if r.log ~= '' then call('XADD', log_key(id), 'MAXLEN', '~', log_cap, '*', 'event', r.log) end
    for _, path in ipairs(r.files) do call('ZINCRBY', files_key(id), 1, path) end
    if #r.files > 0 then
      call('ZREMRANGEBYRANK', files_key(id), 0, -1 - files_cap)
      count_days(id, math.floor(at / DAY), r.files, tonumber(days_cap))
    end
    local tasks, current = tasks_key(id), true
    if r.replace then
      current = number(fetch(state, 'listed')) <= at
      if current then
        call('HSET', state, 'listed', r.at)
        call('DEL', tasks)
      end
    end
    if current then
      for _, task in ipairs(r.tasks) do
        if fetch(tasks, task[1] .. ':status') or number(call('HLEN', tasks)) < 2 * tasks_cap then
          if task[2] ~= '' then call('HSET', tasks, task[1], task[2]) end
          if task[3] ~= '' then call('HSET', tasks, task[1] .. ':status', task[3]) end
        end
      end
    end
    local project = r.project
    if project ~= '' then call('HSET', state, 'project', project) else project = fetch(state, 'project') or '' end
    if project ~= '' then note(project, id, last_of(id, at), at) end
    for _, key in ipairs({state, log_key(id), files_key(id), days_key(id), tasks}) do call('EXPIRE', key, ttl) end
    call('ZREMRANGEBYRANK', told_key(id), 0, -1 - told_cap)
    call('EXPIRE', told_key(id), told_ttl)
  elseif id then
    repeated(id, at)
  end
end
"""
RECORD = (LUA_NAMES + DAYS + CAPS + CALLS + NOTE + TELL + "return written\n").encode()

PAST = """\
local function fetch(...)
  local found = redis.pcall(...)
  return found.err and {} or found
end
local function past(id, entries, files)
  local state = fetch('HGETALL', state_key(id))
  if #state == 0 then return nil end
  local log, paths, tasks = {}, {}, {}
  if entries > 0 then
    for _, entry in ipairs(fetch('XREVRANGE', log_key(id), '+', '-', 'COUNT', entries)) do
      log[#log + 1] = entry[2][2]
    end
    paths = fetch('ZREVRANGE', files_key(id), 0, files - 1, 'WITHSCORES')
    tasks = fetch('HGETALL', tasks_key(id))
  end
  return {id, state, log, paths, tasks}
end
"""

# ARGV: project, branch, own session or '', sessions, how many of the branch and of all with details, entries, files.
# how many files edited in the last days, until when (ms). Returns the notes, those files and their weights, then
# sessions by last activity, newest first; the own one first of all.
READ = (
    LUA_NAMES
    + DAYS
    + PAST
    + """\
local function edited(project, most, now)
  local today, weights, paths, found = math.floor(now / DAY), {}, {}, {}
  local since = string.format('%.0f', now - WEEK * DAY)
  local ids = fetch('ZREVRANGEBYSCORE', sessions_key(project), '+inf', since, 'LIMIT', 0, RECENT)
  for _, id in ipairs(most > 0 and ids or {}) do
    local counts = fetch('HGETALL', days_key(id))
    for i = 1, #counts, 2 do
      local day, path = string.match(counts[i], '^(%d+) (.+)$')
      local age = day and math.max(0, today - tonumber(day)) or WEEK
      if age < WEEK then
        if not weights[path] then paths[#paths + 1] = path end
        weights[path] = (weights[path] or 0) + (tonumber(counts[i + 1]) or 0) * 2 ^ (WEEK - 1 - age)
      end
    end
  end
  table.sort(paths, function(a, b) return weights[a] > weights[b] or (weights[a] == weights[b] and a < b) end)
  for i = 1, math.min(most, #paths) do
    found[2 * i - 1], found[2 * i] = paths[i], string.format('%.0f', weights[paths[i]])
  end
  return found
end
local project, branch, own = ARGV[1], ARGV[2], ARGV[3]
local wanted, near, any = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local entries, files = tonumber(ARGV[7]), tonumber(ARGV[8])
local found = {fetch('HGETALL', notes_key(project)), edited(project, tonumber(ARGV[9]), tonumber(ARGV[10]))}
if own ~= '' then found[3] = past(own, entries, files) end
for _, id in ipairs(fetch('ZREVRANGE', sessions_key(project), 0, wanted - 1)) do
  if id ~= own then
    local detailed = any > 0
    local held = redis.pcall('HGET', state_key(id), 'branch')  -- where it is signed, its signature is a line of its own
    if near > 0 and type(held) == 'string' and string.match(held, '^[^\\n]*') == branch then
      near, detailed = near - 1, true
    end
    any = any - 1
    found[#found + 1] = past(id, detailed and entries or 0, files)
  end
end
return found
"""
).encode()

# ARGV: session, project or ''.
FORGET = (
    LUA_NAMES
    + """\
local project = redis.call('HGET', state_key(ARGV[1]), 'project')
for _, name in ipairs({ARGV[2], project or ''}) do
  if name ~= '' then redis.call('ZREM', sessions_key(name), ARGV[1]) end
end
return forget(ARGV[1])
"""
).encode()

# ARGV: session, project or '', score, ttl, day of its last edit, then counted runs of words: state, log (oldest first),
# files, tasks.
RESTORE = (
    LUA_NAMES
    + """\
local id, project, at, ttl, day = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
forget(id)
local place = 6
local function run()
  local words, count = {}, tonumber(ARGV[place])
  for i = 1, count do words[i] = ARGV[place + i] end
  place = place + count + 1
  return words
end
local state, log, files, tasks = run(), run(), run(), run()
for i = 1, #state, 2 do redis.call('HSET', state_key(id), state[i], state[i + 1]) end
for _, entry in ipairs(log) do redis.call('XADD', log_key(id), '*', 'event', entry) end
for i = 1, #files, 2 do
  redis.call('ZADD', files_key(id), files[i + 1], files[i])
  redis.call('HSET', days_key(id), day .. ' ' .. files[i], files[i + 1])
end
for i = 1, #tasks, 2 do redis.call('HSET', tasks_key(id), tasks[i], tasks[i + 1]) end
for _, key in ipairs({state_key(id), log_key(id), files_key(id), days_key(id), tasks_key(id)}) do
  redis.call('EXPIRE', key, ttl)
end
if project ~= '' then
  redis.call('ZADD', sessions_key(project), at, id)
  redis.call('EXPIRE', sessions_key(project), ttl)
end
return 1
"""
).encode()


class RedisJournal(Journal):
    def __init__(self, link: "Link") -> None:
        self._link = link

    def tell(
        self,
        before: "Iterable[bytes]" = (),
        question: Question | None = None,
        after: "Iterable[bytes]" = (),
        *,
        ttl: int,
    ) -> History | None:
        requests: list[Request[Any]] = [*_record(before, ttl)]
        place = len(requests)
        if question is not None:
            requests.append(_read(question))
        requests += _record(after, ttl)
        if not requests:
            return None
        found = self._link.ask_all(requests)
        return None if question is None else found[place]

    def past(self, session: str, entries: int) -> Past | None:
        question = Question("", own=session, sessions=0, near=0, any=0, entries=entries, files=journal.FILES)
        return next(iter(self._link.ask(_read(question)).sessions), None)

    def restore(self, past: Past, *, project: str, at: int, ttl: int) -> None:
        self._ask("EVAL", RESTORE, "0", *restoring(past, project, at, ttl))

    def forget(self, session: str, project: str) -> bool:
        return self._ask("EVAL", FORGET, "0", session, project) != 0

    def add_note(self, project: str, id_: str, note: str) -> None:
        self._ask("HSET", notes_key(project), id_, _bytes(note))

    def remove_note(self, project: str, id_: str) -> bool:
        return self._ask("HDEL", notes_key(project), id_) == 1

    def close(self) -> None:
        self._link.close()

    def _ask(self, *command: "str | bytes") -> "Reply":
        return self._link.ask((command, anything))


def restoring(past: Past, project: str, at: int, ttl: int) -> "tuple[str | bytes, ...]":
    runs: list[list[str]] = [
        [word for pair in past.state.items() for word in pair],
        past.log[::-1],
        [word for path, count in past.files for word in (path, str(count))],
        [word for pair in past.tasks.items() for word in pair],
    ]
    words = [word for run in runs for word in (str(len(run)), *run)]
    return (past.id, project, str(at), str(ttl), str(journal.last_day(past.state, at)), *map(_bytes, words))


def caps(ttl: int) -> tuple[str, ...]:
    """What records are told with."""
    held = (journal.LOG, journal.FILES, journal.DAYS, journal.TASKS, journal.SESSIONS)
    return tuple(map(str, (ttl, *held, journal.TOLD, journal.TOLD_TTL)))


def _record(records: "Iterable[bytes]", ttl: int) -> "list[Request[Reply]]":
    lines = tuple(records)
    return [(("EVAL", RECORD, "0", *caps(ttl), *lines), anything)] if lines else []


def _read(question: Question) -> "Request[History]":
    details = (question.sessions, question.near, question.any, question.entries, question.files)
    counts = (*details, question.edited, question.now)
    command: Command = ("EVAL", READ, "0", question.project, question.branch, question.own, *map(str, counts))
    return command, lambda reply: history(reply, question)


def history(reply: "Reply", question: Question) -> History:
    """No more than was asked for, whatever comes."""
    try:
        notes, edited, *pasts = items(reply)
        found = [_past(item, question) for item in pasts[: question.sessions + 1]]
        return History(_pairs(notes), found, _counted(edited, question.edited))
    except (TypeError, ValueError, OverflowError):
        raise StoreError(STORE_GARBAGE, "a history of another shape") from None


def _past(reply: "Reply", question: Question) -> Past:
    id_, state, log, files, tasks = items(reply)
    return Past(
        text(id_),
        _pairs(state),
        [text(entry) for entry in items(log)[: question.entries]],
        _counted(files, question.files),
        _pairs(tasks),
    )


def _counted(reply: "Reply", most: int) -> list[tuple[str, int]]:
    return [(name, int(float(count))) for name, count in _couples(reply)[:most]]


def _pairs(reply: "Reply") -> dict[str, str]:
    return dict(_couples(reply))


def _couples(reply: "Reply") -> list[tuple[str, str]]:
    words = [text(word) for word in items(reply)]
    return list(zip(words[::2], words[1::2], strict=True))


def items(reply: "Reply") -> "list[Reply]":
    if not isinstance(reply, list):
        raise TypeError
    return reply


def text(reply: "Reply") -> str:
    """What others wrote may be any bytes."""
    if not isinstance(reply, bytes):
        raise TypeError
    return reply.decode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def anything(reply: "Reply") -> "Reply":
    return reply
