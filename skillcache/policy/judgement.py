"""Is a command replayable? A rule must name it, and its words must not make it do more than report."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES, NO_RULE
from skillcache.paths import PROJECT_CONFIG
from skillcache.policy.builtin import RUNNERS, plain_name
from skillcache.policy.gathered import Gathered
from skillcache.policy.given import VERBS
from skillcache.policy.naming import built_in
from skillcache.policy.pattern import matches
from skillcache.policy.rule import Rule
from skillcache.policy.verdict import Verdict
from skillcache.policy.wrappers import Wrapped, unwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.skill.find import Finder

# What a person's own rule cannot name, however wide its pattern: it writes, or it changes the shell itself.
_WRITERS = frozenset(
    """rm mv cp mkdir rmdir touch chmod chown ln dd tee install truncate shred git hg svn gh docker podman
    kubectl helm sudo doas su ssh scp rsync kill pkill killall curl wget pip pip3 apt apt-get brew dnf yum
    pacman systemctl service crontab at xargs patch tar unzip zip gzip mktemp open xdg-open""".split()  # noqa: SIM905 - read as a list
)
# What a project's rule cannot name besides: whoever cloned it has not said that these may be left undone.
_ELSEWHERE = frozenset(
    """psql mysql mariadb mongosh redis-cli gcloud aws az fly flyctl heroku vercel netlify firebase wrangler twine
    terraform tofu pulumi ansible ansible-playbook""".split()  # noqa: SIM905
)
_SHELL = frozenset(
    """alias unalias unset shopt trap read eval source . exec pushd popd dirs umask ulimit declare typeset
    local readonly let builtin enable hash bg fg jobs wait disown suspend logout return break continue shift
    getopts mapfile readarray history fc bind complete compgen caller times setopt unsetopt autoload
    zmodload emulate""".split()  # noqa: SIM905
)


def judge(words: tuple[str, ...], rules: tuple[Rule, ...] = (), finder: "Finder | None" = None) -> Verdict:
    """`rules`: the person's own, the first that matches counting; `finder`: of skills. Raises Bypass."""
    gathered = Gathered(finder)
    inner = unwrap(words)
    rule = _rule(words, inner, rules, gathered) if inner is not None else None
    if inner is None or rule is None:
        raise Bypass(NO_RULE)
    gathered.wrapped(inner)
    return gathered.verdict(rule)


def _rule(words: tuple[str, ...], inner: Wrapped, rules: tuple[Rule, ...], gathered: Gathered) -> Rule | None:
    own = _own_rule(words, inner, rules)
    if own is None:
        use = gathered.finder.find(inner) if gathered.finder is not None else None
        return built_in(inner, gathered) if use is None else gathered.script(use, inner)
    if not own.enabled:
        return None
    word = plain_name(inner.words[0])
    if word in _SHELL:
        return None
    if word in _WRITERS:
        raise Bypass(COMMAND_WRITES, word)
    if own.origin.endswith(PROJECT_CONFIG):
        _require_harmless(inner.words)
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


def _require_harmless(words: tuple[str, ...]) -> None:
    """Raises Bypass."""
    if plain_name(words[0]) in _ELSEWHERE:
        raise Bypass(COMMAND_WRITES, words[0])
    for word in words[1:]:
        if word in VERBS:
            raise Bypass(COMMAND_WRITES, word)


def _own_rule(words: tuple[str, ...], inner: Wrapped, rules: tuple[Rule, ...]) -> Rule | None:
    texts = (" ".join(words), " ".join(inner.words))
    for rule in rules:
        if any(matches(rule.specifier, text) for text in texts):
            return rule
    return None
