"""What Redis runs for the post: one script for each of its calls.

Scripts, so that a call is one round trip and happens whole. They ask the server's clock, not the caller's; a first
argument that is not empty is the time instead, in ms. Who acts as an agent gives its token (`messages.message`);
without the right one a script does nothing and returns nil, or what its comment says. They name keys that they learn
inside the server, so they need one that holds every key. In a cluster none does, and `scripts_cluster` has the same in
more steps, out of pieces that stand here.
"""

from skillcache.messages import message
from skillcache.stores.contract import LUA_LASTS, LUA_MESSAGE_NAMES

_ACTING = """\
local function proof_of(token) return token ~= '' and redis.sha1hex(token) or '' end
local function is_active(active) return now - (tonumber(active) or 0) <= AGENT_TTL * 1000 end
local function may_act(id, token)  -- as who the agent is
  local mark = string.match(id, '^person:.*:(%x+)$')
  if mark and #mark == MARK then return string.sub(proof_of(token), 1, MARK) == mark end
  local proof, active = unpack(redis.call('HMGET', agent_key(id), 'proof', 'active'))
  return text_of(proof) == '' or not is_active(active) or proof == proof_of(token)
end
"""
_TAKEN = """\
local function is_taken(project, id, name, proof)  -- an unproven one takes it from nobody who is proven
  local index = agents_key(project)
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', index, whole(now - AGENT_TTL * 1000), '+inf')) do
    local fields = other ~= id and redis.pcall('HMGET', agent_key(other), 'name', 'proof', 'ended') or {}
    if not fields.err and fields[1] == name and text_of(fields[3]) == '' then
      if proof == '' or text_of(fields[2]) ~= '' then return true end
    end
  end
  return false
end
"""
NAMING = """\
local function name_of(project, id, wanted, held, proof)  -- held: what it was called so far
  local looks_numbered = string.match(wanted, '%-%d+$') ~= nil  -- as the names of sessions and subagents are
  local prefix = wanted .. ':'  -- which is in no name of a user
  local is_own = held and (held == wanted or string.sub(held, 1, #prefix) == prefix)
  if is_own and not is_taken(project, id, held, proof) then return held end
  if not looks_numbered and not is_taken(project, id, wanted, proof) then return wanted end
  local found
  repeat
    local number = redis.call('HINCRBY', numbers_key(project), prefix, 1)
    found = prefix .. whole(looks_numbered and number or number + 1)
  until not is_taken(project, id, found, proof)
  redis.call('EXPIRE', numbers_key(project), NUMBERS_TTL)
  return found
end
"""

HEAD = (
    LUA_MESSAGE_NAMES
    + f"""\
local AGENT_TTL, NUMBERS_TTL, AGENTS = {message.AGENT_TTL}, {message.NUMBERS_TTL}, {message.AGENTS}
local MOST_TTL, SHOWN_TTL, SHOWN, INBOX = {message.MOST_TTL}, {message.SHOWN_TTL}, {message.SHOWN}, {message.INBOX}
local TALK, SWEEP, GRACE, COLLISION = {message.TALK}, {message.SWEEP}, {message.GRACE}, {message.COLLISION}
local TAKE, ENVELOPE, PACE, PACE_TIME = {message.TAKE}, {message.ENVELOPE}, {message.PACE}, {message.PACE_TIME}
local MARK = {message.MARK}
"""
    + """\
if redis.replicate_commands then redis.replicate_commands() end  -- Redis 6 lets nothing be written after TIME else
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function whole(number) return string.format('%.0f', number) end
local function text_of(value) return type(value) == 'string' and value or '' end
"""
)

# Behind HEAD: what is done with an agent and its inbox.
AGENT = (
    _ACTING
    + """\
local function decode(text)
  local understood, message = pcall(cjson.decode, text)
  return understood and type(message) == 'table' and message or {}
end
local function is_known(id) return redis.call('HEXISTS', agent_key(id), 'project') == 1 end
local function last(key, seconds)
  if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end
local function is_gone(id)
  local ended, active = unpack(redis.call('HMGET', agent_key(id), 'ended', 'active'))
  if not active then return false end
  return text_of(ended) ~= '' or now - (tonumber(active) or 0) > AGENT_TTL * 1000
end
local function put(recipient, text, value, seconds)
  local entry = redis.call('XADD', inbox_key(recipient), '*', 'message', value, 'envelope', text)
  last(inbox_key(recipient), seconds + MOST_TTL)
  local listeners = redis.pcall('PUBLISH', channel(recipient), value)  -- an access list may not let us
  return entry, type(listeners) == 'number' and listeners or 0
end
local function field(fields, name)
  for i = 1, #(fields or {}), 2 do
    if fields[i] == name then return fields[i + 1] end
  end
end
"""
)
TELL = """\
local function tell(project, text)
  redis.call('XADD', talk_key(project), 'MAXLEN', '~', TALK, '*', 'message', text)
  redis.call('EXPIRE', talk_key(project), MOST_TTL)
end
"""
_TOGETHER = """\
local function be_active(id, project)
  redis.call('HSET', agent_key(id), 'active', whole(now))
  redis.call('EXPIRE', agent_key(id), AGENT_TTL)
  redis.call('ZADD', agents_key(project), whole(now), id)
  redis.call('EXPIRE', agents_key(project), AGENT_TTL)
end
local function forget(recipient, entry, project)  -- that it waits
  redis.call('ZREM', due_key(project), recipient .. ' ' .. entry)
end
local function hand_back(_, sender, project, back, value)
  if is_gone(sender) then return end
  if redis.call('XLEN', inbox_key(sender)) < INBOX then put(sender, back, value, MOST_TTL) end
  tell(project, back)
end
"""
# Behind AGENT, `forget` and `hand_back`.
RETURNING = """\
local function drop(recipient, entry)
  local inbox = inbox_key(recipient)
  local found = redis.call('XRANGE', inbox, entry, entry)[1]
  redis.pcall('XACK', inbox, 'agent', entry)
  redis.call('XDEL', inbox, entry)
  local text = found and field(found[2], 'envelope') or ''
  local message = decode(text)
  forget(recipient, entry, text_of(message.project))
  return text, message, found and field(found[2], 'message') or ''
end
local function give_back(recipient, entry, why)
  local text, message, value = drop(recipient, entry)
  local sender = text_of(message.from)
  if message.bounce or message.kind ~= 'text' or sender == '' then return end
  local back = string.sub(text, 1, -2) .. ',"bounce":"' .. why .. '","returned":' .. whole(now) .. '}'
  hand_back(recipient, sender, text_of(message.project), back, value)
end
local function is_in_hands(recipient, entry)
  local taken = redis.pcall('XPENDING', inbox_key(recipient), 'agent', entry, entry, 1)
  return not taken.err and #taken > 0 and taken[1][3] <= GRACE * 1000
end
local function finish(id)
  if is_known(id) then redis.call('HSET', agent_key(id), 'ended', whole(now)) end
  for _ = 1, INBOX do
    local item = redis.call('XRANGE', inbox_key(id), '-', '+', 'COUNT', 1)[1]
    if not item then break end
    give_back(id, item[1], 'ended')
  end
  redis.call('UNLINK', inbox_key(id))  -- only other programs put more into it than it holds
end
"""
_SWEEPING = """\
local function sweep(project)
  local due = due_key(project)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', whole(now), 'LIMIT', 0, SWEEP)) do
    local recipient, entry = string.match(member, '^(.*) (%S+)$')
    if not recipient or not is_in_hands(recipient, entry) then
      redis.call('ZREM', due, member)
      -- Guarded: what somebody else put in the place of one inbox must not hold up everybody's.
      if recipient then pcall(give_back, recipient, entry, 'expired') end
    end
  end
end
"""
_WHOLE = HEAD + AGENT + TELL + _TAKEN + NAMING + _TOGETHER + RETURNING + _SWEEPING


def _script(body: str) -> bytes:
    return (_WHOLE + body).encode()


# ARGV: now, id, token, base or '', project, fields in pairs. Returns the name.
REGISTER = _script("""\
local id, token, base, project = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if not may_act(id, token) then return false end
local key, proof = agent_key(id), proof_of(token)
local held, name, started, theirs = unpack(redis.call('HMGET', key, 'project', 'name', 'started', 'proof'))
if text_of(theirs) ~= '' and theirs ~= proof then  -- who was called so is gone, and another comes
  finish(id)
  redis.call('DEL', key)
  name, started = false, false
end
redis.call('HSET', key, 'project', project, unpack(ARGV, 6))
if proof ~= '' then redis.call('HSET', key, 'proof', proof) end
if base ~= '' then
  if not name or held ~= project then
    name = base .. '-' .. redis.call('HINCRBY', numbers_key(project), base, 1)
    redis.call('EXPIRE', numbers_key(project), NUMBERS_TTL)
  end
  redis.call('HSET', key, 'name', name)
else
  redis.call('HSET', key, 'name', name_of(project, id, text_of(redis.call('HGET', key, 'name')), name, proof))
end
if held and held ~= project then redis.call('ZREM', agents_key(held), id) end
if not started then redis.call('HSET', key, 'started', whole(now)) end
redis.call('HDEL', key, 'ended', 'kept')
be_active(id, project)
return redis.call('HGET', key, 'name')
""")

# ARGV: now, id, token, moment, most, '1' where the agent ends, fields in pairs. Returns how many wait, -1 where nobody
# is there, -2 where somebody else is.
LOOK_BODY = """\
local id, token, moment, most, ends = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local key = agent_key(id)
local asked = {'project', 'kept', 'active', 'paced', 'shown'}
local project, kept, active, paced, shown = unpack(redis.call('HMGET', key, unpack(asked)))
if not project or now - (tonumber(active) or 0) > AGENT_TTL * 1000 then return -1 end
if not may_act(id, token) then return -2 end
if #ARGV > 6 then redis.call('HSET', key, unpack(ARGV, 7)) end
if token ~= '' then redis.call('HSET', key, 'proof', proof_of(token)) end  -- an older version has registered it
redis.call('HDEL', key, 'ended')
be_active(id, project)
sweep(project)
local waiting = redis.call('XLEN', inbox_key(id))
if moment == 'stop' then
  redis.call('HDEL', key, 'kept')
elseif moment == 'again' and (tonumber(kept) or 0) >= most then
  waiting = 0
end
if now - (tonumber(paced) or 0) < PACE_TIME * 1000 and (tonumber(shown) or 0) >= PACE then waiting = 0 end
if ends == '1' and waiting == 0 then finish(id) end
return waiting
"""
LOOK = _script(LOOK_BODY)

# ARGV: now, id, token, fields in pairs.
NOTE_BODY = """\
local key = agent_key(ARGV[2])
if not may_act(ARGV[2], ARGV[3]) then return false end
redis.call('HSET', key, unpack(ARGV, 4))
last(key, GRACE)
return 1
"""
NOTE = _script(NOTE_BODY)

# ARGV: now, id, token.
END = _script("""\
local id, token = ARGV[2], ARGV[3]
if not may_act(id, token) then return false end
local project = redis.call('HGET', agent_key(id), 'project')
finish(id)
for _, other in ipairs(project and redis.call('ZRANGE', agents_key(project), 0, -1) or {}) do
  local is_of_it = other ~= id and redis.pcall('HGET', agent_key(other), 'session') == id
  if is_of_it and not is_gone(other) and may_act(other, token) then finish(other) end
end
return 1
""")

# ARGV: now, project. Returns now, then id and fields of each.
AGENTS_OF = _script("""\
local index, found = agents_key(ARGV[2]), {whole(now)}
redis.call('ZREMRANGEBYSCORE', index, '-inf', whole(now - AGENT_TTL * 1000 - 1))
local counts = {[true] = 0, [false] = 0}
for _, id in ipairs(redis.call('ZREVRANGE', index, 0, 20 * AGENTS)) do
  local fields = redis.pcall('HGETALL', agent_key(id))  -- anybody may have put something else there
  local has_ended = not fields.err and field(fields, 'ended') ~= nil
  if not fields.err and field(fields, 'project') and counts[has_ended] < AGENTS then
    counts[has_ended] = counts[has_ended] + 1
    found[#found + 1] = {id, fields}
  end
end
return found
""")

# ARGV: now, then recipient, project, ttl, envelope and value of each message. Returns listeners, -1 or -2 for each.
SEND = _script(
    LUA_LASTS
    + """\
local found = {}
for i = 2, #ARGV, 5 do
  local recipient, project, ttl, text, value = unpack(ARGV, i, i + 4)
  if is_gone(recipient) then
    found[#found + 1] = -1
  elseif redis.call('XLEN', inbox_key(recipient)) >= INBOX then
    found[#found + 1] = -2
  else
    local expires = whole(now + ttl * 1000)
    text = string.sub(text, 1, -2) .. ',"at":' .. whole(now) .. ',"expires":' .. expires .. '}'
    local entry, listeners = put(recipient, text, value, tonumber(ttl))
    redis.call('ZADD', due_key(project), expires, recipient .. ' ' .. entry)
    last(due_key(project), ttl + MOST_TTL)
    tell(project, text)
    found[#found + 1] = listeners
  end
end
if #ARGV > 1 then sweep(ARGV[3]) end
return found
"""
)

# ARGV: now, id, token, count. Returns now, the agent's name, then of each entry, 1 where it was taken before, text, 1
# where it has no envelope.
TAKE_BODY = """\
local id, token, count = ARGV[2], ARGV[3], tonumber(ARGV[4])
if not may_act(id, token) then return false end
local name, project, proof = unpack(redis.call('HMGET', agent_key(id), 'name', 'project', 'proof'))
if project and text_of(proof) ~= '' then be_active(id, project) end  -- who reads its messages is there
local inbox, found = inbox_key(id), {whole(now), text_of(name)}
local size, seen = 0, {}
redis.pcall('XGROUP', 'CREATE', inbox, 'agent', '0')  -- there already, mostly
last(inbox, MOST_TTL)  -- which another program may have made
local function offer(from, again)
  for _ = 1, count - #found + 2 do
    if size >= TAKE then return end
    local reply = redis.pcall('XREADGROUP', 'GROUP', 'agent', 'hook', 'COUNT', 1, 'STREAMS', inbox, from)
    local item = reply and not reply.err and reply[1] and reply[1][2][1]
    if not item then return end
    if from ~= '>' then from = item[1] end
    local envelope = field(item[2], 'envelope')
    local text = envelope or field(item[2], 'message')
    local message = decode(envelope or '')
    local expires, name = tonumber(message.expires), text_of(message.id)
    if not text or #text > ENVELOPE or seen[name] or redis.call('ZSCORE', shown_key(id), name) then
      drop(id, item[1])
    elseif not message.bounce and expires and expires <= now then
      give_back(id, item[1], 'expired')
    else
      found[#found + 1] = {item[1], again, text, envelope and 0 or 1}
      size = size + #text
      if name ~= '' then seen[name] = true end
    end
  end
end
offer('0', 1)
offer('>', 0)
return found
"""
TAKE = _script(TAKE_BODY)

# ARGV: now, id, token, '1' where they kept it from stopping, size and number of shown; entry and id of each; entry and
# why of others.
SETTLE_BODY = (
    LUA_LASTS
    + """\
local id, token, size, shown = ARGV[2], ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
if not may_act(id, token) then return false end
local key = agent_key(id)
for i = 7, 6 + 2 * shown, 2 do
  drop(id, ARGV[i])
  if ARGV[i + 1] ~= '' then redis.call('ZADD', shown_key(id), whole(now), ARGV[i + 1]) end
end
if shown > 0 then
  redis.call('ZREMRANGEBYRANK', shown_key(id), 0, -1 - SHOWN)
  redis.call('EXPIRE', shown_key(id), SHOWN_TTL)
end
for i = 7 + 2 * shown, #ARGV, 2 do give_back(id, ARGV[i], ARGV[i + 1]) end
if not is_known(id) then return 1 end
if ARGV[4] == '1' then redis.call('HINCRBY', key, 'kept', 1) end
if size > 0 then
  local paced = tonumber(redis.call('HGET', key, 'paced')) or 0
  if now - paced >= PACE_TIME * 1000 then redis.call('HSET', key, 'paced', whole(now), 'shown', 0) end
  redis.call('HINCRBY', key, 'shown', size)
end
return 1
"""
)
SETTLE = _script(SETTLE_BODY)

# ARGV: now, id, token, place. Returns id, name and time since its edit of the agent and of each that it meets.
EDITED = _script("""\
local id, key = ARGV[2], edits_key(ARGV[4])
if not is_known(id) or not may_act(id, ARGV[3]) then return {} end
local function meeting(who, at) return {who, text_of(redis.call('HGET', agent_key(who), 'name')), whole(now - at)} end
local found = {meeting(id, now)}
redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - COLLISION * 1000 - 1))
local edits = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
for i = 1, #edits, 2 do
  local other, at = edits[i], edits[i + 1]
  local pair = id < other and id .. ' ' .. other or other .. ' ' .. id
  if other ~= id and not string.find(other, ' ', 1, true) and not is_gone(other)
    and is_known(other) and not redis.call('ZSCORE', key, pair) then
    redis.call('ZADD', key, whole(now), pair)
    found[#found + 1] = meeting(other, at)
  end
end
redis.call('ZADD', key, whole(now), id)
redis.call('EXPIRE', key, COLLISION + 1)
return found
""")
