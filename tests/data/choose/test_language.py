"""Languages: of what people say, never of their code."""

from __future__ import annotations

import pytest

from punie.data.choose.language import check_language, foreign_script, other_language
from punie.data.choose.snippets import prose, snippets
from punie.errors import UsageError

PYTHON = (
    'def größe(wert):\n    # Prüft, ob er größer als null ist\n    """Gibt die Größe zurück."""\n    return wert > 0'
)
RUST = "/// Vérifie que la valeur est plus grande que zéro\npub fn taille(valeur: i32) -> bool {\n    valeur > 0\n}"
ENGLISH = [
    "Write a function that returns the largest number of a list.",
    "How do I reverse a string in Python?",
    "Fix the bug in this function, please.",
    "Explain what this code does and why it is slow.",
    "Use the naïve approach of the café example by Gödel.",
    "Translate the word 'Straße' into English.",
    "What does `größe = länge * höhe` do in my program?",
    "Sum from α to ω, where Σ is the total of all values.",
    "Show README.md of web/current/lemon and run the tests.",
    "print the list of all names",
    "UnboundLocalError in",
    'Write "vunwim crystal" to hazel.html.',
    "Hi!",
    "",
]
OTHERS = {
    "de": "Schreibe eine Funktion, die die größte Zahl einer Liste zurückgibt.",
    "fr": "Écris une fonction qui renvoie le plus grand nombre d'une liste.",
    "es": "Escribe una función que devuelva el número más grande de una lista.",
    "it": "Scrivi una funzione che restituisca il numero più grande di una lista.",
    "pt": "Escreva uma função que retorne o maior número de uma lista, por favor.",
    "nl": "Schrijf een functie die het grootste getal van een lijst teruggeeft.",
    "Cyrillic": "Напиши функцию, которая возвращает наибольшее число списка.",
    "Cjk": "写一个函数，返回列表中最大的数字。",
    "Hangul": "리스트에서 가장 큰 수를 반환하는 함수를 작성하세요.",
}


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_kept(text: str) -> None:
    """Short requests, names with accents, formulas and quoted words are English all the same."""
    assert other_language([text], "en") is None


@pytest.mark.parametrize("name", OTHERS)
def test_another_language_is_named(name: str) -> None:
    """The ledger can say which language it was, or at least which script."""
    assert other_language(["Sure, here is the code you asked for.", OTHERS[name]], "en") == name


@pytest.mark.parametrize("code", [PYTHON, RUST, "#include <stdio.h>\nint main() {\n    return 0; // fertig\n}"])
@pytest.mark.parametrize(
    "frame", ["{}", "Here is the function.\n\n{}\n", "Here it is.\n\n```\n{}\n```\nAnything else?"]
)
def test_code_does_not_condemn_a_row(code: str, frame: str) -> None:
    """Comments and names in another language are code, fenced or bare."""
    assert other_language([frame.format(code)], "en") is None


def test_a_wanted_language_may_be_any() -> None:
    """German rows are kept by de and English ones are not."""
    assert other_language([OTHERS["de"]], "de") is None
    assert other_language([ENGLISH[0]], "de") == "en"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("plain", None),
        ("déjà vu", None),
        ("только", "Cyrillic"),
        ("word 字", None),
        ("函数 f", "Cjk"),
        ("αβγ", "Greek"),
    ],
)
def test_scripts_are_told_by_their_letters(text: str, script: str | None) -> None:
    """A text is in another script when a third of its letters are."""
    assert foreign_script(text) == script


@pytest.mark.parametrize("code", ["english", "EN", "e", ""])
def test_a_language_is_a_code(code: str) -> None:
    """A word that is no code would select nothing, or everything."""
    with pytest.raises(UsageError, match="not a language code"):
        check_language(code)


def test_a_text_is_taken_apart() -> None:
    """Fenced blocks with their tags, then bare code; what remains is what was said."""
    text = "Look:\n\n```python\nx = 1\n```\nand\n\n# start\ny = 2\nfor i in y:\n    print(i)\n\nThat is `all` of it."
    assert [(piece.tag, piece.code.strip()) for piece in snippets(text)] == [
        ("python", "x = 1"),
        ("", "# start\ny = 2\nfor i in y:\n    print(i)"),
    ]
    assert prose(text).split() == "Look: and That is of it.".split()


@pytest.mark.parametrize(
    ("text", "bounded"),
    [
        ("def f(x):\r\n  y = x\r\n  return (y)", [True]),
        ("a = 1\nwhile a:\n a -= 1", [True]),
        ("Look:\n\nx = [1]\nprint(x)\n\nNice.", [False]),
        ("```\nx = 1\n```\nor\ny = 2", [True, False]),
        ("if true {\n  go();\n}", [True]),
        ("yes", []),
    ],
)
def test_bounds_of_code_are_known_or_not(text: str, bounded: list[bool]) -> None:
    """A fence and a text that is code as a whole have bounds; code among prose has none that can be relied on."""
    assert [piece.bounded for piece in snippets(text)] == bounded


def test_an_open_fence_runs_to_the_end() -> None:
    """An answer that was cut off still shows its code."""
    assert [piece.code for piece in snippets("So:\n~~~py\nx = 1\n")] == ["x = 1\n"]
    assert prose("So:\n~~~py\nx = 1\n").split() == ["So:"]
