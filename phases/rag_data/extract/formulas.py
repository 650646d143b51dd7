"""Formulas of Word (Office MathML, ECMA-376 part 1, 22.1) and of web pages, books and OpenDocument texts (MathML) -> one line of text.

In: a formula's element. Out: the formula as its author typed it (TeX, StarMath) where the file keeps that beside the drawing of it,
else as a person would type it: (a+b)/2, x^2, \u221a(y).
"""

from __future__ import annotations

import re
from typing import Any

MATHML = "{http://www.w3.org/1998/Math/MathML}"
WORD_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
FORMS = {"sSup": "{e}^{sup}", "sSub": "{e}_{sub}", "sSubSup": "{e}_{sub}^{sup}", "f": "{num}/{den}", "rad": "\u221a({e})", "d": "({e})",
         "nary": "{chr}_{sub}^{sup} {e}", "msup": "{0}^{1}", "msub": "{0}_{1}", "msubsup": "{0}_{1}^{2}", "mfrac": "{0}/{1}",
         "msqrt": "\u221a({0})", "munderover": "{0}_{1}^{2}", "munder": "{0}_{1}", "mover": "{0}^{1}"}
BARE = {"rad", "d", "nary", "msqrt"}  # whose inside needs no brackets of its own
DEEPEST = 50


def formula_text(element: Any) -> str:
    """A formula in one line."""
    kept = [one.text for one in element.iter() if _name(one) == "annotation" and one.text
            and re.search("tex|star", one.get("encoding", ""), re.IGNORECASE)]
    source = kept[0] if kept else element.get("alttext") or _drawn(element, 0)
    return re.sub(r"\s+", " ", re.sub(r"^\s*\{\\displaystyle (.*)\}\s*$", r"\1", source, flags=re.DOTALL)).strip()


def _drawn(element: Any, depth: int) -> str:
    """The signs of a formula; parts of several signs get brackets where they are raised, lowered or divided."""
    name = _name(element)
    children = [one for one in element if _name(one) and not _name(one).endswith("Pr")]
    if name in {"t", "mi", "mo", "mn", "mtext"}:
        return (element.text or "").strip()
    if depth > DEEPEST or name == "annotation":
        return ""
    texts = [_drawn(one, depth + 1) for one in children]
    if name not in FORMS:
        return "".join(texts)
    shown = [text if name in BARE and _name(one) in {"e", "mrow"} else _grouped(text) for one, text in zip(children, texts, strict=True)]
    sign = element.find(f"{WORD_MATH}naryPr/{WORD_MATH}chr")
    parts = {"e": "", "sup": "", "sub": "", "num": "", "den": "", "chr": sign.get(f"{WORD_MATH}val", "") if sign is not None else "\u222b"}
    parts |= {_name(one): text for one, text in zip(children, shown, strict=True)}
    return FORMS[name].format(*shown, "", "", "", **parts).replace("_^", "^").removesuffix("^").removesuffix("_")


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"


def _name(element: Any) -> str:
    """An element's name without its name space; "" for a comment."""
    return re.sub(r"^\{.*\}|^\w+:", "", element.tag) if isinstance(element.tag, str) else ""
