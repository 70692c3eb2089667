"""Is this code Python 3, and does it parse?

A snippet is called Python 2 only for something that can be named: a form that Python 3 refuses to parse, or a name that
Python 3 does not have and that the snippet neither defines nor guards with `try`. Code that is merely broken is not
Python 2, and neither is English that begins with "print".
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator

from punie.data.choose.snippets import Snippet
from punie.data.compare.syntax import parse

_NAMES = frozenset("xrange raw_input unicode basestring unichr execfile".split())
_METHODS = frozenset("has_key iteritems iterkeys itervalues".split())
_MODULES = frozenset(
    "urllib2 urlparse httplib ConfigParser Queue StringIO cStringIO cPickle __builtin__ HTMLParser Tkinter commands "
    "cookielib".split()
)
_OPERAND = r"""(?:["'`\[{\d-]|(?:not|lambda)\b|[\w.]+\s*(?:$|[,.(\[%+*/#-]|(?:if|and|or|in|is)\b))"""
_REFUSED = {
    "print statement": re.compile(rf"^(?:[^#\n\"']*[:;])?[ \t]*print(?:[ \t]+{_OPERAND}|[\"'`])", re.MULTILINE),
    "exec statement": re.compile(r"""^[ \t]*exec[ \t]+(?:["']|\w+[ \t]*(?:$|in\b))""", re.MULTILINE),
    "raise with a comma": re.compile(r"^[ \t]*raise[ \t]+[\w.]+[ \t]*,[ \t]*\S", re.MULTILINE),
    "the operator <>": re.compile(r"[\w)\]'\"][ \t]*<>[ \t]*[\w(\['\"-]"),
    "backticks": re.compile(r"`[^`\n]+`"),
}
"""What makes Python 3 refuse the whole snippet."""
_EITHER = {
    "except with a comma": re.compile(
        r"^[ \t]*except[ \t]+(?:[\w.]+|\([\w., ]+\))[ \t]*,[ \t]*\w+[ \t]*:", re.MULTILINE
    ),
    "print >>": re.compile(r"\bprint[ \t]*>>"),
}
"""What some version of Python 3 parses as something else than its author meant."""
_LIKELY = re.compile(
    rf"\b(?:{'|'.join(sorted(_NAMES | _METHODS))})\s*\(|\b(?:import|from)\s[^\n]*\b(?:{'|'.join(sorted(_MODULES))})\b"
    r"|\b__metaclass__\s*=|^[ \t]*print[ \t]*$|\bisinstance\([^()]*\bbasestring\b",
    re.MULTILINE,
)
_QUOTED = re.compile(r"'''.*?'''|\"\"\".*?\"\"\"|#[^\n]*", re.DOTALL)

_CALLED = "|".join(rf"(?<={name}\()" for name in sorted(_NAMES | _METHODS))
_GATES = tuple(
    re.compile(gate.encode()).search
    for gate in (
        # Each begins with one rare letter, since that is what a search of bytes finds at several gigabytes per second.
        rf"\((?:{_CALLED}|(?<=isinstance\()[^()]*basestring)",
        r"print[^(]",
        r"x(?:cept[ (\\]|ec[ \\])",
        rf"m(?:port [\w, .]*?| )(?:{'|'.join(sorted(_MODULES))})\b",
        r"`(?<!``)(?!`)",
        r"<>",
        r"raise [\w.]+ *,",
        r"__metaclass__",
        r"py(?:thon)?2",
        r"\\u",
    )
)


def may_be_python2(raw: bytes) -> bool:
    """Whether a row's bytes hold any sign of Python 2, or a JSON escape, behind which one may be hidden."""
    return any(found(raw) for found in _GATES)


def python2_sign(snippet: Snippet) -> str | None:
    """What shows that a Python snippet is Python 2, or None."""
    if snippet.tag in {"python2", "py2"}:
        return f"tagged {snippet.tag}"
    code = textwrap.dedent(snippet.statements)
    bare = _QUOTED.sub("", code)
    if (sign := _first(_EITHER, bare)) is not None:
        return sign
    refused, likely = _first(_REFUSED, bare), _LIKELY.search(bare)
    if refused is None and likely is None:
        return None
    tree = parse(code)
    if tree is not None:
        return next(_old_names(tree), None)
    return refused or (likely.group().strip() if likely else None)


def syntax_problem(snippet: Snippet) -> str | None:
    """Where and why a Python snippet does not parse, or None."""
    with warnings.catch_warnings():
        # "\\d" in a plain string is worth a warning to its author, not to the reader of a dataset.
        warnings.simplefilter("ignore")
        try:
            ast.parse(textwrap.dedent(snippet.statements))
        except SyntaxError as error:
            return f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
        except (ValueError, RecursionError, MemoryError) as error:
            return str(error)
    return None


def _first(signs: dict[str, re.Pattern[str]], code: str) -> str | None:
    return next((name for name, pattern in signs.items() if pattern.search(code)), None)


def _old_names(tree: ast.Module) -> Iterator[str]:
    nodes = list(ast.walk(tree))
    own = set(_defined(nodes))
    guarded = {id(inner) for node in nodes if isinstance(node, ast.Try) for inner in ast.walk(node)}
    for node in nodes:
        if id(node) in guarded:
            continue
        if (name := _old_name(node) or _old_statement(node)) is not None and name not in own:
            yield name


def _old_name(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if name in _NAMES:
            return name
        case ast.Call(func=ast.Attribute(attr=name)) if name in _METHODS:
            return name
    return None


def _old_statement(node: ast.AST) -> str | None:
    match node:
        case ast.Import(names=names):
            return next((f"import {alias.name}" for alias in names if alias.name in _MODULES), None)
        case ast.ImportFrom(module=str(name), level=0) if name in _MODULES:
            return f"import {name}"
        case ast.Assign(targets=[ast.Name(id="__metaclass__")]):
            return "__metaclass__ in a class"
        case ast.Expr(value=ast.Name(id="print")):
            return "print statement"
    return None


def _defined(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
