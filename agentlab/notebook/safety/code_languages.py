"""Programming languages as far as colouring them needs: how comments and strings are written, and the words that stand out.

Every pattern takes what it begins with to its end, or to the end of the text where that is missing, and none is tried again
from inside what it took: so a text costs its length, whatever is in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["Language", "language_named"]

_HASH: Final = r"#[^\n]*"
_SLASHES: Final = r"//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?"
_DASHES: Final = r"--[^\n]*"
_MARKUP: Final = r"<!--(?:[^-]|-(?!->))*(?:-->)?"
_DOUBLE: Final = r'"(?:[^"\\\n]|\\[\s\S])*"?'
_SINGLE: Final = r"'(?:[^'\\\n]|\\[\s\S])*'?"
_BACKTICK: Final = r"`(?:[^`\\]|\\[\s\S])*`?"
_CHARACTER: Final = r"'(?:[^'\\\n]|\\.)'"
_TRIPLE: Final = (
    r'[rRbBfFuU]{0,2}(?:"""(?:[^"\\]|\\[\s\S]|"(?!""))*(?:""")?'
    r"|'''(?:[^'\\]|\\[\s\S]|'(?!''))*(?:''')?)"
)
_PYTHON_STRING: Final = rf"{_TRIPLE}|[rRbBfFuU]{{0,2}}(?:{_DOUBLE}|{_SINGLE})"
_QUOTED: Final = f"{_DOUBLE}|{_SINGLE}"
_NUMBER: Final = r"[0-9](?:[\w.]|(?<=[eE])[+-])*"
_WORD: Final = r"[^\W\d]\w*"
_KEY: Final = r"(?m:^[ \t]*(?:- )?[\w.-]+(?=[ \t]?[:=]))"


@dataclass(frozen=True, slots=True)
class Language:
    """How a language is cut.

    Attributes:
        pattern: Its tokens, in groups by what they are: comment `c`, name that stands out `t`, string `s`, number `n`, word `w`.
        keywords: Words in the keywords' colour, in small letters where `folded`.
        constants: Words in the numbers' colour.
        folded: Whether the case of a keyword does not matter.
    """

    pattern: re.Pattern[str]
    keywords: frozenset[str]
    constants: frozenset[str]
    folded: bool = False


@lru_cache(maxsize=64)
def language_named(name: str) -> Language | None:
    """The language a fence names; None where it is none of ours.

    Args:
        name: The first word after the fence, in any case.
    """
    known = _ALIASES.get(name.lower(), name.lower())
    row = _ROWS.get(known)
    if row is None:
        return None
    comment, string, special, keywords = row
    groups = {"c": comment, "t": special, "s": string, "n": _NUMBER, "w": _WORD}
    pattern = "|".join(f"(?P<{group}>{rule})" for group, rule in groups.items() if rule)
    return Language(
        re.compile(pattern), frozenset(keywords.split()), _CONSTANTS, folded=known in {"sql", "dockerfile"}
    )


_CONSTANTS: Final = frozenset(
    [
        *("true", "false", "null", "nil", "undefined", "NaN", "None", "True", "False"),
        *("NULL", "TRUE", "FALSE", "nullptr", "self", "this"),
    ]
)
_C: Final = (
    "break case char class const continue default delete do double else enum explicit extern float for friend goto if inline"
    " int long namespace new operator private protected public register return short signed sizeof static struct switch"
    " template throw try catch typedef typename union unsigned using virtual void volatile while auto bool override constexpr"
)
_JAVASCRIPT: Final = (
    "abstract as async await break case catch class const continue debugger declare default delete do else enum export extends"
    " finally for from function get if implements import in instanceof interface keyof let namespace new of private protected"
    " public readonly return satisfies set static super switch throw try type typeof var void while with yield"
)
_JAVA: Final = (
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends final finally"
    " float for if implements import instanceof int interface internal is in object val var fun when data override open long"
    " namespace new out package params private protected public readonly record ref return sealed short static string struct"
    " super switch synchronized throw throws trait try using virtual void volatile while yield def match given lazy async await"
)
_PYTHON: Final = (
    "and as assert async await break class continue def del elif else except finally for from global if import in is lambda"
    " match nonlocal not or pass raise return try while with yield case type"
)
_RUST: Final = (
    "as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move mut pub ref"
    " return static struct super trait type unsafe use where while"
)
_GO: Final = (
    "break case chan const continue default defer else fallthrough for func go goto if import interface map package range"
    " return select struct switch type var"
)
_SHELL: Final = (
    "if then else elif fi for while until do done case esac in function return export local readonly set unset source exit"
    " echo cd trap shift"
)
_SQL: Final = (
    "add all alter and as asc begin between by case cast check column commit constraint create cross database default delete"
    " desc distinct drop else end exists explain foreign from full group having if in index inner insert intersect into is"
    " join key left like limit not offset on or order outer over partition primary references right rollback select set table"
    " then to union unique update using values view when where window with"
)
_RUBY: Final = (
    "alias and begin break case class def do else elsif end ensure for if in module next not or redo rescue retry return super"
    " then undef unless until when while yield require attr_accessor"
)
_LUA: Final = (
    "and break do else elseif end for function goto if in local not or repeat return then until while"
)
_R: Final = "break else for function if in library next repeat require return while"
_JULIA: Final = (
    "abstract baremodule begin break catch const continue do else elseif end export finally for function global if import in"
    " let local macro module mutable quote return struct try using where while"
)
_DOCKER: Final = "add arg as cmd copy entrypoint env expose from healthcheck label onbuild run shell stopsignal user volume workdir"
_AT: Final = r"@[\w.]+"
_ROWS: Final[dict[str, tuple[str, str, str, str]]] = {
    "python": (_HASH, _PYTHON_STRING, _AT, _PYTHON),
    "javascript": (_SLASHES, f"{_QUOTED}|{_BACKTICK}", _AT, _JAVASCRIPT),
    "java": (_SLASHES, _QUOTED, _AT, _JAVA),
    "c": (_SLASHES, _QUOTED, r"(?m:^[ \t]*#[ \t]*\w+)", _C),
    "rust": (_SLASHES, f"{_DOUBLE}|{_CHARACTER}", r"#!?\[[^\]\n]*\]?|\w+!", _RUST),
    "go": (_SLASHES, f"{_QUOTED}|{_BACKTICK}", "", _GO),
    "swift": (
        _SLASHES,
        _DOUBLE,
        _AT,
        f"{_JAVA} func let guard extension protocol init deinit defer where inout",
    ),
    "php": (
        f"{_SLASHES}|{_HASH}",
        _QUOTED,
        r"\$\w+|<\?php|\?>",
        f"{_JAVA} function echo foreach elseif use fn",
    ),
    "bash": (
        r"(?m:(?:^|(?<=\s))#[^\n]*)",
        _QUOTED,
        r"\$(?:\w+|\{[^}\n]*\}?)|(?<=\s)--?[A-Za-z][\w-]*",
        _SHELL,
    ),
    "powershell": (
        _HASH,
        _QUOTED,
        r"\$\w+|(?<=\s)-[A-Za-z]+",
        f"{_SHELL} foreach param switch try catch throw",
    ),
    "sql": (rf"{_DASHES}|{_SLASHES}", _QUOTED, "", _SQL),
    "json": (_SLASHES, _DOUBLE, r'"(?:[^"\\\n]|\\[\s\S])*"(?=\s*:)', ""),
    "yaml": (r"(?m:(?:^|(?<=\s))#[^\n]*)", _QUOTED, _KEY, ""),
    "toml": (rf"{_HASH}|(?m:^;[^\n]*)", f"{_TRIPLE}|{_QUOTED}", rf"(?m:^\[[^\n]*)|{_KEY}", ""),
    "html": (_MARKUP, _QUOTED, r"</?[A-Za-z][\w:.-]*|/?>", ""),
    "css": (_SLASHES, _QUOTED, r"[.#@:][A-Za-z_][\w-]*|(?<=[{;\s])[\w-]+(?=[ \t]?:)", ""),
    "ruby": (_HASH, _QUOTED, r"[:@]\w+", _RUBY),
    "lua": (_DASHES, _QUOTED, "", _LUA),
    "r": (_HASH, _QUOTED, "", _R),
    "julia": (_HASH, f"{_TRIPLE}|{_DOUBLE}|{_CHARACTER}", r"@\w+|:\w+", _JULIA),
    "dockerfile": (_HASH, _QUOTED, r"\$\{?\w+\}?", _DOCKER),
    "makefile": (
        _HASH,
        _QUOTED,
        r"(?m:^[\w./-]+(?=:))|\$[({][^)}\n]*[)}]?",
        "ifeq ifneq ifdef else endif include define",
    ),
    "diff": ("(?m:^-[^\n]*)", r"(?m:^\+[^\n]*)", r"(?m:^(?:@@|diff|index)[^\n]*)", ""),
}
_ALIASES: Final = {
    alias: known
    for known, aliases in {
        "python": "py python3 pycon ipython py3",
        "javascript": "js jsx ts tsx typescript mjs node",
        "java": "kotlin kt scala cs csharp c# groovy dart",
        "c": "cpp c++ h hpp cc cuda objc objective-c arduino",
        "rust": "rs",
        "go": "golang",
        "bash": "sh shell zsh console shell-session fish",
        "powershell": "ps1 pwsh",
        "sql": "postgresql postgres sqlite mysql duckdb",
        "json": "jsonc json5 jsonl ndjson",
        "yaml": "yml",
        "toml": "ini cfg conf properties",
        "html": "xml svg xhtml vue",
        "css": "scss less",
        "ruby": "rb",
        "julia": "jl",
        "dockerfile": "docker",
        "makefile": "make",
        "diff": "patch",
    }.items()
    for alias in aliases.split()
}
