"""What the scripts of the post ask of who comes: whether an agent is theirs, and what a person is called.

They stand behind the names of `redis_keys`, `now`, `whole`, `text_of`, `AGENT_TTL` and `NUMBERS_TTL`.
"""

from skillcache.messages.proof import MARK

_LENGTH = f"local MARK = {MARK}\n"
LUA_OWNERS = (
    _LENGTH
    + """\
local function proof_of(token) return token ~= '' and redis.sha1hex(token) or '' end
local function is_active(active) return now - (tonumber(active) or 0) <= AGENT_TTL * 1000 end
local function may_act(id, token)  -- as who the agent is
  local mark = string.match(id, '^person:.*:(%x+)$')
  if mark and #mark == MARK then return string.sub(proof_of(token), 1, MARK) == mark end
  local proof, active = unpack(redis.call('HMGET', agent_key(id), 'proof', 'active'))
  return text_of(proof) == '' or not is_active(active) or proof == proof_of(token)
end
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
)
