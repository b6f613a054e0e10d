"""Is a line replayable? Every simple command in it must be one that a rule names or a pure filter."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES, NO_RULE, OTHER_COMMAND, SHELL_EXPANSION
from skillcache.policy.builtin import RUNNERS, plain_name
from skillcache.policy.filters import filtered
from skillcache.policy.gathered import Gathered
from skillcache.policy.naming import built_in
from skillcache.policy.pattern import matches
from skillcache.policy.rule import Rule
from skillcache.policy.verdict import Verdict
from skillcache.policy.wrappers import Wrapped, unwrap
from skillcache.shell.line import Command, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.skill.find import Finder

SKILL = "Skill"
# What a person's own rule cannot name, however wide its pattern: it writes, or it changes the shell itself.
_WRITERS = frozenset(
    """rm mv cp mkdir rmdir touch chmod chown ln dd tee install truncate shred git hg svn gh docker podman
    kubectl helm sudo doas su ssh scp rsync kill pkill killall curl wget pip pip3 apt apt-get brew dnf yum
    pacman systemctl service crontab at xargs patch tar unzip zip gzip mktemp open xdg-open""".split()  # noqa: SIM905 - read as a list
)
_SHELL = frozenset(
    """alias unalias unset shopt trap read eval source . exec pushd popd dirs umask ulimit declare typeset
    local readonly let builtin enable hash bg fg jobs wait disown suspend logout return break continue shift
    getopts mapfile readarray history fc bind complete compgen caller times setopt unsetopt autoload
    zmodload emulate""".split()  # noqa: SIM905
)


def judge(line: Line, rules: tuple[Rule, ...] = (), finder: "Finder | None" = None) -> Verdict:
    """`rules`: the person's own, the first that matches a command counting; `finder`: of skills. Raises Bypass."""
    gathered = Gathered(finder)
    other = ""
    for command in line.commands:
        if not _accounted(command, rules, gathered) and not other:
            other = command.words[0]
    if not gathered.rules:
        raise Bypass(NO_RULE)
    if other:
        raise Bypass(OTHER_COMMAND, other)
    return gathered.verdict(line)


def _accounted(command: Command, rules: tuple[Rule, ...], gathered: Gathered) -> bool:
    """Whether a rule or a filter accounts for the command. Raises Bypass."""
    for name, value in command.assignments:
        gathered.variable(name, value, command.directory)
    gathered.read(command.reads, command.directory)
    if not command.words or _looks_up(command, gathered):
        return True
    inner = unwrap(command.words, command.directory)
    if inner is None:
        return False
    printed = filtered(command, inner.words)
    if printed is not None:
        _refuse_home(command)
        for name, value in printed.assignments:
            gathered.variable(name, value, inner.directory)
        gathered.read(printed.reads, inner.directory)
        if printed.program:
            gathered.executables.append((inner.words[0], inner.directory))
    else:
        rule = _rule(command, inner, rules, gathered)
        if rule is None:
            return False
        if command.globs or command.statuses:
            raise Bypass(SHELL_EXPANSION, "a pattern among the words")
        _refuse_home(command, rule)
        gathered.rules.append(rule)
    gathered.wrapped(inner)
    return True


def _refuse_home(command: Command, rule: Rule | None = None) -> None:
    """Only what runs a skill's script is known with `~/` replaced. Raises Bypass."""
    if command.homes and (rule is None or rule.tool != SKILL):
        raise Bypass(SHELL_EXPANSION, "~")


def _looks_up(command: Command, gathered: Gathered) -> bool:
    """`command -v X` and `which X`: where a program is found, if it is."""
    words = command.words
    names = words[2:] if words[:2] == ("command", "-v") else words[1:] if words[0] == "which" else ()
    if not names or command.globs or command.statuses or not all(name.replace("-", "a").isalnum() for name in names):
        return False
    gathered.executables.extend([(name, command.directory) for name in names])
    return True


def _rule(command: Command, inner: Wrapped, rules: tuple[Rule, ...], gathered: Gathered) -> Rule | None:
    own = _own_rule(command, inner, rules)
    if own is None:
        use = gathered.finder.find(command, inner) if gathered.finder is not None else None
        return built_in(inner, gathered) if use is None else gathered.skill(use, inner)
    if not own.enabled:
        return None
    word = plain_name(inner.words[0])
    if word in _SHELL:
        return None
    if word in _WRITERS:
        raise Bypass(COMMAND_WRITES, word)
    # What a task is called is the person's affair once they have named it; what a tool's options do is not, but for
    # those that the tables do not hold and their pattern spells out.
    gathered.spelled = frozenset(own.specifier.removesuffix(":*").split())
    known = None if word in RUNNERS else built_in(inner, gathered)
    gathered.spelled = frozenset()
    if known is None:
        gathered.own(inner.words, inner.directory)
        gathered.run(inner, inner.words[0])
        return own
    return Rule(
        own.name,
        own.pattern,
        depends=own.depends,
        env=(*own.env, *known.env),
        ttl=own.ttl,
        failures=own.failures,
        failures_ttl=own.failures_ttl,
        normalize=own.normalize,
        tools=known.tools,
        share=own.share,
        origin=own.origin,
    )


def _own_rule(command: Command, inner: Wrapped, rules: tuple[Rule, ...]) -> Rule | None:
    texts = (command.text, " ".join(command.words), " ".join(inner.words))
    for rule in rules:
        if any(matches(rule.specifier, text) for text in texts):
            return rule
    return None
