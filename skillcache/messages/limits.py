"""How much is kept, and for how long. Lengths are in characters, times in seconds, the rest in numbers of items."""

TEXT = 4_000  # of a message
LINES = 200  # of a message, as it is shown
NAME = 60
DOING = 80

ANSWER = 9_400  # UTF-16 units of a hook's answer; the client puts away more than 10,000
BATCH = 32  # messages of one answer
PACE, PACE_TIME = 40_000, 60  # UTF-16 units of messages that an agent is shown in so many seconds; then they wait
TAKE = 1 << 18  # bytes that are taken out of an inbox at a time; the last message may reach beyond
ENVELOPE = 1 << 20  # bytes: more than a message of ours ever has; what is larger is dropped
INBOX = 1_000  # unread messages of one agent: more are refused, none is pushed out
TALK = 500  # messages that `skillcache tail` can look back on

TTL = 3_600  # of a message, unless its sender says otherwise
MOST_TTL = 86_400
SHOWN = 10_000  # ids of read messages remembered for each agent
SHOWN_TTL = 2 * MOST_TTL  # longer than any message lives
AGENT_TTL = 86_400  # since an agent's last activity; then it is gone
NUMBERS_TTL = 30 * 86_400  # since the last agent of a project began: no name comes twice while anybody may remember it
AGENTS = 250  # of a project, the last active ones: so many at work, and so many that have ended
SWEEP = 8  # expired messages that one hook returns to their senders
GRACE = 60  # for a hook that has taken a message and not said yet that it was shown

COLLISION = 300  # between two edits of one file
KEPT = 6  # times in a row that an agent is kept from stopping; the client's own cap is 8
