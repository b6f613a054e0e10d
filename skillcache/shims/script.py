"""The text of a shim: one file, which every name in a shims' folder is a link to.

It is written for bash 3.2 as macOS has it. `-p` keeps BASH_ENV and functions of the environment out of it, and
`exec -a` gives a program the name that it was called by: a POSIX shell can do neither, and drops variables whose names
it does not like. Variables of the environment stay as they are, so its own have names that nobody else uses.

A bash mends what it is given of PWD and OLDPWD. Where a shell has started us, which says so in `_`, there is nothing to
mend; what `make`, `xargs` and `env -i` gave is read where the system shows it. (A missing SHLVL becomes 0.)
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MARK = ".skillcache-shims"  # in every folder of shims, of whichever version: none of them is the real program
SCRIPT = ".shim"  # what every name is a link to
# They look themselves up on PATH to find out what they are, such as which virtual environment's: on one without us.
_SEEKERS = "python | python3 | python3.* | pypy3 | php"
SKILL = "skills/"  # stands in the path of every script of a skill
BY_PATH = "skillcache-by-path"  # the name of the shim whose first word is the program

_SECOND_LINE = "# skillcache: stands in"  # of every shim, of whichever version and by whatever path

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
_skillcache_name=${{0##*/}} _skillcache_real= _skillcache_rest=$PATH:
if [ "$_skillcache_name" = {by_path} ]; then
    _skillcache_real=$1 _skillcache_argv0=$1 _skillcache_name=${{1##*/}}
    shift
else
    _skillcache_argv0=$_skillcache_name
    while [ -n "$_skillcache_rest" ]; do
        _skillcache_folder=${{_skillcache_rest%%:*}} _skillcache_rest=${{_skillcache_rest#*:}}
        _skillcache_found=${{_skillcache_folder:-.}}/$_skillcache_name
        if [ -x "$_skillcache_found" ] && [ -f "$_skillcache_found" ] &&
            [ ! -e "${{_skillcache_folder:-.}}/{mark}" ]; then
            _skillcache_line=
            if [ -r "$_skillcache_found" ]; then
                {{ read -r -n 64 _skillcache_line && read -r -n 64 _skillcache_line; }} <"$_skillcache_found"
            fi
            case $_skillcache_line in
            {second_line}*) continue ;; # a link to a shim
            esac
            _skillcache_real=$_skillcache_found
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
esac
if [ -n "$_skillcache_plain" ]; then
    _skillcache_rest=$PATH: _skillcache_kept=
    while [ -n "$_skillcache_rest" ]; do
        _skillcache_folder=${{_skillcache_rest%%:*}} _skillcache_rest=${{_skillcache_rest#*:}}
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
if [ -n "$_skillcache_words" ] && [ ! -t 1 ] && [ -r {entry} ] && [ -x {python} ] && [ -r {library} ]; then
    shopt -s execfail
    _skillcache_locale=${{LC_CTYPE+=$LC_CTYPE}}
    _=$_skillcache_last exec {python} -I -S {entry} \
        "$_skillcache_locale" "$_skillcache_real" "$_skillcache_argv0" "$@"
fi
if [ -n "$_skillcache_last" ]; then
    _=$_skillcache_last exec -a "$_skillcache_argv0" "$_skillcache_real" "$@"
fi
exec -a "$_skillcache_argv0" "$_skillcache_real" "$@"
"""


def script(words: "Mapping[str, tuple[str, ...]]", *, bash: str, python: str, library: str, entry: str) -> bytes:
    """The shim, for the programs of `words` (see `programs.words_of`).

    bash, python: interpreters by absolute path; library: a file that `python` cannot start without; entry: the script
    that answers a command. A path that a first line cannot hold gives a shim that the system does not start: `folder`
    sees to that.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, pieces in sorted(words.items()):
        groups.setdefault(pieces, []).append(name)
    second = quote(_SECOND_LINE)
    before = _BEFORE.format(
        bash=bash, by_path=BY_PATH, mark=MARK, second_line=second, seekers=_SEEKERS, skill=quote(SKILL)
    )
    lines = [before]
    for pieces, names in groups.items():
        lines.append(f"{' | '.join(map(quote, names))}) {_condition(pieces)};;\n")
    lines.append(_AFTER.format(entry=quote(entry), python=quote(python), library=quote(library)))
    return "".join(lines).encode("utf-8", "surrogateescape")


def _condition(pieces: tuple[str, ...]) -> str:
    if not pieces:
        return ""
    patterns = " | ".join(f"*{quote(piece)}*" for piece in pieces)
    return f"case $_skillcache_words in {patterns}) ;; *) _skillcache_words= ;; esac "


def quote(text: str) -> str:
    """As one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
