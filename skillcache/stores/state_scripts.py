"""What Redis runs for shared values. KEYS: of `redis_keys.state_keys`: the value, all values, versions.

A value is a hash of its text and its version. Versions come from one counter for each scope, so that a value that was
deleted and set anew has not the version it had. The counter outlives the values by a month, for whoever remembers one.
"""

_MONTH = 30 * 86_400

_PUT = f"""
local function outlive(key, seconds)
  if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end
local function note(key, seconds)
  redis.call('EXPIRE', KEYS[1], seconds)
  redis.call('SADD', KEYS[2], key)
  outlive(KEYS[2], tonumber(seconds))
  outlive(KEYS[3], tonumber(seconds) + {_MONTH})
end
"""

# ARGV: key, text, ttl, what is expected of the value: "" nothing, "version" or "value", and which.
# Returns 1 and the new version, or 0 and the one that is there.
SET = (
    _PUT
    + """\
local text, version = unpack(redis.call('HMGET', KEYS[1], 'value', 'version'))
local held = version or '0'
if ARGV[4] == 'version' and held ~= ARGV[5] then return {0, held} end
if ARGV[4] == 'value' and (not text or text ~= ARGV[5]) then return {0, held} end
local new = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'version', new)
note(ARGV[1], ARGV[3])
return {1, tostring(new)}
"""
)

# ARGV: key, by, ttl. Returns 1 and the new value, or 0 where there is no whole number, or it would be too large.
INCREMENT = (
    _PUT
    + """\
local text = redis.call('HGET', KEYS[1], 'value')
local understood = not text or string.find(text, '^%-?%d+$')
local new = understood and redis.pcall('HINCRBY', KEYS[1], 'value', ARGV[2])
if not new or type(new) == 'table' then return {0, ''} end
redis.call('HSET', KEYS[1], 'version', redis.call('INCR', KEYS[3]))
note(ARGV[1], ARGV[3])
return {1, redis.call('HGET', KEYS[1], 'value')}
"""
)

# ARGV: key, expected version or ''. Returns 1, 0 where there was none, or -1 less the version that is another.
DELETE = """\
local version = redis.call('HGET', KEYS[1], 'version')
if ARGV[2] ~= '' and (version or '0') ~= ARGV[2] then return -1 - tonumber(version or '0') end
redis.call('SREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
"""

# KEYS: all values, what the name of a value's key begins with. Returns key, text and version of each.
LIST = """\
local found = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local text, version = unpack(redis.call('HMGET', KEYS[2] .. key, 'value', 'version'))
  if text then found[#found + 1] = {key, text, version or '0'} else redis.call('SREM', KEYS[1], key) end
end
return found
"""
