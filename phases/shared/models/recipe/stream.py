"""Mix the training rows: prose pages and invented worlds go in, rows of token ids with a weight per token come out, endlessly and seeded.

Four kinds of text share the rows: prose; a fresh world told and asked about at once (reading); a pool of worlds that comes back again and
again, told in other words each time (storing); and questions about the pool without the text, never worded the same (recalling).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tokenizers import Tokenizer

from phases.shared.models.recipe.asking import ask_fact
from phases.shared.models.recipe.telling import tell_item, tell_sentences, tell_world
from phases.shared.models.recipe.worlds import World, make_world

FRESH_FROM = 1_000_000
_ASK_WEIGHT, _ANSWER_WEIGHT = 0.3, 1.5


@dataclass(frozen=True)
class Mix:
    """The share of each kind of text, by tokens, and how many worlds come back."""

    prose: float = 0.30
    fresh: float = 0.22
    told: float = 0.16
    asked: float = 0.32
    pool: int = 600


@dataclass(frozen=True)
class Unit:
    """A piece of a row: token ids and how much each one counts in the loss."""

    ids: list[int]
    weights: list[float]


class UnitMaker:
    """Draws units of text; holds the tokenizer, the prose and the pool of worlds."""

    def __init__(self, tokenizer: Tokenizer, prose: list[str], mix: Mix, seed: int) -> None:
        self.tokenizer, self.prose, self.mix = tokenizer, prose, mix
        self.rng = Random(f"stream {seed}")
        self.pool = [make_world(i) for i in range(mix.pool)]
        self.page, self.fresh = 0, FRESH_FROM
        self.end, self.begin = (tokenizer.token_to_id(t) for t in ("<|end|>", "<s>"))

    def _text(self, text: str) -> Unit:
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids + [self.end]
        # Both with and without the begin token: programs differ in whether they put one.
        ids = [self.begin, *ids] if self.rng.random() < 0.3 else ids
        return Unit(ids, [1.0] * len(ids))

    def _chat(self, turns: list[tuple[str, str]]) -> Unit:
        ids: list[int] = []
        weights: list[float] = []
        for question, answer in turns:
            asked = self.tokenizer.encode(f"<|user|>{question}<|end|><|assistant|>", add_special_tokens=False).ids
            answered = self.tokenizer.encode(f"{answer}<|end|>", add_special_tokens=False).ids
            ids += asked + answered
            weights += [_ASK_WEIGHT] * len(asked) + [_ANSWER_WEIGHT] * len(answered)
        return Unit(ids, weights)

    def _questions(self, world: World, count: int) -> list[tuple[str, str]]:
        known = [(item, fact) for item in world.items for fact in item.facts]
        chosen = self.rng.sample(known, min(count, len(known)))
        return [ask_fact(self.rng, world, item, fact) for item, fact in chosen]

    def draw_prose(self) -> Unit:
        """The next page of prose, round and round."""
        text = self.prose[self.page % len(self.prose)]
        self.page += 1
        return self._text(text)

    def draw_fresh(self) -> Unit:
        """A world never seen before, told, then asked about: as further turns, or inside the question."""
        world = make_world(self.fresh)
        self.fresh += 1
        items = world.items[: self.rng.randint(1, 2)]
        world = World(world.title, world.place, items)
        text = tell_world(self.rng, world) if self.rng.random() < 0.8 else tell_sentences(self.rng, world)
        turns = self._questions(world, self.rng.randint(2, 6))
        if self.rng.random() < 0.25:
            turns[0] = (f"{text}\n\n{turns[0][0]}", turns[0][1])
            return self._chat(turns)
        told, asked = self._text(text), self._chat(turns)
        return Unit(told.ids + asked.ids, told.weights + asked.weights)

    def draw_told(self) -> Unit:
        """A pool world in words that differ each time."""
        world = self.rng.choice(self.pool)
        roll = self.rng.random()
        if roll < 0.5:
            return self._text(tell_world(self.rng, world))
        return self._text(tell_sentences(self.rng, world) if roll < 0.75 else tell_item(self.rng, world, self.rng.choice(world.items)))

    def draw_asked(self) -> Unit:
        """Questions about pool worlds without their text: mostly single turns, sometimes a talk about one world."""
        world = self.rng.choice(self.pool)
        return self._chat(self._questions(world, 1 if self.rng.random() < 0.8 else self.rng.randint(2, 4)))


def iterate_rows(maker: UnitMaker, length: int) -> Iterator[tuple[list[int], list[float]]]:
    """Rows of `length` + 1 tokens. The kind that is furthest behind its share by tokens is drawn next; fresh worlds start a row, so that
    their questions keep their text in sight; what does not fit of a prose page opens a later row."""
    mix = maker.mix
    wanted = {"prose": mix.prose, "fresh": mix.fresh, "told": mix.told, "asked": mix.asked}
    given = dict.fromkeys(wanted, 1.0)
    rest: Unit | None = None
    while True:
        ids: list[int] = []
        weights: list[float] = []
        while len(ids) <= length:
            kinds = [k for k in wanted if k != "fresh" or not ids]
            kind = min(kinds, key=lambda k: given[k] / wanted[k])
            unit = rest if kind == "prose" and rest else getattr(maker, f"draw_{kind}")()
            room = length + 1 - len(ids)
            if kind == "prose":
                rest = Unit(unit.ids[room:], unit.weights[room:]) if len(unit.ids) > room else None
            ids, weights = ids + unit.ids[:room], weights + unit.weights[:room]
            given[kind] += min(room, len(unit.ids))
        yield ids, weights


def gather_lines(prose: list[str], worlds: int, seed: int) -> Iterator[str]:
    """Lines for training the tokenizer: some of the prose, and worlds with questions from outside the pool."""
    rng = Random(f"lines {seed}")
    for page in prose[: len(prose) // 3]:
        yield from page.split("\n")
    for number in range(worlds):
        world = make_world(2 * FRESH_FROM + number)
        yield from tell_world(rng, world).split("\n")
        for item in world.items:
            yield from (part for fact in item.facts for part in ask_fact(rng, world, item, fact))
