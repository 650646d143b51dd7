"""What of a web page is not its text: scripts, menus, advertisements, page headers, hidden parts.

In: elements of a page. Out: whether they are read. Nothing is dropped for its words, only for what the page says of itself (tags,
classes, roles, hidden) and for being links alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from lxml.html import HtmlElement

from phases.rag_data.clean import tidy_line

DROPPED = {"script", "style", "noscript", "template", "svg", "nav", "iframe", "select", "button", "head", "form",
           "object", "video", "audio", "canvas"}
AROUND = {"header", "footer", "aside"}
UNREAD = r"headerlink|permalink|anchorlink|copiable-(?:link|anchor)|footnote-back(?:ref)?|doc-backlink|mw-editsection|mw-cite-backlink|mw-jump-link"
UNREAD_CLASSES = re.compile(rf"\b({UNREAD})\b")
NAVIGATION = re.compile(r"\b(docnav|navheader|navfooter|sphinxsidebar|mw-navigation|navbox)\b")  # of usual programs, never text
MENU_CLASSES = re.compile(rf"(?:\b|_)({UNREAD}|nav|navbar|sidebar|breadcrumbs?|menu|cookie|toc|related|skip-?link|pagination|pager|"
                          r"advert(?:isement)?|promo|share|social|newsletter)(?:\b|_)", re.IGNORECASE)
FEWEST_CHARS = 300
LINES = {"p", "div", "ul", "ol", "dl", "td", "section", "footer", "header", "aside", "body"}
CODE = re.compile(r"(?<![a-z0-9])[a-z]{2}(?:[-_][a-z]{2,4})?(?![a-z0-9])")
FEWEST_LANGUAGES = 2
MOST_LANGUAGES = 400  # Wikipedia has as many
LANGUAGES_LABEL = 80  # letters, as of "This page is also available in the following languages"
STEPS = {"next", "prev", "previous", "up"}  # what links to the pages beside say of themselves
STEPS_CHARS = 300
FULL_STOP = re.compile(r"[.!?\u3002]\s*$")


def is_left_out(element: HtmlElement, *, bare: bool) -> bool:
    """Whether an element is no text of the page. `bare`: a page that names no main part, so menus must be guessed."""
    names = f"{element.get('class', '')} {element.get('role', '')}"
    if element.tag in DROPPED - ({"form"} if letters_of(element) > FEWEST_CHARS else set()) or element.get("hidden") is not None:
        return True
    if element.tag in {"a", "div", "ul", "span", "section", "p", "aside"} and MENU_CLASSES.search(names):
        return element.tag == "a" or _link_share(element) > 0.6
    if NAVIGATION.search(names) or element.tag in {"p", "div", "table"} and _leads_on(element):
        return True
    if element.tag == "div" and element.get("title") in {"header", "footer"}:  # LibreOffice's page headers
        return True
    if not bare:
        return False
    return element.tag in AROUND and _link_share(element) > 0.3 or element.tag in {"ul", "ol", "td"} and _is_menu(element)


def is_never_read(element: HtmlElement) -> bool:
    """Comments, scripts, and links that only lead back or edit."""
    return (not isinstance(element.tag, str) or element.tag in DROPPED
            or bool(UNREAD_CLASSES.search(f"{element.get('class')} {element.get('role')}")))


def without_hidden(root: HtmlElement) -> int:
    """Remove what a page's own marks hide; returns how many letters that were. A page that is hidden whole is kept."""
    letters, gone = 0, set()
    for one in root.xpath("//body//*[@hidden or contains(translate(@style, ' ', ''), 'display:none')]"):
        shown_as_picture = one.find(".//math") is not None  # a formula
        if one.tag not in {*DROPPED, "main"} and not shown_as_picture and gone.isdisjoint(one.iterancestors()):
            letters += letters_of(one)
            gone.add(one)
    for one in gone:
        one.drop_tree()
    return letters


def without_languages(root: HtmlElement) -> int:
    """Remove the lines that lead to a page in other languages; returns how many those were."""
    lines: dict[HtmlElement, list[HtmlElement]] = {}
    for link in root.iterfind(".//a[@href]"):
        line = next((one for one in link.iterancestors() if one.tag in LINES), None)
        if line is not None:
            lines.setdefault(line, []).append(link)
    found = [line for line, links in lines.items() if _leads_to_languages(line, links)]
    for one in found:
        one.drop_tree()
    return len(found)


def _leads_to_languages(line: HtmlElement, links: Sequence[HtmlElement]) -> bool:
    """Hardly more than links that say so themselves, or whose addresses differ in nothing but a code as "de" or "pt-br"."""
    if len(links) < FEWEST_LANGUAGES or len(links) > MOST_LANGUAGES:
        return False
    same = Counter(CODE.sub("*", one.get("href").lower()) for one in links)
    address, often = same.most_common(1)[0]
    often = often if "*" in address and len({one.get("href") for one in links}) == len(links) else 0
    named = sum(1 for one in links if one.get("hreflang") or "alternate" in one.get("rel", "").split())
    words = sum(map(str.isalpha, line.text_content())) - sum(map(str.isalpha, "".join(one.text_content() for one in links)))
    return max(named, often) >= max(FEWEST_LANGUAGES, len(links) - 1) and words <= LANGUAGES_LABEL


def main_part(root: HtmlElement) -> HtmlElement | None:
    """The element that the page itself calls its main part, if it holds a fair share of the text."""
    for path in ("//main", "//*[@role='main']", "//article"):
        found = root.xpath(path)
        if len(found) == 1 and letters_of(found[0]) > max(0.2 * letters_of(root), 50):
            return found[0]
    return None


def letters_of(element: HtmlElement) -> int:
    """Letters of visible text."""
    return sum(len(text.strip()) for text in element.xpath(".//text()[not(ancestor::script or ancestor::style)]"))


def is_contents(root: HtmlElement) -> bool:
    """A page that is a list of links: a book's table of contents."""
    headings = sum(len(tidy_line(one.text_content())) for one in root.iter("h1", "h2", "title", "style"))
    length = len(tidy_line(re.sub(r"\s+", " ", root.text_content()))) - headings
    links = root.findall(".//a")
    return len(links) > 2 and sum(len(tidy_line(one.text_content())) for one in links) > 0.7 * length


def _leads_on(element: HtmlElement) -> bool:
    """A line of links to the pages before and behind, as Texinfo, LaTeX2HTML and others write it, with or without labels of its own."""
    steps = sum(not STEPS.isdisjoint(one.get("rel", "").split()) for one in element.iter("a"))
    return steps > 0 and letters_of(element) < STEPS_CHARS and _link_share(element) > (0.5 if steps == 1 else 0.3)


def with_steps_named(root: HtmlElement) -> bool:
    """Let the links to the pages before and behind say so where only the page's head names those; returns whether there are any.

    A sentence may lead to them too, so these are links of one line that lead both ways and end in no full stop.
    """
    named = {one.get("href"): step for one in root.iterfind("head/link[@href]") for step in one.get("rel", "").lower().split() if step in STEPS}
    lines: dict[HtmlElement, list[HtmlElement]] = {}
    for link in (one for one in root.iterfind(".//a[@href]") if one.get("href") in named) if len(named) > 1 else ():
        lines.setdefault(next((one for one in link.iterancestors() if one.tag in LINES), root), []).append(link)
    found = [links for line, links in lines.items() if len({one.get("href") for one in links}) > 1 and not FULL_STOP.search(line.text_content())]
    for link in (one for links in found for one in links if not one.get("rel")):
        link.set("rel", named[link.get("href")])
    return bool(found)


def without_frame(root: HtmlElement) -> bool:
    """Make a Doxygen page say what is its title and what its frame; returns whether it is one."""
    if not root.xpath("//meta[@name='generator'][starts-with(@content, 'Doxygen')]"):
        return False
    for one in root.xpath("//*[@id='top' or @id='titlearea' or @id='nav-path'] | //div[@class='summary']"):
        one.drop_tree()
    for one in root.xpath("//div[@class='header']//div[@class='title']"):
        one.tag = "h1"
    return True


def _is_menu(element: HtmlElement) -> bool:
    return len(element) > 3 and _link_share(element) > 0.9


def _link_share(element: HtmlElement) -> float:
    """How much of an element's text is links."""
    links = sum(len(tidy_line(one.text_content())) for one in element.iter("a"))
    return links / max(len(tidy_line(re.sub(r"\s+", " ", element.text_content()))), 1)
