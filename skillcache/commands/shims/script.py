"""The texts of the shims, and of the preamble that a shell sources.

It is written for bash 3.2 as macOS has it. `-p` keeps BASH_ENV and functions of the environment out of it, and
`exec -a` gives a program the name that it was called by: a POSIX shell can do neither, and drops variables whose names
it does not like. Variables of the environment stay as they are, so its own have names that nobody else uses.

A bash mends what it is given of PWD and OLDPWD. Where a shell has started us, which says so in `_`, there is nothing to
mend; what `make`, `xargs` and `env -i` gave is read where the system shows it. (A missing SHLVL becomes 0.)

It starts no process and cannot fail: with `set -e`, `set -u` and `noclobber`, with a person's aliases and functions,
in a folder that is gone. A definition is spelled `function NAME {`, since in `NAME() {` an alias of that name would be
replaced as the text is read.
"""

import os
import sys

from skillcache.core.paths import STANDS_IN, failed_ahead_folder, hooks_folder, once_ahead_file, running_ahead_file
from skillcache.core.processes import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


YIELDS = "SKILLCACHE_AHEAD"  # tells commands that the lines of their session have what runs ahead make way
MARK = ".skillcache-shims"  # in every folder of shims, of whichever version: none of them is the real program
SCRIPT = ".shim"  # what every name is a link to
ENTRY = ".stand_in.py"  # what it starts: see `entry`
# They look themselves up on PATH to find out what they are, such as which virtual environment's: on one without us.
_SEEKERS = "python | python3 | python3.* | pypy3 | php"
SKILL = "skills/"  # stands in the path of every script of a skill
BY_PATH = "skillcache-by-path"  # the name of the shim whose first word is the program

_BEFORE = r"""#!{bash} -p
# skillcache: stands in for the program of its name. It becomes that program, unless its words may be a report.
_skillcache_last=$_
if [ "$_skillcache_last" = "$0" ]; then
    _skillcache_by_shell=1
elif [ -r /proc/self/environ ]; then
    unset PWD OLDPWD
    _skillcache_last=
    while IFS= read -r -d '' _skillcache_word; do
        case $_skillcache_word in
        PWD=* | OLDPWD=*) export "$_skillcache_word" ;;
        _=*) _skillcache_last=${{_skillcache_word#_=}} ;;
        esac
    done </proc/self/environ
fi
_skillcache_options=
if [ "${{BASH_VERSINFO[0]}}" -ge 5 ] && eval '[ "${{SHELLOPTS@a}}" = rx ]' && [ -r /proc/self/environ ]; then
    while IFS= read -r -d '' _skillcache_word; do
        case $_skillcache_word in SHELLOPTS=*) _skillcache_options=${{_skillcache_word#*=}} ;; esac
    done </proc/self/environ
fi
_skillcache_name=${{0##*/}} _skillcache_real= _skillcache_wrapper=
_skillcache_ifs=$IFS IFS=: _skillcache_rest=$PATH:
set -f
_skillcache_folders=($_skillcache_rest)
set +f
IFS=$_skillcache_ifs
if [ "$_skillcache_name" = {by_path} ]; then
    _skillcache_real=$1 _skillcache_argv0=$1 _skillcache_name=${{1##*/}}
    shift
else
    _skillcache_argv0=$_skillcache_name
    for _skillcache_folder in "${{_skillcache_folders[@]}}"; do
        _skillcache_found=${{_skillcache_folder:-.}}/$_skillcache_name
        if [ -x "$_skillcache_found" ] && [ -f "$_skillcache_found" ] &&
            [ ! -e "${{_skillcache_folder:-.}}/{mark}" ]; then
            _skillcache_first= _skillcache_line=
            if [ -r "$_skillcache_found" ]; then
                {{ read -r -n 64 _skillcache_first && read -r -n 64 _skillcache_line; }} <"$_skillcache_found"
            fi
            case $_skillcache_line in
            {second_line}*) continue ;; # a link to a shim
            esac
            _skillcache_real=$_skillcache_found
            case $_skillcache_first in
            '#!'*sh | '#!'*sh\ *) _skillcache_wrapper=1 ;;
            esac
            break
        fi
    done
    if [ -z "$_skillcache_real" ]; then
        case ${{SHELL-}} in
        */zsh) printf 'zsh:1: command not found: %s\n' "$_skillcache_name" >&2 ;;
        *) printf 'bash: line 1: %s: command not found\n' "$_skillcache_name" >&2 ;;
        esac
        exit 127
    fi
fi
_skillcache_plain=
case $_skillcache_argv0 in
{seekers}) _skillcache_plain=1 ;;
esac
case ${{_skillcache_real%/*}} in
*/shims | */.volta/bin) _skillcache_plain=1 ;; # of another manager, which may look for the next of that name on PATH
/bin | /usr/bin | /usr/local/bin) ;;
*) [ -z "$_skillcache_wrapper" ] || _skillcache_plain=1 ;; # a shell's script, which may look for it in the same way
esac
if [ -n "$_skillcache_plain" ]; then
    _skillcache_kept=
    for _skillcache_folder in "${{_skillcache_folders[@]}}"; do
        [ -e "${{_skillcache_folder:-.}}/{mark}" ] || _skillcache_kept=$_skillcache_kept:$_skillcache_folder
    done
    PATH=${{_skillcache_kept#:}}
fi
[ -z "${{_skillcache_by_shell-}}" ] || _skillcache_last=$_skillcache_real
_skillcache_words=" $* "
case ${{PWD-}}/ in
*/skills/*) # a script of a skill may be called by a path from here
    case ${{1-}} in
    '' | -c | -e | -m) ;;
    *) _skillcache_words="$_skillcache_words"{skill}' ' ;;
    esac
    ;;
esac
case $_skillcache_name in
"""
_AFTER = r"""*) _skillcache_words= ;;
esac
case ${{SKILLCACHE_DISABLE-}} in
'' | 0 | [Ff][Aa][Ll][Ss][Ee] | [Nn][Oo] | [Oo][Ff][Ff]) ;;
*) _skillcache_words= ;;
esac
if [ -n "$_skillcache_options" ]; then
    # `-p` does not take the options that are exported, and would export its own in their place.
    set +p
    for _skillcache_word in ${{SHELLOPTS//:/ }}; do
        case :$_skillcache_options: in *:$_skillcache_word:*) ;; *) set +o "$_skillcache_word" ;; esac
    done
    for _skillcache_word in ${{_skillcache_options//:/ }}; do
        case $_skillcache_word in noexec | verbose | xtrace) ;; *) set -o "$_skillcache_word" ;; esac
    done
fi
# A Python ignores closed pipes by itself, and could not tell that the command is to do so.
if [ -n "$_skillcache_words" ] && [ -r /proc/self/status ]; then
    mapfile -t _skillcache_status </proc/self/status
    case "${{_skillcache_status[*]}} " in
    *SigIgn:?????????????[13579bdf]???\ * | *SigIgn:??????????[13579bdf]??????\ *) _skillcache_words= ;;
    esac
fi
# With a stream that is closed, what is opened first takes its place; other libraries may be none for our interpreter.
if [ -n "$_skillcache_words" ] && [ ! -t 1 ] && [ -r {hook} ] && [ -x {python} ] && [ -r {library} ] &&
    [ -s "${{0%/*}}/{entry}" ] && [ "${{LD_LIBRARY_PATH-}}:${{LD_PRELOAD-}}" = {loader} ] &&
    {{ true 3<&0 3>&1; }} 2>/dev/null && true 3>&2; then
    shopt -s execfail
    _skillcache_locale=${{LC_CTYPE+=$LC_CTYPE}}
    _=$_skillcache_last exec {python} -I -S "${{0%/*}}/{entry}" \
        "$_skillcache_locale" "$_skillcache_real" "$_skillcache_argv0" "$@"
fi
if [ -n "$_skillcache_last" ]; then
    _=$_skillcache_last exec -a "$_skillcache_argv0" "$_skillcache_real" "$@"
fi
exec -a "$_skillcache_argv0" "$_skillcache_real" "$@"
"""


def script(
    words: "Mapping[str, tuple[str, ...]]", *, bash: str, python: str, library: str, hook: str, loader: str
) -> bytes:
    """The shim, for the programs of `words` (see `programs.words_of`).

    bash, python: interpreters by absolute path; library: a file that `python` cannot start without; hook: the script
    that answers a command, of which the shims' folder has a copy; loader: LD_LIBRARY_PATH and LD_PRELOAD with which
    `python` is known to start, with a colon between. A path that a first line cannot hold gives a shim
    that the system does not start: `folder` sees to that.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, pieces in sorted(words.items()):
        groups.setdefault(pieces, []).append(name)
    second = quote(STANDS_IN)
    before = _BEFORE.format(
        bash=bash, by_path=BY_PATH, mark=MARK, second_line=second, seekers=_SEEKERS, skill=quote(SKILL)
    )
    lines = [before]
    for pieces, names in groups.items():
        lines.append(f"{' | '.join(map(quote, names))}) {_condition(pieces)};;\n")
    lines.append(
        _AFTER.format(entry=ENTRY, hook=quote(hook), python=quote(python), library=quote(library), loader=quote(loader))
    )
    return "".join(lines).encode("utf-8", "surrogateescape")


def entry(hook: str, text: bytes) -> bytes:
    """The copy of the script at `hook` that shims start: an upgrade that is under way may have left half of that one.

    A Python that has begun with half a script cannot become the program any more.
    """
    return f"__file__ = {hook!r}\n".encode("ascii", "backslashreplace") + text


def _condition(pieces: tuple[str, ...]) -> str:
    if not pieces:
        return ""
    patterns = " | ".join(f"*{quote(piece)}*" for piece in pieces)
    return f"case $_skillcache_words in {patterns}) ;; *) _skillcache_words= ;; esac "


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
# What runs ahead makes way for the line; there is nearly never any. Where that was cut short nothing that has failed
# ahead is given to anybody. Where lines do not look, as in a session that began before the rule, nothing is begun.
_AHEAD = """export {yields}=1
if [ -e {running} ] || [ -e {once} ]; then
    _skillcache_line=${{BASH_EXECUTION_STRING-}}${{ZSH_EXECUTION_STRING-}}
    {python} -I -S {hook} {cache} "$_skillcache_line" </dev/null >/dev/null 2>&1 ||
        command rm -rf -- {failed} >/dev/null 2>&1 || :
fi
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
    ahead: str = "",
) -> bytes:
    """The text.

    folder: of the shims; activated: of those for each virtual environment; spellings: paths that programs are called
    by; calls: folder of the counts of Bash calls, '' for a terminal; project: of the session; ahead: the cache folder,
    where a rule has its commands run ahead, else ''.
    """
    text = _TEXT.format(folder=quote(folder), script=SCRIPT)
    if calls:
        text += _CALL.format(calls=quote(calls), project=quote(project))
    if ahead:
        text += _yielding(ahead)
    places = [_ENVIRONMENT.format(place=quote(place), folder=quote(own)) for place, own in activated.items()]
    text += _ACTIVATION.format(environments="".join(places))
    shim = quote(f"{folder}/{BY_PATH}")
    spelled = [_SPELLED.format(name=name, shim=shim) for name in spellings if _PLAIN.issuperset(name)]
    if spelled:
        text += _BY_PATH.format() + "".join(spelled)
    return (text + ":\n").encode("utf-8", "surrogateescape")


def _yielding(cache: str) -> str:
    return _AHEAD.format(
        yields=YIELDS,
        running=quote(running_ahead_file(cache)),
        once=quote(once_ahead_file(cache)),
        python=quote(os.path.realpath(sys.executable)),
        hook=quote(f"{hooks_folder()}/stop_ahead.py"),
        cache=quote(cache),
        failed=quote(failed_ahead_folder(cache)),
    )


def line(path: str) -> bytes:
    """What the client's file is to hold. `path`: of the preamble."""
    return LINE.format(path=quote(path)).encode("utf-8", "surrogateescape")
