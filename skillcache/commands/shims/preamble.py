"""The text that every Bash call of a session sources, for bash (3.2 and later) and zsh.

It starts no process and cannot fail: with `set -e`, `set -u` and `noclobber`, with a person's aliases and functions,
in a folder that is gone. A definition is spelled `function NAME {`, since in `NAME() {` an alias of that name would be
replaced as the text is read.
"""

from skillcache.commands.shims.script import BY_PATH, SCRIPT
from skillcache.core.processes import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The one line in the client's file: the same however often it is written, and nothing where our file is gone.
LINE = "if [ -r {path} ]; then . {path}; fi 2>/dev/null || :\n"

_TEXT = """# skillcache: commands that were run before on the same content are answered by the stand-ins in this folder.
_skillcache_shims={folder}
[ -x "$_skillcache_shims/{script}" ] || return 0
case ${{PATH-}} in
'' | "$_skillcache_shims:"* | "$_skillcache_shims") ;;
*)
    PATH=:$PATH:
    PATH=${{PATH//":$_skillcache_shims:"/:}}
    PATH=${{PATH#:}}
    export PATH="$_skillcache_shims:${{PATH%:}}"
    ;;
esac
"""
# Which Bash call this is: its shell, and how many its session has begun, counted once where the settings and the plugin
# both have it source this; the project that the session is of, whatever its settings say. A line's own wish for a
# fresh run.
_CALL = """export SKILLCACHE_PROJECT={project}
if [ "${{SKILLCACHE_CALL-}}" != $$ ]; then
    export SKILLCACHE_CALL=$$
    if [ -n "${{CLAUDE_CODE_SESSION_ID-}}" ]; then
        {{ printf '%s\\n' $$ >>{calls}/"$CLAUDE_CODE_SESSION_ID"; }} 2>/dev/null
    fi
fi
case "${{BASH_EXECUTION_STRING-}}${{ZSH_EXECUTION_STRING-}} " in
*"# "[Ff]resh[[:space:]]* | *"#"[Ff]resh[[:space:]]* | *"# "[Ff]resh"' "* | *"#"[Ff]resh"' "*)
    export SKILLCACHE_FRESH=1
    ;;
esac
"""
# `activate` of a virtual environment puts that first on PATH, and calls this when it has.
_ACTIVATION = """if ! alias hash >/dev/null 2>&1 && ! typeset -f hash >/dev/null 2>&1; then
    function hash {{
        builtin hash "$@" || return
        case ${{VIRTUAL_ENV-}} in
{environments}        *) _skillcache_active=$_skillcache_shims ;;
        esac
        case $PATH in
        "$_skillcache_active:"*) ;;
        *) PATH=$_skillcache_active:$PATH ;;
        esac
    }}
fi
"""
_ENVIRONMENT = "        {place}) _skillcache_active={folder} ;;\n"
# A function in the background is a shell that waits for its program, and `kill $!` would end that shell alone: so where
# a line may start one, or is not known, paths stay paths. In POSIX mode no name of a function holds a slash.
_BY_PATH = """_skillcache_line=${{BASH_EXECUTION_STRING-}}${{ZSH_EXECUTION_STRING-}}
case $_skillcache_line:${{SHELLOPTS-}}: in
:* | *:posix:*) return 0 ;;
esac
_skillcache_line=${{_skillcache_line//&&/}}
_skillcache_line=${{_skillcache_line//[\\<\\>]&/}}
_skillcache_line=${{_skillcache_line//&[\\<\\>]/}}
case $_skillcache_line in
*"&"*) return 0 ;;
esac
"""
# bash would name this file as the place of what it did not find.
_SPELLED = """function {name} {{
    if [ -x {name} ]; then
        {shim} {name} "$@" || return # in zsh a failure that ends a shell here would take its traps with it
    elif [ -e {name} ] || [ -n "${{ZSH_VERSION-}}" ]; then
        command {name} "$@"
    else
        printf 'bash: line %s: %s: No such file or directory\\n' "${{BASH_LINENO-}}" {name} >&2
        return 127
    fi
}}
"""
# A name that a shell takes for a function's without quotes.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-")


def preamble(
    folder: str,
    *,
    activated: "Mapping[str, str]",
    spellings: tuple[str, ...] = (),
    calls: str = "",
    project: str = "",
) -> bytes:
    """The text.

    folder: of the shims; activated: of those for each virtual environment; spellings: paths that programs are called
    by; calls: folder of the counts of Bash calls, '' for a terminal; project: of the session.
    """
    text = _TEXT.format(folder=quote(folder), script=SCRIPT)
    if calls:
        text += _CALL.format(calls=quote(calls), project=quote(project))
    places = [_ENVIRONMENT.format(place=quote(place), folder=quote(own)) for place, own in activated.items()]
    text += _ACTIVATION.format(environments="".join(places))
    shim = quote(f"{folder}/{BY_PATH}")
    spelled = [_SPELLED.format(name=name, shim=shim) for name in spellings if _PLAIN.issuperset(name)]
    if spelled:
        text += _BY_PATH.format() + "".join(spelled)
    return (text + ":\n").encode("utf-8", "surrogateescape")


def line(path: str) -> bytes:
    """What the client's file is to hold. `path`: of the preamble."""
    return LINE.format(path=quote(path)).encode("utf-8", "surrogateescape")
