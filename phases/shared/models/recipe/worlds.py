"""Invented worlds: a seed goes in, a `World` with some items and their facts comes out.

Nothing here is text yet: `telling` writes a world down, `asking` asks about it.
"""

from dataclasses import dataclass
from random import Random

from phases.shared.models.recipe import attributes, names

_CODED = (
    "pump centrifuge boiler crane winch generator drone sensor printer loom oven lathe compressor tractor locomotive buoy scanner press "
    "pump station|valve|robot|mixer|turbine|conveyor|antenna|freezer|telescope|spectrometer|server|router|filter|battery rack|microscope|"
    "dryer|bottling line|ventilator|x-ray unit|incubator|kiln|gate|lift|bus line|tram line|rail line|test bench|buffer tank|tank|hall|room|sample"
)
_TITLED = (
    "ship ferry inn museum school bakery brewery theatre choir library orchestra vineyard workshop gallery trawler cutter vessel|clinic|"
    "hostel|cinema|chess club|rowing team|football team|dance company|art collection|festival|garden|novel|opera|board game|cheese|apple variety|"
    "hiking trail|rose|tea blend|app|database|newspaper|radio show|expedition|cooperative|laboratory|observatory|mill|farm|hotel|market"
)
_PLACED = (
    "town harbour station bridge mine quarry village depot airfield reservoir canal castle park hospital district island plant school "
    "pier plant|weather station|fire brigade|town hall|water works|nature reserve|boatyard|fish farm|greenhouse|sawmill|ski lift|swimming pool"
)
_PROCEDURES = (
    "flushing the pipes|starting the line|cleaning the filter|changing the belt|the night check|the weekly test|calibrating the scale|loading the kiln|"
    "receiving visitors|the fire drill|drying the seeds|bottling the juice|sealing the drums|restarting the server|launching the boat|feeding the fish|"
    "the morning round|closing the gate|washing the samples|the ice watch|greasing the bearings|emptying the tank|the spring cleaning|closing the house"
)


def _split(nouns: str) -> tuple[str, ...]:
    """Words with spaces between them, then phrases with bars between them."""
    words, *phrases = nouns.split("|")
    return (*words.split(), *phrases)


@dataclass(frozen=True)
class Fact:
    """One thing that is so: an attribute of an item and its value."""

    attribute: attributes.Attribute
    value: str


@dataclass(frozen=True)
class Item:
    """A thing with a name; `forms` are the ways to speak of it, the first one its heading."""

    noun: str
    forms: tuple[str, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class World:
    """A subject with a title and a place, made of items."""

    title: str
    place: str
    items: tuple[Item, ...]


def _name_item(rng: Random) -> tuple[str, tuple[str, ...]]:
    """A noun and the ways to speak of the item: `KL-4`, `the pump KL-4`, `the KL-4 pump`."""
    roll = rng.random()
    if roll < 0.36:
        noun, code = rng.choice(_split(_CODED)), names.make_code(rng)
        forms = [code, f"the {noun} {code}", f"the {code} {noun}", f"the {code}"]
        return noun, tuple(rng.sample(forms, rng.randint(2, 4)))
    if roll < 0.6:
        noun, title = rng.choice(_split(_TITLED)), names.make_title(rng)
        forms = [f"the {title}", f"the {noun} {title}", title]
        return noun, tuple(rng.sample(forms, rng.randint(1, 3)))
    if roll < 0.76:
        noun, place = rng.choice(_split(_PLACED)), names.make_place(rng)
        forms = [place, f"the {noun} of {place}", f"{place} {noun}"]
        return noun, tuple(rng.sample(forms, rng.randint(1, 3)))
    if roll < 0.88:
        noun = rng.choice(_split(f"{_CODED}|{_TITLED}"))
        return noun, (f"the {rng.choice('main old new small large north south east west spare upper lower second'.split())} {noun}",)
    if roll < 0.95:
        procedure = rng.choice(_PROCEDURES.split("|"))
        return "procedure", (procedure,)
    return "company", (names.make_brand(rng),)


def make_item(rng: Random, least: int = 2, most: int = 5) -> Item:
    """An item with some facts, no label twice."""
    noun, forms = _name_item(rng)
    facts: dict[str, Fact] = {}
    for _ in range(rng.randint(least, most)):
        attribute = attributes.draw_attribute(rng)
        facts.setdefault(attribute.labels[0], Fact(attribute, attributes.draw_value(attribute, rng)))
    return Item(noun, forms, tuple(facts.values()))


def _share_labels(rng: Random, items: list[Item]) -> list[Item]:
    """Give every item the first one's attributes with values of its own, as the rows of a table have."""
    shared = [fact.attribute for fact in items[0].facts]
    return [Item(i.noun, i.forms, tuple(Fact(a, attributes.draw_value(a, rng)) for a in shared)) for i in items]


def make_world(seed: int) -> World:
    """The world of a seed: the same seed gives the same world."""
    rng = Random(f"world {seed}")
    place = names.make_place(rng)
    items = [make_item(rng) for _ in range(rng.randint(2, 4))]
    if rng.random() < 0.4:
        items = _share_labels(rng, items)
    seen: set[str] = set()
    kept = [i for i in items if not seen & set(i.forms) and not seen.update(i.forms)]
    noun = kept[0].noun
    title = rng.choice((f"The {noun} at {place}", f"{place} {noun}", f"Handbook of {place}", f"{place}: overview", f"Notes on {place}", f"{place} {rng.choice(('records', 'guide', 'report', 'manual', 'survey', 'yearbook'))}"))
    return World(title[0].upper() + title[1:], place, tuple(kept))
