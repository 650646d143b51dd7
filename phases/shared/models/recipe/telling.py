"""Write an invented world down: a `World` goes in, Markdown text comes out: prose, tables, lists of keys and values, steps."""

import re
from random import Random

from phases.shared.models.recipe import names
from phases.shared.models.recipe.worlds import Fact, Item, World

_PLAIN = (
    "the {l} of {x} is {v}", "{x} has a {l} of {v}", "for {x}, the {l} is {v}", "the {l} of {x} is given as {v}", "{v} is the {l} of {x}",
    "the {l} for {x} is {v}", "in the case of {x} the {l} is {v}", "{x} comes with a {l} of {v}", "the {l} at {x} is {v}", "{x} is listed with {v} as its {l}",
    "as {l} of {x} the records give {v}", "the {l} of {x} was set to {v}", "{v} is recorded as the {l} of {x}", "{x}'s {l} is {v}",
)
_PERSON = (
    "{v} is the {l} of {x}", "the {l} of {x} is {v}", "{v} serves as {l} of {x}", "{x} has {v} as {l}", "the post of {l} at {x} is held by {v}",
    "{v} works as the {l} of {x}", "the {l} at {x} is called {v}", "{v} has been {l} of {x} for some years",
)
_FILLER = (
    "This has not changed since the last review.", "Visitors often notice this first.", "The old records agree on this point.", "Further details are kept on file.",
    "It is one of the better known parts of {p}.", "Changes are noted in the log book.", "Nobody at {p} remembers it otherwise.", "The figure was checked twice.",
    "See also the notes on the following page.", "A copy hangs on the wall in {p}.", "The rule applies on holidays as well.", "Most people in {p} know it well.",
)
_STEPS = (
    "Close the {n} valve.", "Wait {q} minutes.", "Call {w}.", "Check that the {n} lamp is lit.", "Write the time into the {n} book.", "Open the {n} door slowly.",
    "Turn the {n} handle {q} times.", "Fill the tank to {q} cm.", "Take the key from {w}.", "Clean the {n} plate with a dry cloth.", "Lock the {n} box.", "Sign the sheet.",
)


def capitalise(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def state_fact(rng: Random, item: Item, fact: Fact, subject: str | None = None) -> str:
    """One clause that states the fact, without a full stop."""
    own = fact.attribute.statements
    general = _PERSON if fact.attribute.kind == "person" else _PLAIN
    form = rng.choice(own) if own and rng.random() < 0.6 else rng.choice(general)
    label = rng.choice(fact.attribute.labels)
    clause = form.format(x=subject or rng.choice(item.forms), l=label, v=fact.value)
    return re.sub(r"\ba (?=[aeio])", "an ", clause)


def _prose(rng: Random, world: World, item: Item) -> str:
    facts = rng.sample(item.facts, len(item.facts))
    sentences: list[str] = []
    while facts:
        fact = facts.pop()
        clause = state_fact(rng, item, fact)
        if facts and rng.random() < 0.25:
            clause += rng.choice((", and ", "; ", ", while ", " and ")) + state_fact(rng, item, facts.pop())
        sentences.append(capitalise(clause) + ".")
        if rng.random() < 0.15:
            sentences.append(rng.choice(_FILLER).format(p=world.place))
    return " ".join(sentences)


def _keys(rng: Random, item: Item) -> str:
    lead = rng.choice(("- {}: {}", "- **{}**: {}", "{}: {}", "* {}: {}", "- {} = {}"))
    lines = [lead.format(capitalise(rng.choice(f.attribute.labels)), f.value) for f in item.facts]
    return "\n".join(lines)


def _table(rng: Random, items: tuple[Item, ...]) -> str:
    """One table for items that share their attributes: the first column names the item."""
    head = [rng.choice(("Name", "Item", "Unit", capitalise(items[0].noun)))] + [capitalise(f.attribute.labels[0]) for f in items[0].facts]
    rows = [[capitalise(item.forms[0]), *(f.value for f in item.facts)] for item in items]
    lines = [head, [rng.choice(("---", "---", ":---"))] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _pair_table(item: Item) -> str:
    lines = ["| Property | Value |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {capitalise(f.attribute.labels[0])} | {f.value} |" for f in item.facts)])


def _steps(rng: Random) -> str:
    chosen = rng.sample(_STEPS, rng.randint(2, 5))
    lines = [step.format(n=names.make_phrase(rng).split()[0], q=rng.randint(2, 90), w=names.make_person(rng)) for step in chosen]
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def tell_item(rng: Random, world: World, item: Item) -> str:
    """One section about one item."""
    heading = f"{rng.choice(('##', '##', '###'))} {capitalise(item.forms[0])}\n\n" if rng.random() < 0.75 else ""
    roll = rng.random()
    if roll < 0.6 or not heading:
        body = _prose(rng, world, item)
    elif roll < 0.85:
        body = _keys(rng, item)
    else:
        body = _pair_table(item)
    if rng.random() < 0.1:
        body += "\n\n" + _steps(rng)
    return heading + body


def tell_world(rng: Random, world: World) -> str:
    """The whole world as one Markdown document."""
    parts = [f"# {world.title}"] if rng.random() < 0.8 else []
    labels = {tuple(f.attribute.labels for f in item.facts) for item in world.items}
    if len(labels) == 1 and len(world.items) > 1 and rng.random() < 0.6:
        parts.append(_table(rng, world.items))
    else:
        parts += [tell_item(rng, world, item) for item in rng.sample(world.items, len(world.items))]
    return "\n\n".join(parts)


def tell_sentences(rng: Random, world: World) -> str:
    """Only the plain statements, in any order: what a rewriting of the document would hold."""
    clauses = [capitalise(state_fact(rng, item, fact)) + "." for item in world.items for fact in item.facts]
    rng.shuffle(clauses)
    return " ".join(clauses)
