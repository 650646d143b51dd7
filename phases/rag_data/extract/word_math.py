"""Formulas of Word (Office MathML, ECMA-376 part 1, 22.1) -> one line of text, as a person would type them: (a+b)/2, x^2, \u221a(y).

In: a formula's element. Out: its text.
"""

from __future__ import annotations

from typing import Any

MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
FORMS = {"sSup": "{e}^{sup}", "sSub": "{e}_{sub}", "sSubSup": "{e}_{sub}^{sup}", "f": "{num}/{den}", "rad": "\u221a({e})", "d": "({e})",
         "nary": "{chr}_{sub}^{sup} {e}"}
DEEPEST = 50


def math_text(element: Any, depth: int = 0) -> str:
    """The text of a formula; parts of several signs get brackets where they are raised, lowered or divided."""
    name = element.tag.removeprefix(MATH) if isinstance(element.tag, str) else ""
    if name == "t":
        return element.text or ""
    if depth > DEEPEST or name.endswith("Pr"):
        return ""
    if name in FORMS:
        parts = {one.tag.removeprefix(MATH): math_text(one, depth + 1) for one in element if isinstance(one.tag, str)}
        bare = {"e"} if name in {"rad", "d", "nary"} else set()
        shown = {key: text if key in bare else _grouped(text) for key, text in parts.items()}
        sign = element.find(f"{MATH}naryPr/{MATH}chr")
        default = {"e": "", "sup": "", "sub": "", "num": "", "den": "", "chr": sign.get(f"{MATH}val", "") if sign is not None else "\u222b"}
        return FORMS[name].format_map(default | shown).replace("_^", "^").removesuffix("^").removesuffix("_")
    return "".join(math_text(one, depth + 1) for one in element)


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"
