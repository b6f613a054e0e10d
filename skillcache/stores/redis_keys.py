"""Every Redis key name; nothing else spells one.

The layout (names are public; other languages may read them):

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
