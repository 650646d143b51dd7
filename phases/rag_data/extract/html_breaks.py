"""Line ends in the source of a web page whose script parts words by no blanks, as Chinese and Japanese do.

In: a page's elements. Out: the same, each such line end gone, where a browser would set a blank or, by CSS Text 3 (4.1.3), nothing. Code keeps its lines.
"""

from __future__ import annotations

from lxml.html import HtmlElement

from phases.rag_data.clean.lines import UNSPACED_BREAK

WRAPPED = "//text()[contains(., '\n') and not(ancestor::pre or ancestor::textarea or ancestor::script or ancestor::style)]"


def without_breaks(root: HtmlElement, page: str) -> bool:
    """Join the lines in every text of the page; returns whether there were any. `page` is its source."""
    if not UNSPACED_BREAK.search(page):
        return False
    for text in root.xpath(WRAPPED):
        setattr(text.getparent(), "tail" if text.is_tail else "text", UNSPACED_BREAK.sub("", text))
    return True
