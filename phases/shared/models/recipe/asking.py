"""Ask about an invented world: a fact goes in, a question in one of very many wordings and its short answer come out.

A wording is an opener, a core and a closer. `RESERVED` lists wordings that are kept for evaluation: no text of the pretraining may hold
one of them, so that a question asked with them is new to the model.
"""

from random import Random

from phases.shared.models.recipe.worlds import Fact, Item, World

RESERVED = (
    "tell me", "i would like to know", "belongs to", "do you know", "can you say", "remind me", "according to the documents", "looking for",
)
_UNWANTED = ("lighthouse", "light station", "fog signal", "light-station", "light house")

_WH = (
    "what is the {l} of {x}?", "what is the {l} of {x}?", "what is {x}'s {l}?", "what {l} does {x} have?", "which {l} does {x} have?", "what is the {l} for {x}?",
    "which {l} is given for {x}?", "what {l} is recorded for {x}?", "what is given as the {l} of {x}?", "for {x}, what is the {l}?", "the {l} of {x} is what?",
    "what is listed as the {l} of {x}?", "which {l} applies to {x}?", "what {l} has been set for {x}?", "what should one expect as the {l} of {x}?",
    "what stands under {l} for {x}?", "what does {x} have as its {l}?", "what does the text give as the {l} of {x}?", "when it comes to {x}, what is the {l}?",
    "in the case of {x}, what is the {l}?", "with regard to {x}, which {l} is noted?", "what would you enter as the {l} of {x}?", "what {l} goes with {x}?",
    "which value is the {l} of {x}?", "how is the {l} of {x} given?", "what can be read about the {l} of {x}?", "what was noted as the {l} of {x}?", "what is known about the {l} of {x}?",
    "looking at {x}, what is the {l}?", "as for {x}, what is its {l}?", "which is the {l} of {x}?", "{x}: what is the {l}?", "what about the {l} of {x}?", "and the {l} of {x}?",
)
_ORDERS = (
    "state the {l} of {x}.", "give the {l} of {x}.", "name the {l} of {x}.", "report the {l} of {x}.", "write down the {l} of {x}.", "quote the {l} of {x}.",
    "fill in the {l} of {x}.", "look up the {l} of {x}.", "find the {l} of {x}.", "note the {l} for {x}.", "provide the {l} of {x}.", "specify the {l} of {x}.",
    "for {x}, give the {l}.", "recall the {l} of {x}.", "answer with the {l} of {x}.", "supply the {l} for {x}.", "identify the {l} of {x}.", "list the {l} of {x}.", "i need the {l} of {x}.",
    "show the {l} of {x}.", "complete: the {l} of {x} is", "the {l} of {x} is", "mention the {l} of {x}.", "indicate the {l} that {x} has.", "enter the {l} of {x}.",
)
_FRAGMENTS = (
    "{x}: {l}?", "{l} of {x}?", "{x}, {l}?", "{l} ({x})?", "{x} - {l}", "{l}, {x}", "{x} {l}?", "{l} for {x}?", "{x} / {l}", "{l} of {x}", "topic: {x}. wanted: {l}.", "{x}; {l}?",
)
_BY_KIND = {
    "person": (
        "who is the {l} of {x}?", "who is {l} of {x}?", "who serves as {l} of {x}?", "who holds the post of {l} at {x}?", "which person is the {l} of {x}?", "who is the {l} at {x}?",
        "name the person who is {l} of {x}.", "who works as {l} for {x}?", "what is the name of the {l} of {x}?", "who acts as the {l} of {x}?", "what is the {l} of {x} called?",
        "who has the job of {l} at {x}?", "whose job is it to be {l} of {x}?", "who does {x} have as {l}?", "by what name does the {l} of {x} go?", "who fills the role of {l} at {x}?",
    ),
    "quantity": (
        "how much is the {l} of {x}?", "how large is the {l} of {x}?", "what does the {l} of {x} come to?", "what figure is given for the {l} of {x}?", "how high is the {l} of {x}?",
        "what is the {l} of {x} in figures?", "to how much does the {l} of {x} amount?", "what number and unit stand for the {l} of {x}?", "what reading is right for the {l} of {x}?", "how great is the {l} of {x}?",
    ),
    "count": ("how many make up the {l} of {x}?", "how large is the {l} of {x}?", "what figure is given for the {l} of {x}?", "how high is the {l} of {x}?", "give the {l} of {x} as a number."),
    "place": ("where is the {l} of {x}?", "where does {x} have its {l}?", "in which place is the {l} of {x}?", "which place is the {l} of {x}?", "where would one find the {l} of {x}?", "where is the {l} for {x}?"),
    "time": ("when is the {l} of {x}?", "at what time is the {l} of {x}?", "at which hour is the {l} of {x}?", "what time is the {l} of {x}?", "at what o'clock is the {l} of {x}?"),
    "year": ("in which year was the {l} of {x}?", "which year is the {l} of {x}?", "what year is given as the {l} of {x}?", "when was the {l} of {x}?"),
    "date": ("when is the {l} of {x}?", "on which date is the {l} of {x}?", "on what day is the {l} of {x}?", "which date is the {l} of {x}?", "when was the {l} of {x}?"),
    "day": ("on which day is the {l} of {x}?", "which day of the week is the {l} of {x}?", "when is the {l} of {x}?", "what day is the {l} of {x}?"),
    "month": ("in which month is the {l} of {x}?", "which month is the {l} of {x}?", "when is the {l} of {x}?"),
    "interval": ("how often is the {l} of {x}?", "how long is the {l} of {x}?", "at what intervals is the {l} of {x}?", "how frequent is the {l} of {x}?"),
    "brand": ("who is the {l} of {x}?", "which company is the {l} of {x}?", "what is the name of the {l} of {x}?", "which name stands for the {l} of {x}?", "what {l} does {x} use?"),
    "code": ("what code is the {l} of {x}?", "which letters and numbers are the {l} of {x}?", "what is written as the {l} of {x}?", "under which {l} does {x} run?"),
    "colour": ("which colour is the {l} of {x}?", "what colour is the {l} of {x}?", "of which colour is the {l} of {x}?"),
    "material": ("which material is the {l} of {x}?", "what is the {l} of {x} made of?", "of what is the {l} of {x}?"),
    "money": ("how much is the {l} of {x}?", "what sum is the {l} of {x}?", "how high is the {l} of {x}?"),
    "title": ("what is the {l} of {x} called?", "what name does the {l} of {x} have?", "which title does the {l} of {x} bear?"),
}
_OPENERS = (
    "please", "question:", "a question:", "a quick question:", "could you help?", "one more thing:", "hello,", "hi!", "excuse me,", "in short,", "briefly:", "about {p}:", "at {p},", "in {p},",
    "next:", "now", "quiz:", "good morning,", "as a check:", "for the record,", "just to be sure,", "from memory:", "let me ask:", "just curious:", "so", "well,", "also,", "for my notes:",
    "i was asked this:", "a visitor asks:", "test question:", "here is one:", "help me out:", "i forgot:", "we wonder:",
)
_CLOSERS = (
    "please.", "answer briefly.", "short answer, please.", "only the answer.", "just the value.", "thanks!", "thank you.", "one word or figure is enough.", "keep it short.", "be brief.", "no sentence needed.", "(short)",
)
_POLITE = ("could you {c}", "can you {c}", "would you {c}", "please {c}", "i want you to {c}", "try to {c}", "kindly {c}", "will you {c}", "i ask you to {c}", "you should {c}")
_INDIRECT = (
    "what would you answer if someone asked for the {l} of {x}?", "i have to enter the {l} of {x}; what is it?", "somebody wrote down the {l} of {x}. what was it?", "does anyone know the {l} of {x}?",
    "i am unsure about the {l} of {x}.", "i wonder what the {l} of {x} is.", "we have to find out the {l} of {x}.", "can you give the {l} of {x}?", "could you look up the {l} of {x} for us?", "there is a {l} for {x}; which one?",
    "my colleague asked about the {l} of {x}.", "it is about {x}. what is the {l}?", "let us talk about {x}. what {l} does it have?", "is the {l} of {x} known? if so, give it.", "the form asks for the {l} of {x}.", "what do we know of {x} as to its {l}?",
)
_GROUNDS = (
    "going by|judging by|following|in line with|on the basis of|as per|in view of|from|with an eye on|after reading|thinking of|relying on|as shown in".split("|"),
    "the our these your all my those".split(),
    "papers notes records files pages texts books lists reports archives plans sheets tables lines sources manuals".split(),
)
_TAILS = (
    (", ", "; ", " - ", ", because ", ", since ", ", as ", ". ", ", so that "),
    "I we they the_guests my_colleagues two_people some_visitors the_others both_of_us".split(),
    "need it|must write it down|have to note it|will use it soon|want it for the form|should learn it|could use it|have to be sure|are waiting|cannot find it|must get it right|may need it later".split("|"),
)
_SEEN = (
    ("what", "which"),
    "can would must should do did may could might will".split(),
    "we they people the_staff the_notes visitors all experts the_books most_people our_files".split(),
    "give for {x}|note for {x}|enter for {x}|find for {x}|use for {x}|connect with {x}|list under {x}|show for {x}|think {x} has|expect {x} to have|claim {x} has|see at {x}|believe {x} has|state {x} has|read that {x} has|link to {x}".split("|"),
)


def _join(rng: Random, parts: tuple[list[str] | tuple[str, ...], ...]) -> list[str]:
    """One word or phrase of each part."""
    return [rng.choice(part).replace("_", " ") for part in parts]


def _draw_seen(rng: Random) -> str:
    """A core put together from parts: `which {l} would the staff enter for {x}?`"""
    wh, aux, who, verb = _join(rng, _SEEN)
    return f"{wh} {{l}} {aux} {who} {verb}?"


def _surround(rng: Random, text: str, place: str) -> str:
    """Put an opener before and a closer after some of the questions."""
    roll = rng.random()
    if roll < 0.18:
        text = f"{rng.choice(_OPENERS).format(p=place)} {text}"
    elif roll < 0.26:
        text = f"{' '.join(_join(rng, _GROUNDS))}, {text}"
    roll = rng.random()
    if roll < 0.1:
        return f"{text} {rng.choice(_CLOSERS)}"
    if roll < 0.2:
        joint, who, need = rng.choice(_TAILS[0]), *_join(rng, _TAILS[1:])
        mark = rng.choice((".", "", "!")) if text[-1] in ".?" else "."
        return f"{text.rstrip('.?') if joint[0] in ',;' else text.rstrip('.')}{joint}{who} {need}{mark}"
    return text


def is_allowed(text: str) -> bool:
    """Whether a text may be trained on: it holds no wording that is kept for evaluation."""
    lowered = " ".join(text.lower().split())
    return not any(part in lowered for part in RESERVED + _UNWANTED)


def _draw_core(rng: Random, fact: Fact) -> str:
    own, by_kind = fact.attribute.questions, _BY_KIND.get(fact.attribute.kind, ())
    roll = rng.random()
    if own and roll < 0.4:
        core = rng.choice(own)
        return core if core.endswith(("?", ".")) else core + "?"
    if by_kind and roll < 0.6:
        return rng.choice(by_kind)
    if roll > 0.9:
        return _draw_seen(rng)
    return rng.choice(rng.choices((_WH, _ORDERS, _FRAGMENTS, _INDIRECT), (5, 3, 2, 2))[0])


def word_question(rng: Random, world: World, item: Item, fact: Fact) -> str:
    """One wording of the question about a fact; the same fact has thousands."""
    core = _draw_core(rng, fact)
    if core in _ORDERS and core.endswith(".") and not core.startswith(("i ", "for ", "the ")) and rng.random() < 0.3:
        core = rng.choice(_POLITE).format(c=core[:-1]) + "?"
    text = core.format(x=rng.choice(item.forms), l=rng.choice(fact.attribute.labels))
    text = _surround(rng, text, world.place)
    text = text if rng.random() < 0.06 else text[:1].upper() + text[1:]
    text = text.replace(" i ", " I ") if rng.random() < 0.9 else text
    return text if is_allowed(text) else word_question(rng, world, item, fact)


def word_reverse(rng: Random, item: Item, fact: Fact) -> tuple[str, str]:
    """A question from the value back to the item, and its answer."""
    question = rng.choice(
        ("which {n} has {v} as its {l}?", "of which {n} is {v} the {l}?", "{v} is the {l} of what?", "name the {n} whose {l} is {v}.", "what has {v} as {l}?", "for which {n} is the {l} {v}?")
    ).format(n=item.noun, v=fact.value, l=fact.attribute.labels[0])
    return question[:1].upper() + question[1:], item.forms[0]


def ask_fact(rng: Random, world: World, item: Item, fact: Fact) -> tuple[str, str]:
    """A question and its answer: nearly always the bare value, sometimes a sentence where a sentence is asked for."""
    roll = rng.random()
    if roll < 0.06:
        question, answer = word_reverse(rng, item, fact)
        return (question, answer) if is_allowed(question) else ask_fact(rng, world, item, fact)
    question = word_question(rng, world, item, fact)
    if roll < 0.1:
        label, subject = fact.attribute.labels[0], item.forms[0]
        whole = f"The {label} of {subject} is {fact.value}."
        return f"{question} {rng.choice(('Answer in a full sentence.', 'In a sentence, please.', 'Write a whole sentence.'))}", whole
    return question, fact.value
