"""What the nodes of a cluster run for the post: scripts for what lies with an agent, with a project, or with a file.

With an agent lie its fields, its inbox and what it was shown; with a project the list of its agents, their names, the
talk, and by when somebody is to look after whose inbox (`due`). What a step leaves for another slot lies where it is
written, until that has it: a message that goes back waits in `returning`, out of everybody's hands, and the agent that
it was sent to stays in the `due` of the project until nothing waits with it.

A first argument that is not empty is the time in ms, instead of the node's own. Between two nodes only spans of time
are told. A script of an agent returns its answer, the agent's project, what is to be returned (for each its mark, the
sender, the project, the envelope and the value), and 1 where the agent was not active of late.
"""

from skillcache.messages import message
from skillcache.messages.scripts import (
    AGENT,
    HEAD,
    LOOK_BODY,
    NAMING,
    NOTE_BODY,
    RETURNING,
    SETTLE_BODY,
    TAKE_BODY,
    TELL,
)
from skillcache.stores.contract import LUA_LASTS, LUA_SPREAD_NAMES

_HEAD = f"{HEAD}{LUA_SPREAD_NAMES}local HANDOVER = {message.HANDOVER}\n"
_AGENT = (
    _HEAD
    + AGENT
    + """\
local LATELY = 10000  -- ms
local is_late = 0
local function be_active(id)
  local before = tonumber(redis.call('HGET', agent_key(id), 'active')) or 0
  if now - before > LATELY then is_late = 1 end
  redis.call('HSET', agent_key(id), 'active', whole(now))
  redis.call('EXPIRE', agent_key(id), AGENT_TTL)
end
local function forget(recipient, entry) redis.call('ZREM', unread_key(recipient), entry) end
local function hand_back(recipient, sender, project, back, value)
  local key = returning_key(recipient)
  redis.call('XADD', key, '*', 'to', sender, 'project', project, 'envelope', back, 'message', value)
  last(key, MOST_TTL)
end
"""
    + RETURNING
    + """\
local function sweep() end  -- which is the project's
local function returning(id)
  local found, size = {}, 0
  local held = redis.pcall('XRANGE', returning_key(id), '-', '+', 'COUNT', 32)
  for _, item in ipairs(held.err and {} or held) do
    if size >= TAKE then break end
    local fields = item[2]
    local envelope, value = field(fields, 'envelope') or '', field(fields, 'message') or ''
    if #envelope + #value > 2 * ENVELOPE then  -- which anybody may have put there
      redis.call('XDEL', returning_key(id), item[1])
    else
      found[#found + 1] = {item[1], field(fields, 'to') or '', field(fields, 'project') or '', envelope, value}
      size = size + #envelope + #value
    end
  end
  return found
end
local function act()
"""
)
_END = """\
end
local answer = act()
if answer == nil then answer = false end
return {answer, text_of(redis.pcall('HGET', agent_key(ARGV[2]), 'project')), returning(ARGV[2]), is_late}
"""


def _of_agent(body: str) -> bytes:
    return (_AGENT + body + _END).encode()


def _of_project(body: str) -> bytes:
    return (_HEAD + TELL + body).encode()


# ARGV as of the scripts of the same name for one server.
LOOK, NOTE, TAKE, SETTLE = _of_agent(LOOK_BODY), _of_agent(NOTE_BODY), _of_agent(TAKE_BODY), _of_agent(SETTLE_BODY)

# ARGV: now, id, token. Returns project, name and proof.
WHO = _of_agent("""\
if not may_act(ARGV[2], ARGV[3]) then return false end
local found = redis.call('HMGET', agent_key(ARGV[2]), 'project', 'name', 'proof')
return {text_of(found[1]), text_of(found[2]), text_of(found[3])}
""")

# ARGV: now, id, token, name, project, fields in pairs. Returns the name.
REGISTER = _of_agent("""\
local id, token, name, project = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if not may_act(id, token) then return false end
local key, proof = agent_key(id), proof_of(token)
local started, theirs = unpack(redis.call('HMGET', key, 'started', 'proof'))
if text_of(theirs) ~= '' and theirs ~= proof then  -- who was called so is gone, and another comes
  finish(id)
  redis.call('DEL', key)
  started = false
end
redis.call('HSET', key, 'project', project, unpack(ARGV, 6))
redis.call('HSET', key, 'name', name)
if proof ~= '' then redis.call('HSET', key, 'proof', proof) end
if not started then redis.call('HSET', key, 'started', whole(now)) end
redis.call('HDEL', key, 'ended', 'kept')
be_active(id)
return name
""")

# ARGV: now, id, token, '' or the session that it is to be of.
FINISH = _of_agent(
    LUA_LASTS
    + """\
local id, token, session = ARGV[2], ARGV[3], ARGV[4]
if session ~= '' and (redis.pcall('HGET', agent_key(id), 'session') ~= session or is_gone(id)) then return 1 end
if not may_act(id, token) then return false end
finish(id)
return 1
"""
)

# ARGV: now, recipient, then ttl, envelope and value of each message. Returns now, then listeners, -1 or -2 for each.
SEND = _of_agent(
    LUA_LASTS
    + """\
local recipient, found = ARGV[2], {whole(now)}
for i = 3, #ARGV, 3 do
  local ttl, text, value = unpack(ARGV, i, i + 2)
  if is_gone(recipient) then
    found[#found + 1] = -1
  elseif redis.call('XLEN', inbox_key(recipient)) >= INBOX then
    found[#found + 1] = -2
  else
    local expires = whole(now + ttl * 1000)
    text = string.sub(text, 1, -2) .. ',"at":' .. whole(now) .. ',"expires":' .. expires .. '}'
    local entry, listeners = put(recipient, text, value, tonumber(ttl))
    redis.call('ZADD', unread_key(recipient), expires, entry)
    last(unread_key(recipient), ttl + MOST_TTL)
    found[#found + 1] = listeners
  end
end
return found
"""
)

# ARGV: now, id. Returns in how many ms something of its inbox expires next, nothing where nothing does. Guarded, as the
# next: what somebody else put in the place of one inbox must not hold up everybody's.
EXPIRE = _of_agent(
    LUA_LASTS
    + """\
local id, unread = ARGV[2], unread_key(ARGV[2])
local understood, wait = pcall(function()
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', unread, '-inf', whole(now), 'LIMIT', 0, SWEEP)) do
    if not is_in_hands(id, entry) then
      redis.call('ZREM', unread, entry)
      pcall(give_back, id, entry, 'expired')
    end
  end
  local first = redis.call('ZRANGE', unread, 0, 0, 'WITHSCORES')
  return first[2] and whole(math.max(first[2] - now, 0))
end)
return understood and wait or false
"""
)

# ARGV: now, sender, then of each message that comes back from whose inbox under which mark, envelope and value.
# Returns of each 1, or 0 where the sender is gone.
COME_BACK = _of_agent(
    LUA_LASTS
    + """\
local sender, found, shown = ARGV[2], {}, shown_key(ARGV[2])
local function come_back(from, text, value)
  if is_gone(sender) then return 0 end
  -- Whoever was to say that it has come may have been killed. No message has an id with a space.
  if redis.call('ZADD', shown, 'NX', whole(now), from) == 1 then
    if redis.call('XLEN', inbox_key(sender)) < INBOX then put(sender, text, value, MOST_TTL) end
    redis.call('ZREMRANGEBYRANK', shown, 0, -1 - SHOWN)
    redis.call('EXPIRE', shown, SHOWN_TTL)
  end
  return 1
end
for i = 3, #ARGV, 3 do
  local understood, told = pcall(come_back, unpack(ARGV, i, i + 2))
  found[#found + 1] = understood and told or 0
end
return found
"""
)

# ARGV: now, id, marks of what has reached its sender.
CAME = _of_agent("return redis.call('XDEL', returning_key(ARGV[2]), unpack(ARGV, 3))\n")

# KEYS: agents   ARGV: now. Returns of each 1 where it is gone, and its fields.
FIELDS = (
    _HEAD
    + """\
local found = {}
for i, key in ipairs(KEYS) do
  local fields, held = redis.pcall('HGETALL', key), {}  -- anybody may have put something else there
  if fields.err then fields = {} end
  for j = 1, #fields, 2 do held[fields[j]] = fields[j + 1] end
  local is_old = held.active and now - (tonumber(held.active) or 0) > AGENT_TTL * 1000
  found[i] = {(is_old or text_of(held.ended) ~= '') and 1 or 0, fields}
end
return found
"""
).encode()

# A name of the registry: name, proof, session, and 1 where the agent has ended; a line each.
_NAMES = """\
local function known_as(project, id)
  local text = text_of(redis.call('HGET', names_key(project), id))
  return string.match(text, '^([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n(1?)$')
end
local function know_as(project, id, name, proof, session, ended)
  local text = table.concat({name, proof, session, ended}, '\\n')
  redis.call('HSET', names_key(project), id, text)
end
local function watch(project, id, seconds)  -- that somebody looks after its inbox then
  local due, at = due_key(project), now + seconds * 1000
  -- Never left as it is: who is about to say that nothing waits there has to see that something does.
  local held = tonumber(redis.call('ZSCORE', due, id) or nil)
  redis.call('ZADD', due, whole(held and math.min(held - 1, at) or at), id)
  if redis.call('TTL', due) < seconds + MOST_TTL then redis.call('EXPIRE', due, seconds + MOST_TTL) end
end
"""

# ARGV: now, project, id, proof, base or '', name wanted, name held or '', session. Returns the name, nothing where
# another has just registered an agent that is called so.
NAME = _of_project(
    _NAMES
    + """\
local project, id, proof, base, wanted, held, session = unpack(ARGV, 2, 8)
local index, names = agents_key(project), names_key(project)
redis.call('ZREMRANGEBYSCORE', index, '-inf', whole(now - AGENT_TTL * 1000 - 1))
if redis.call('HLEN', names) > 2 * redis.call('ZCARD', index) + 16 then
  for _, other in ipairs(redis.call('HKEYS', names)) do
    if not redis.call('ZSCORE', index, other) then redis.call('HDEL', names, other) end
  end
end
local function is_taken(_, _, name, by)
  for _, other in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local theirs, proven, _, ended = known_as(project, other)
    if other ~= id and theirs == name and ended == '' and (by == '' or proven ~= '') then return true end
  end
  return false
end
"""
    + NAMING
    + """\
local before, theirs, _, ended = known_as(project, id)
if before and redis.call('ZSCORE', index, id) then
  if theirs ~= '' and theirs ~= proof then
    if ended == '' then return false end
  elseif held == '' then
    held = before  -- whoever registered it was killed before the agent knew
  end
end
local name = held
if base == '' then
  name = name_of(project, id, wanted, held ~= '' and held, proof)
elseif held == '' then
  name = base .. '-' .. redis.call('HINCRBY', numbers_key(project), base, 1)
  redis.call('EXPIRE', numbers_key(project), NUMBERS_TTL)
end
know_as(project, id, name, proof, session, '')
redis.call('EXPIRE', names, AGENT_TTL)
redis.call('ZADD', index, whole(now), id)
redis.call('EXPIRE', index, AGENT_TTL)
return name
"""
)

# ARGV: now, project, id.
LEAVE = _of_project("""\
redis.call('ZREM', agents_key(ARGV[2]), ARGV[3])
redis.call('HDEL', names_key(ARGV[2]), ARGV[3])
return 1
""")

# ARGV: now, project, then seconds and id of each agent that is to be looked after by then.
WATCH = _of_project(
    LUA_LASTS
    + _NAMES
    + """\
for i = 3, #ARGV, 2 do watch(ARGV[2], ARGV[i + 1], tonumber(ARGV[i])) end
return 1
"""
)

# ARGV: now, project, id, proof. Returns the others that may be of its session.
ENDING = _of_project(
    LUA_LASTS
    + _NAMES
    + """\
local project, id, proof, found = ARGV[2], ARGV[3], ARGV[4], {}
for _, other in ipairs(redis.call('ZRANGE', agents_key(project), 0, -1)) do
  local name, theirs, session = known_as(project, other)
  local is_of_it = other == id or session == id
  if (is_of_it or not name) and other ~= id then found[#found + 1] = other end
  if name and is_of_it and (theirs == '' or theirs == proof) then
    know_as(project, other, name, theirs, session, '1')
    watch(project, other, HANDOVER)
  end
end
return found
"""
)

# ARGV: now, project, an id or '', what it is: '', 'active' or 'ended', texts of the talk. Returns the agents whose
# inboxes are to be looked after, each with what AFTER is to be told.
TEND = _of_project(
    _NAMES
    + """\
local project, id, is, found = ARGV[2], ARGV[3], ARGV[4], {}
for i = 5, #ARGV do tell(project, ARGV[i]) end
if id ~= '' then
  local index, due = agents_key(project), due_key(project)
  redis.call('ZADD', index, whole(now), id)
  redis.call('EXPIRE', index, AGENT_TTL)
  redis.call('EXPIRE', names_key(project), AGENT_TTL)
  local name, proof, session, ended = known_as(project, id)
  local now_ended = is == 'ended' and '1' or ''
  if is ~= '' and name and ended ~= now_ended then know_as(project, id, name, proof, session, now_ended) end
  if is == 'ended' then watch(project, id, HANDOVER) end
end
for _, other in ipairs(redis.call('ZRANGEBYSCORE', due_key(project), '-inf', whole(now), 'LIMIT', 0, SWEEP)) do
  local again = whole(now + HANDOVER * 1000)
  redis.call('ZADD', due_key(project), again, other)
  found[#found + 1] = {other, again}
end
return found
"""
)

# ARGV: now, project, texts of the talk.
TALK = _of_project("for i = 3, #ARGV do tell(ARGV[2], ARGV[i]) end\nreturn 1\n")

# ARGV: now, project, then agents that were looked after, what TEND said of each, and in how many ms it is to be done
# again, or ''. What another has begun meanwhile stays.
AFTER = _of_project("""\
local due = due_key(ARGV[2])
for i = 3, #ARGV, 3 do
  local id, said, wait = unpack(ARGV, i, i + 2)
  if tonumber(redis.call('ZSCORE', due, id) or nil) == tonumber(said) then
    if wait == '' then redis.call('ZREM', due, id) else redis.call('ZADD', due, whole(now + wait), id) end
  end
end
return 1
""")

# ARGV: now, project. Returns now, then the agents by last activity, newest first.
AGENTS_OF = _of_project("""\
local index, found = agents_key(ARGV[2]), {whole(now)}
redis.call('ZREMRANGEBYSCORE', index, '-inf', whole(now - AGENT_TTL * 1000 - 1))
for _, id in ipairs(redis.call('ZREVRANGE', index, 0, 20 * AGENTS)) do found[#found + 1] = id end
return found
""")

# ARGV: now, id, place. Returns the others that edited it and were not met there, each with the time since.
EDITED = (
    _HEAD
    + """\
local id, key, found = ARGV[2], edits_key(ARGV[3]), {}
redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - COLLISION * 1000 - 1))
local edits = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
for i = 1, #edits, 2 do
  local other, at = edits[i], edits[i + 1]
  local pair = id < other and id .. ' ' .. other or other .. ' ' .. id
  if other ~= id and not string.find(other, ' ', 1, true) and not redis.call('ZSCORE', key, pair) then
    found[#found + 1] = {other, whole(now - at)}
  end
end
redis.call('ZADD', key, whole(now), id)
redis.call('EXPIRE', key, COLLISION + 1)
return found
"""
).encode()

# ARGV: now, id, place, others. Returns 1 of each that it meets there for the first time.
MEET = (
    _HEAD
    + """\
local id, key, found = ARGV[2], edits_key(ARGV[3]), {}
for i = 4, #ARGV do
  local other = ARGV[i]
  local pair = id < other and id .. ' ' .. other or other .. ' ' .. id
  found[#found + 1] = redis.call('ZADD', key, 'NX', whole(now), pair)
end
return found
"""
).encode()

# ARGV: now, channels. Returns how many listen on each.
LISTENERS = (
    _HEAD
    + """\
local said = redis.pcall('PUBSUB', 'NUMSUB', unpack(ARGV, 2))  -- an access list may not let us
local found = {}
for i = 2, said.err and 0 or #said, 2 do found[#found + 1] = said[i] end
return found
"""
).encode()
