"""Claims in Redis: requests as those of `redis_requests`.

A claim is a string with its owner, and falls by its expiry. A release adds to a stream that those who wait read
from where it stood when they were refused, so that none is missed, however late they begin to wait.
"""

from skillcache.redis_keys import claim_key, wake_key
from skillcache.stores import Claim, check_claim
from skillcache.stores.redis_requests import flag, garbage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.redis_requests import Command, Request
    from skillcache.stores.resp import Reply

WOKEN_MILLISECONDS = 60_000  # how long a release can be heard of

# KEYS: claim, stream   ARGV: owner, lease in ms, ms to keep the stream beyond the lease
# A claim without an owner or an expiry is none of ours; the latter would never fall.
# The stream outlives the lease: were a new one begun under a clock set back, its ids could be below the mark.
CLAIM_SCRIPT = b"""\
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')[1]
local left = redis.call('PTTL', KEYS[1])
local holder = left >= 0 and redis.call('GET', KEYS[1])
if not holder or holder == '' or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return {'', tonumber(ARGV[2]), last and last[1] or ''}
end
if not last then return {holder, left, '0-0'} end
redis.call('PEXPIRE', KEYS[2], left + ARGV[3])
return {holder, left, last[1]}
"""

# KEYS: claim, stream   ARGV: owner, ms to keep the stream
RELEASE_SCRIPT = b"""\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '1', '*', 'released', '1')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""


def claim(digest: str, owner: str, lease: float) -> "Request[Claim]":
    check_claim(owner, lease)
    milliseconds = str(max(round(lease * 1000), 1))
    keys = (claim_key(digest), wake_key(digest))
    return ("EVAL", CLAIM_SCRIPT, "2", *keys, owner, milliseconds, str(WOKEN_MILLISECONDS)), _read_claim


def release(digest: str, owner: str) -> "Request[bool]":
    keys = (claim_key(digest), wake_key(digest))
    return ("EVAL", RELEASE_SCRIPT, "2", *keys, owner, str(WOKEN_MILLISECONDS)), flag


def hear(digest: str, mark: str, seconds: float) -> "Request[bool]":
    """Whether a release came after `mark`; the server keeps the reply back for up to `seconds`, 0: not at all."""
    milliseconds = round(seconds * 1000)  # BLOCK 0 would be for ever
    block: Command = ("BLOCK", str(milliseconds)) if milliseconds > 0 else ()
    return ("XREAD", "COUNT", "1", *block, "STREAMS", wake_key(digest), mark), _read_release


def _read_claim(reply: "Reply") -> Claim:
    if not isinstance(reply, list) or len(reply) != 3:
        raise garbage("a claim")
    holder, left, mark = reply
    if not isinstance(holder, bytes) or not isinstance(left, int) or not isinstance(mark, bytes):
        raise garbage("a claim")
    return Claim(holder.decode("utf-8", "replace"), left / 1000, mark.decode("ascii", "replace"))


def _read_release(reply: "Reply") -> bool:
    if reply is not None and not isinstance(reply, list):
        raise garbage("XREAD")
    return bool(reply)  # some of the kin of Redis answer nothing by an empty list
