"""The journal in Redis: one round trip for all that a hook has to say and to ask, and the scripts that do it.

Scripts, so that a hook has one round trip, a record counts once and caps hold among writers at the same time. They name
keys that they learn inside the server, so they need one that holds every key: `cluster` sees to that in a cluster.
"""

from skillcache.core.outcomes import STORE_GARBAGE, StoreError
from skillcache.sessions import record
from skillcache.sessions.journal import History, Journal, Past, Question
from skillcache.stores.redis_keys import LUA_NAMES, notes_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from skillcache.stores.connection import Command, Link, Reply, Request


# ARGV: ttl, caps of log, files, tasks, sessions, told; ttl of told; then records. The first write of a record may
# raise (no memory, read-only): nothing of it is there then. The others may not, or one odd key would hold up all.
RECORD = (
    LUA_NAMES
    + """\
local ttl, log_cap, files_cap, tasks_cap, sessions_cap, told_cap, told_ttl = unpack(ARGV, 1, 7)
local call = redis.pcall
local function number(text) return tonumber(text or '0') or 0 end
local function fetch(key, field)
  local found = call('HGET', key, field)
  return type(found) == 'string' and found or nil
end
local written = 0
for i = 8, #ARGV do
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
    if #r.files > 0 then call('ZREMRANGEBYRANK', files_key(id), 0, -1 - files_cap) end
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
    if project ~= '' then
      local index = sessions_key(project)
      local score = call('ZSCORE', index, id)
      -- A record that was told before the project was known counts, too.
      local newest = call('ZREVRANGE', told_key(id), 0, 0, 'WITHSCORES')[2]
      local last = math.max(at, number(fetch(state, 'active')), number(newest))
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
    for _, key in ipairs({state, log_key(id), files_key(id), tasks}) do call('EXPIRE', key, ttl) end
    call('ZREMRANGEBYRANK', told_key(id), 0, -1 - told_cap)
    call('EXPIRE', told_key(id), told_ttl)
  end
end
return written
"""
).encode()

_PAST = """\
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
# Returns the notes, then sessions by last activity, newest first; the own one first of all.
READ = (
    LUA_NAMES
    + _PAST
    + """\
local project, branch, own = ARGV[1], ARGV[2], ARGV[3]
local wanted, near, any = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local entries, files = tonumber(ARGV[7]), tonumber(ARGV[8])
local found = {fetch('HGETALL', notes_key(project))}
if own ~= '' then found[2] = past(own, entries, files) end
for _, id in ipairs(fetch('ZREVRANGE', sessions_key(project), 0, wanted - 1)) do
  if id ~= own then
    local detailed = any > 0
    if near > 0 and redis.pcall('HGET', state_key(id), 'branch') == branch then
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

# ARGV: session, project, score, ttl, then counted runs of words: state, log (oldest first), files, tasks.
RESTORE = (
    LUA_NAMES
    + """\
local id, project, at, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
forget(id)
local place = 5
local function run()
  local words, count = {}, tonumber(ARGV[place])
  for i = 1, count do words[i] = ARGV[place + i] end
  place = place + count + 1
  return words
end
local state, log, files, tasks = run(), run(), run(), run()
for i = 1, #state, 2 do redis.call('HSET', state_key(id), state[i], state[i + 1]) end
for _, entry in ipairs(log) do redis.call('XADD', log_key(id), '*', 'event', entry) end
for i = 1, #files, 2 do redis.call('ZADD', files_key(id), files[i + 1], files[i]) end
for i = 1, #tasks, 2 do redis.call('HSET', tasks_key(id), tasks[i], tasks[i + 1]) end
for _, key in ipairs({state_key(id), log_key(id), files_key(id), tasks_key(id)}) do redis.call('EXPIRE', key, ttl) end
redis.call('ZADD', sessions_key(project), at, id)
redis.call('EXPIRE', sessions_key(project), ttl)
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
        question = Question("", own=session, sessions=0, near=0, any=0, entries=entries, files=record.FILES)
        return next(iter(self._link.ask(_read(question)).sessions), None)

    def restore(self, past: Past, *, project: str, at: int, ttl: int) -> None:
        runs: list[list[str]] = [
            [word for pair in past.state.items() for word in pair],
            past.log[::-1],
            [word for path, count in past.files for word in (path, str(count))],
            [word for pair in past.tasks.items() for word in pair],
        ]
        words = [word for run in runs for word in (str(len(run)), *run)]
        self._ask("EVAL", RESTORE, "0", past.id, project, str(at), str(ttl), *map(_bytes, words))

    def forget(self, session: str, project: str) -> bool:
        return self._ask("EVAL", FORGET, "0", session, project) != 0

    def add_note(self, project: str, id_: str, note: str) -> None:
        self._ask("HSET", notes_key(project), id_, _bytes(note))

    def remove_note(self, project: str, id_: str) -> bool:
        return self._ask("HDEL", notes_key(project), id_) == 1

    def close(self) -> None:
        self._link.close()

    def _ask(self, *command: "str | bytes") -> "Reply":
        return self._link.ask((command, _anything))


def _record(records: "Iterable[bytes]", ttl: int) -> "list[Request[Reply]]":
    lines = tuple(records)
    if not lines:
        return []
    caps = (ttl, record.LOG, record.FILES, record.TASKS, record.SESSIONS, record.TOLD, record.TOLD_TTL)
    return [(("EVAL", RECORD, "0", *map(str, caps), *lines), _anything)]


def _read(question: Question) -> "Request[History]":
    counts = (question.sessions, question.near, question.any, question.entries, question.files)
    command: Command = ("EVAL", READ, "0", question.project, question.branch, question.own, *map(str, counts))
    return command, lambda reply: _history(reply, question)


def _history(reply: "Reply", question: Question) -> History:
    """No more than was asked for, whatever comes."""
    try:
        notes, *pasts = _items(reply)
        return History(_pairs(notes), [_past(item, question) for item in pasts[: question.sessions + 1]])
    except (TypeError, ValueError, OverflowError):
        raise StoreError(STORE_GARBAGE, "a history of another shape") from None


def _past(reply: "Reply", question: Question) -> Past:
    id_, state, log, files, tasks = _items(reply)
    return Past(
        _text(id_),
        _pairs(state),
        [_text(entry) for entry in _items(log)[: question.entries]],
        [(path, int(float(count))) for path, count in _couples(files)[: question.files]],
        _pairs(tasks),
    )


def _pairs(reply: "Reply") -> dict[str, str]:
    return dict(_couples(reply))


def _couples(reply: "Reply") -> list[tuple[str, str]]:
    words = [_text(word) for word in _items(reply)]
    return list(zip(words[::2], words[1::2], strict=True))


def _items(reply: "Reply") -> "list[Reply]":
    if not isinstance(reply, list):
        raise TypeError
    return reply


def _text(reply: "Reply") -> str:
    """What others wrote may be any bytes."""
    if not isinstance(reply, bytes):
        raise TypeError
    return reply.decode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _anything(reply: "Reply") -> "Reply":
    return reply
