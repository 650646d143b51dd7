"""Invented names: a seeded `random.Random` goes in, a person, place, ship, product or device code comes out.

Every name is put together from parts, so that no world is ever about something that exists.
"""

from random import Random

_FIRST = (
    "Mira Jonas Ada Tilo Ruth Emil Nora Oskar Lena Hugo Vera Anton Ida Karl Selma Bruno Greta Felix Hanna Otto Marta Paul Elsa Viktor "
    "Clara Simon Alma Erik Judith Leo Britta Konrad Agnes Robin Tessa Magnus Olga Peter Sonja Walter Petra Henrik Dora Lukas Irma David "
    "Frieda Samuel Helga Julian Rosa Martin Edith Nils Tamara Arne Livia Gregor Miriam Jörg Käthe Björn Sören Grace Owen Harriet Alan Joan "
    "Edwin Pearl Victor Amina Kofi Priya Ravi Yuki Kenji Mei Tariq Leila Omar Zara Ines Pablo Luisa Diego Chiara Marco Elena Ivan Anya"
).split()
_LAST = (
    "Holt Brandt Keller Vance Moss Lindqvist Aldous Berger Crane Dorn Eckhart Fane Garrick Hale Ibsen Jarrow Kestrel Lowe Marsh Nolan "
    "Orme Pike Quill Rask Stroud Thorne Ulrich Varga Wynn Yates Ziegler Amsel Birk Corvin Dahl Ekman Forster Grau Hollis Iversen Jung Krantz "
    "Lorenz Munk Nyberg Okafor Petrov Rossi Sato Tanaka Ueda Vogel Weiss Adler Böhm Müller Schäfer Köhler Strand Falk Greer Haddad Ito Kaya "
    "Levin Mbeki Novak Ortiz Patel Reyes Singh Tran Vidal Wood Young Zeller Ashby Colby Denham Elwood Farrow Glover Hobbs"
).split()
_HEAD = "br k gr t st m n l d v h s p r f w b kr sk tr fl gl dr sw th wh c cl pl".split()
_VOWEL = "a e i o u a e i o ea ai oo ie ou au ei".split()
_TAIL = "n l r s t m rn lm nd st rk sk lt ng th d v x lv mb".split()
_PLACE_END = (
    "ford wick haven stad dale mouth bury field holm beck mere ton ham burg ness fell gate bridge port hurst stead well moor brook"
).split()
_PLACE_HEAD = "Upper Lower New Old East West North South Little Great Saint Port Fort Mount Lake Cape".split()
_ADJECTIVE = (
    "silver quiet amber northern golden broad early hidden bright iron swift gentle crimson late blue hollow white long copper winter "
    "summer green wandering patient second last open double upper morning evening velvet stone salt clear dark little great"
).split()
_NOUN = (
    "heron alder meadow lantern anchor willow harbour falcon orchard compass thistle otter beacon cedar swallow mill ember garden tide "
    "kettle bridge raven clover arrow badger barrel crown drum echo feather glove hazel island juniper kite ladder maple needle oak pearl "
    "quarry river saddle thorn urchin violet wagon yarrow acorn bell castle dune elm fox gable hare ivy jackdaw knot larch moth nettle owl"
).split()


def make_syllable(rng: Random) -> str:
    """One pronounceable syllable, such as `kel` or `stou`."""
    return rng.choice(_HEAD) + rng.choice(_VOWEL) + (rng.choice(_TAIL) if rng.random() < 0.45 else "")


def make_word(rng: Random, least: int = 1, most: int = 2) -> str:
    """An invented word of some syllables with a capital letter."""
    return "".join(make_syllable(rng) for _ in range(rng.randint(least, most))).capitalize()


def make_person(rng: Random) -> str:
    """A first and a last name, sometimes with a title or a middle initial."""
    first = rng.choice(_FIRST) if rng.random() < 0.7 else make_word(rng, 1, 2)
    last = rng.choice(_LAST) if rng.random() < 0.6 else make_word(rng, 1, 2)
    roll = rng.random()
    if roll < 0.05:
        return f"Dr {first} {last}"
    if roll < 0.1:
        return f"{first} {rng.choice('ABCDEFGHJKLMNPRSTVW')}. {last}"
    return f"{first} {last}"


def make_place(rng: Random) -> str:
    """A town, bay or hill that is on no map."""
    roll = rng.random()
    if roll < 0.55:
        return make_word(rng, 1, 1) + rng.choice(_PLACE_END)
    stem = make_word(rng, 1, 2)
    if roll < 0.7:
        return f"{rng.choice(_PLACE_HEAD)} {stem}"
    if roll < 0.85:
        return f"{stem} {rng.choice('Bay Hill Street Quay Valley Island Point Bridge Square Lane Sound Head Reach Ridge'.split())}"
    return stem


def make_title(rng: Random) -> str:
    """A two-word title for ships, houses, products and works: `Silver Heron`."""
    return f"{rng.choice(_ADJECTIVE)} {rng.choice(_NOUN)}".title()


def make_brand(rng: Random) -> str:
    """A short made-up product or company name."""
    roll = rng.random()
    if roll < 0.4:
        return make_word(rng, 1, 3)
    if roll < 0.7:
        return make_title(rng)
    return f"{rng.choice(_LAST)} {rng.choice(_NOUN).capitalize()}"


def make_code(rng: Random) -> str:
    """A model or part code, such as `KL-4`, `R12`, `TX 200` or `AQ-17b`."""
    letters = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXZ") for _ in range(rng.choice((1, 2, 2, 2, 3))))
    number = str(rng.choice((rng.randint(1, 9), rng.randint(10, 99), rng.randint(100, 999), rng.randint(1, 40) * 50)))
    code = letters + rng.choice(("-", "-", "-", "", " ", "/")) + number
    return code + (rng.choice("abcx") if rng.random() < 0.06 else "")


def make_phrase(rng: Random) -> str:
    """A short lower-case noun phrase, the kind of value that is neither number nor name."""
    adjective, noun = rng.choice(_ADJECTIVE), rng.choice(_NOUN)
    return f"{adjective} {noun}" if rng.random() < 0.6 else f"{noun} {rng.choice(_NOUN)}"
