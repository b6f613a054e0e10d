"""How much is kept. Lengths are in characters, the rest in numbers of items."""

PROMPT = 2_000
REPLY = 1_000
LINE = 300  # a reply's or an answer's beginning in the log
COMMAND = 500
PATH = 400
SUBJECT = 300
SUMMARY = 2_000
NOTE = 500
TOLD_TEXT = 65_536  # an entry of the log or a note as JSON: more than any of ours
NAME = 120  # a branch, a host, a title

WINDOW = 16_384  # what of a text is looked at before it is redacted and cut

LOG = 1_000  # entries of one session
FILES = 500
TASKS = 200
SESSIONS = 1_000  # of one project
NOTES = 200  # of one project
TOLD = 4_096  # ids of records remembered, more than a spool holds
TOLD_TTL = 86_400
FILES_OF_ONE_EVENT = 50

SPOOL = 1 << 20  # bytes
SPOOL_BATCH = 400  # records delivered by one hook beside its own
