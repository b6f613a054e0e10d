"""What a store keeps, under which names, and the calls that each one answers.

`Store` states the contract; tests/stores/ holds both stores to it. Opening a store touches nothing: the
first call connects, or opens the file.

Every key name is made here, and nothing else spells one (names are public; other languages may read them):

    skill_cache:{name}:{digest}          entry of tool or skill {name}              string, TTL
    team:cache:{team}:{name}:{digest}    the same, shared in a team                 string, TTL
    ...:v{version}                       the same, of a version of a skill          string, TTL
    skill_cache_gen:{name}               generation; raised by an invalidation;     integer
                                         {name} is a rule, tool, skill, or
                                         @project:{project}, @team:{team}, or
                                         @namespace:{namespace}:{skill}
    skill_session:{session_id}           session state                              hash, TTL
    skill_session:{session_id}:log       what happened, newest last                 stream, capped, TTL
    skill_session:{session_id}:files     files edited by number of edits            sorted set, capped, TTL
    skill_session:{session_id}:days      edits of each file by day, `{day} {path}`  hash, capped, TTL
                                         with days since 1970 in UTC
    skill_session:{session_id}:tasks     subject and status of each task            hash, capped, TTL
    skill_sessions:{project}             sessions of a project by last activity     sorted set
                                         {session_id} is a UUID of the client's,
                                         or {id}@{scope}: a state's own id, of a
                                         project or namespace; from a client of
                                         one's own any id
    agent_comm:{agent_id}                live channel of an agent                   pub/sub
    agent_comm:{agent_id}:inbox          its durable inbox                          stream
                                         {agent_id} is a session, a subagent, such
                                         a one of another home, {id}:{mark}, or
                                         person:{user}@{host}:{mark}, or of a
                                         program {id}@{scope}, with a namespace
                                         or a digest of the project
    skillcache:names                     names that entries were stored under       set
    skillcache:claim:{digest}            who runs the call now                      string, TTL
    skillcache:wake:{digest}             wakes who waits for that run               stream, TTL
    skillcache:nothing:{digest}          whose run gave a None that is not kept     string, TTL
    skillcache:notes:{project}           the project's notes by id                  hash
    skillcache:told:{session_id}         what was recorded of it, to do it once     sorted set, capped, TTL
    skillcache:agent:{agent_id}          an agent: name, place, what it is doing,   hash, TTL
                                         proof of whose it is
    skillcache:agents:{project}          agents of a project by last activity       sorted set, TTL
    skillcache:agent_numbers:{project}   the last number given to a kind of agent   hash, TTL
    skillcache:shown:{agent_id}          messages that the agent has read           sorted set, capped, TTL
    skillcache:due:{project}             unread messages by when they expire        sorted set, TTL
    skillcache:talk:{project}            messages sent and returned, newest last    stream, capped, TTL
    skillcache:edits:{digest}            who edited a file by when                  sorted set, TTL
    skillcache:agent_names:{project}     in a cluster: name, proof and session of   hash, TTL
                                         each agent of the project
    skillcache:unread:{agent_id}         in a cluster: the agent's unread messages  sorted set, TTL
                                         by when they expire; `due` has the agents
    skillcache:returning:{agent_id}      in a cluster: what goes back from its      stream, TTL
                                         inbox and has not reached its sender yet
    skillcache:state:{scope}:{key}       a shared value and its version             hash, TTL
    skillcache:states:{scope}            keys of shared values                      set, TTL
    skillcache:state_version:{scope}     the last version given to a value          integer, TTL
                                         {scope} is {project}:{namespace} or
                                         team:{team}:{namespace}
    skillcache:{kind}:{id}               small records: pending calls, claims,      string, TTL
                                         quarantines, counters

A user of an access list needs `~skill_cache* ~skillcache:* ~team:cache:* ~skill_session* ~agent_comm:*`, and for
messages the channels `&agent_comm:*`.
In a cluster a tag stands in front of each (`cluster`), and in such a list of keys `{*}`: `~{*}skill_cache*`.
The embedded store takes the same keys, so that a key means one thing in all.
"""

from skillcache.core import Record
from skillcache.core.outcomes import Outcome, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.signed import Keys

MAX_TTL = 10 * 366 * 24 * 3600  # seconds; far below where Redis refuses an expiry
STARTED_DIGITS = 16  # a value begins with its start in ms since the epoch, so that a script can compare

EMBEDDED = "embedded:"


class Target(str):
    """What names a store, for who takes what is signed with these keys (`signed.Keys`) and nothing else."""

    __slots__ = ("keys",)
    keys: "Keys"


def keys_of(target: str) -> "Keys | None":
    return target.keys if isinstance(target, Target) else None


class Lookup(Record):
    entry: bytes | None  # the stored value or None
    generations: tuple[int, ...]  # in the order of the names asked for, 0 where none was raised
    also: bytes | None = None  # the value under the second key, None where there is none or none was asked for


class Claim(Record):
    """What a claim came to."""

    holder: str  # "" when it is ours now, else the owner who has it
    left: float  # seconds of its lease
    # from where `wait` hears the next release; with one that is ours it tells of a release lately, and is ""
    # where none was
    mark: str


class Store:
    """Every call but `wait` is one round trip; each raises StoreError for any failure of the store.

    After a failure the store of a hook is dead: every later call raises the same at once. Entries
    (`get`, `put`) and records (`read`, `write`) never share a key; `delete` drops either. Expiry is in whole
    seconds from 1 to MAX_TTL; another value is a TypeError or ValueError.
    """

    _fault: tuple[Outcome, str] | None = None

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        """The entry under `key`, the generations of `names` and the entry under `also`, read at one moment."""
        raise NotImplementedError

    def get_many(self, keys: tuple[str, ...], names: tuple[str, ...]) -> tuple[Lookup, ...]:
        """As `get` for each of the keys, of which there is one at least."""
        raise NotImplementedError

    def put(
        self,
        key: str,
        value: bytes,
        *,
        ttl: int,
        started: int,
        names: tuple[str, ...],
        generations: tuple[int, ...],
    ) -> bool:
        """Stores value and expiry in one step, or refuses (False) and leaves everything as it was.

        Refused when the value under `key` was started later, or when a generation of `names` is no longer
        the one given. `started` is in ms since the epoch, and `value` begins with it as 16 digits.
        """
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError

    def invalidate(self, name: str) -> int:
        """Raises the generation of `name` and returns it: what was stored before is no longer current."""
        raise NotImplementedError

    def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        raise NotImplementedError

    def write(self, key: str, value: bytes, ttl: int) -> None:
        raise NotImplementedError

    def claim(self, digest: str, owner: str, lease: float) -> Claim:
        """Claims `digest` for `lease` seconds, unless another owner has it; a claim of the same owner is extended.

        `owner` is any text but ""; `lease` is over 0 and at most MAX_TTL. Another value is a ValueError.
        """
        raise NotImplementedError

    def release(self, digest: str, owner: str) -> bool:
        """Gives the claim up and wakes all who wait; False, and nothing is done, when `owner` has it no longer."""
        raise NotImplementedError

    def wait(self, digest: str, mark: str, seconds: float) -> bool:
        """True as soon as there was a release since `mark`; False after `seconds`.

        A release between the refused claim and the wait is heard at once. The end of a lease is no release: wait
        no longer than what was left of it.
        """
        raise NotImplementedError

    def ping(self) -> None:
        """Raises unless the store can be used, for writing too where that can be told."""
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of the connection; safe after a failure and twice."""
        raise NotImplementedError

    def _require_alive(self) -> None:
        """For a store whose faults are its own, not a link's."""
        if self._fault is not None:
            raise StoreError(*self._fault)

    def _die(self, outcome: Outcome, detail: str) -> StoreError:
        self._fault = (outcome, detail)
        self.close()
        return StoreError(outcome, detail)


def started_bytes(started: int) -> bytes:
    """The first bytes of a value: `started` as 16 digits."""
    return b"%016d" % started


def started_of(value: bytes | None) -> int:
    """When what lies there was begun, readable or not: a store keeps it against what was begun before."""
    digits = (value or b"")[:STARTED_DIGITS]
    return int(digits) if len(digits) == STARTED_DIGITS and digits.isdigit() else 0


def check_ttl(ttl: int) -> None:
    """Raises TypeError and ValueError."""
    if type(ttl) is not int:
        raise TypeError(f"an expiry is a whole number of seconds, not {ttl!r}")
    if not 1 <= ttl <= MAX_TTL:
        raise ValueError(f"an expiry is 1 to {MAX_TTL} seconds, not {ttl}")


def check_claim(owner: str, lease: float) -> None:
    if not owner:
        raise ValueError("a claim has an owner")
    if not 0 < lease <= MAX_TTL:
        raise ValueError(f"a lease is up to {MAX_TTL} seconds, not {lease}")


def check_value(value: bytes, started: int) -> None:
    if value[:STARTED_DIGITS] != started_bytes(started):
        raise ValueError("a value begins with its start as 16 digits")


def entry_key(name: str, digest: str, team: str | None = None) -> str:
    if team is None:
        return f"skill_cache:{name}:{digest}"
    return f"team:cache:{team}:{name}:{digest}"


def generation_key(name: str) -> str:
    return f"skill_cache_gen:{name}"


def project_name(project: str) -> str:
    """The name under which everything of a project is invalidated; no rule or skill is called so."""
    return f"@project:{project}"


def team_name(team: str) -> str:
    return f"@team:{team}"


def namespaced_name(namespace: str, skill: str) -> str:
    """A skill's name within a namespace, which holds no colon; without one no skill is called so."""
    return f"@namespace:{namespace}:{skill}"


def is_team_name(name: str) -> bool:
    return name.startswith("@team:")


def record_key(kind: str, id_: str) -> str:
    return f"skillcache:{kind}:{id_}"


NAMES_KEY = "skillcache:names"


def claim_key(digest: str) -> str:
    return record_key("claim", digest)


def wake_key(digest: str) -> str:
    return record_key("wake", digest)


def nothing_key(digest: str) -> str:
    return record_key("nothing", digest)


def session_key(session_id: str) -> str:
    return f"skill_session:{session_id}"


def session_keys(session_id: str) -> tuple[str, ...]:
    """All that is kept of one session; its state is the first."""
    state = session_key(session_id)
    return (*[f"{state}{part}" for part in ("", ":log", ":files", ":days", ":tasks")], record_key("told", session_id))


def sessions_key(project: str) -> str:
    return f"skill_sessions:{project}"


def notes_key(project: str) -> str:
    return record_key("notes", project)


def inbox_key(agent_id: str) -> str:
    return f"agent_comm:{agent_id}:inbox"


def channel(agent_id: str) -> str:
    return f"agent_comm:{agent_id}"


def agent_key(agent_id: str) -> str:
    return record_key("agent", agent_id)


def agent_keys(agent_id: str) -> tuple[str, ...]:
    """All that is kept of one agent and its inbox."""
    records = [record_key(kind, agent_id) for kind in ("agent", "shown", "unread", "returning")]
    return (*records, inbox_key(agent_id))


def shown_key(agent_id: str) -> str:
    return record_key("shown", agent_id)


def edits_key(place: str) -> str:
    return record_key("edits", place)


def talk_key(project: str) -> str:
    return record_key("talk", project)


def registry_keys(project: str) -> tuple[str, ...]:
    """All that is kept of a project's agents together."""
    records = [record_key(kind, project) for kind in ("agents", "agent_numbers", "agent_names", "due")]
    return (*records, talk_key(project))


def state_keys(scope: str, key: str) -> tuple[str, str, str]:
    """Of a shared value, of all the values of its scope, and of their versions."""
    return record_key("state", f"{scope}:{key}"), record_key("states", scope), record_key("state_version", scope)


# The same names for scripts, which learn some of the ids only inside the server. `stores.cluster` sets the tag, and has
# a replica take what was written by a script which says that it lasts.
LUA_LASTS = "-- lasts\n"
LUA_TAG = "local tag = ''\n"
LUA_NAMES = (
    LUA_TAG
    + """\
local function state_key(id) return tag .. 'skill_session:' .. id end
local function log_key(id) return tag .. 'skill_session:' .. id .. ':log' end
local function files_key(id) return tag .. 'skill_session:' .. id .. ':files' end
local function days_key(id) return tag .. 'skill_session:' .. id .. ':days' end
local function tasks_key(id) return tag .. 'skill_session:' .. id .. ':tasks' end
local function told_key(id) return tag .. 'skillcache:told:' .. id end
local function notes_key(project) return tag .. 'skillcache:notes:' .. project end
local function sessions_key(project) return tag .. 'skill_sessions:' .. project end
local function forget(id)
  return redis.call('DEL', state_key(id), log_key(id), files_key(id), days_key(id), tasks_key(id), told_key(id))
end
"""
)
LUA_MESSAGE_NAMES = (
    LUA_TAG
    + """\
local function agent_key(id) return tag .. 'skillcache:agent:' .. id end
local function agents_key(project) return tag .. 'skillcache:agents:' .. project end
local function numbers_key(project) return tag .. 'skillcache:agent_numbers:' .. project end
local function shown_key(id) return tag .. 'skillcache:shown:' .. id end
local function due_key(project) return tag .. 'skillcache:due:' .. project end
local function talk_key(project) return tag .. 'skillcache:talk:' .. project end
local function edits_key(place) return tag .. 'skillcache:edits:' .. place end
local function inbox_key(id) return tag .. 'agent_comm:' .. id .. ':inbox' end
local function channel(id) return 'agent_comm:' .. id end
"""
)
LUA_SPREAD_NAMES = """\
local function names_key(project) return tag .. 'skillcache:agent_names:' .. project end
local function unread_key(id) return tag .. 'skillcache:unread:' .. id end
local function returning_key(id) return tag .. 'skillcache:returning:' .. id end
"""
