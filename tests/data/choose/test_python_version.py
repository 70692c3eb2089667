"""Python 2 and broken Python, told apart from Python 3 and from English."""

from __future__ import annotations

import pytest

from punie.data.choose.python_version import python2_sign, syntax_problem
from punie.data.choose.snippets import Snippet

OLD = [
    'print "hello"',
    "print 'a', b",
    "for i in range(3):\n    print i",
    "if x: print x",
    "print",
    'print >>sys.stderr, "no"',
    "print x % 3",
    "print not x",
    "print `x`",
    "exec 'x = 1'",
    "exec code in names",
    "try:\n    f()\nexcept ValueError, error:\n    pass",
    "try:\n    f()\nexcept (ValueError, KeyError), e:\n    pass",
    "raise ValueError, 'bad'",
    "if a <> b:\n    pass",
    "x = `y`",
    "for i in xrange(3):\n    pass",
    "name = raw_input('name? ')",
    "if d.has_key(k):\n    pass",
    "for k, v in d.iteritems():\n    pass",
    "s = unicode(b)",
    "isinstance(s, basestring)",
    "import urllib2",
    "from StringIO import StringIO",
    "import ConfigParser",
    "class A:\n    __metaclass__ = M",
]
NEW = [
    "print('hello')",
    "class A:\n    pass",
    "print(x, file=sys.stderr)",
    'def f():\n    """print the list, then xrange(3)"""\n    return 1',
    "# print x\npass",
    "s = 'print x'",
    "def xrange(n):\n    return range(n)\n\nxrange(3)",
    "try:\n    unicode\nexcept NameError:\n    unicode = str",
    "try:\n    import urllib2\nexcept ImportError:\n    import urllib.request as urllib2",
    "from six.moves import xrange\nxrange(3)",
    "import configparser\nconfigparser.ConfigParser()",
    "from io import StringIO\nStringIO()",
    "from queue import Queue\nQueue()",
    "d = {}\nfor k, v in d.items():\n    pass",
    'pattern = "\\d+"',
    "exec('x = 1')",
    "match = 1\nmatch x:\n    case 1:\n        pass",
    ">>> print(1)\n1\n>>> print(2)\n2",
    "def broken(:\n    pass",
    "...\nprint the list of all names\n...",
    "print each item (one by one)\nthen stop",
]


@pytest.mark.parametrize("code", OLD)
@pytest.mark.parametrize("indent", ["", "    "])
def test_python_2_is_recognised(code: str, indent: str) -> None:
    """Every form has a name, also where the whole block is indented."""
    assert python2_sign(Snippet("python", "\n".join(indent + line for line in code.splitlines())))


@pytest.mark.parametrize("code", NEW)
def test_python_3_and_english_are_kept(code: str) -> None:
    """What Python 3 can read, what only mentions an old name, and what is merely broken is not called Python 2."""
    assert python2_sign(Snippet("python", code)) is None


def test_a_tag_is_believed() -> None:
    """Whoever writes python2 after the fence means it."""
    assert python2_sign(Snippet("python2", "x = 1")) == "tagged python2"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("x = 1", None),
        (">>> x = 1\n>>> x\n1", None),
        ('pattern = "\\d"', None),
        ("def f(:\n    pass", "line 1"),
        ("x = 1\ny = = 2", "line 2"),
        ("x = '\0'", "null"),
        ("(" * 5000, "parenthes"),
    ],
)
def test_code_that_does_not_parse_is_placed(code: str, problem: str | None) -> None:
    """The reason says which line of the block is at fault."""
    found = syntax_problem(Snippet("python", code))
    assert found is None if problem is None else found is not None and problem in found
