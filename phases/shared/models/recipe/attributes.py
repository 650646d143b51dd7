"""What can be known about an invented thing: its attributes, and how their values are drawn.

`draw_attribute` picks an attribute, `draw_value` turns it and a seeded `random.Random` into a short value. Attributes with verbs of their own
are one line each: `label / other label; kind argument; statement with {x} and {v}; question about {x} / another question`. The last two may be empty.
"""

from dataclasses import dataclass
from random import Random

from phases.shared.models.recipe import names

_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MATERIALS = (
    "oak brass copper granite steel glass aluminium bronze lead iron pine slate brick nylon leather concrete ceramic tin beech cork linen zinc rubber "
    "marble titanium"
).split()
_COLOURS = "red blue green yellow white black grey orange pink green".split()
_WORDS = {
    "material": [*_MATERIALS, "ash wood"],
    "colour": [*_COLOURS, "pale blue", "crimson", "violet", "ivory", "turquoise", "brown", "silver", "light grey", "amber", "navy blue", "signal red"],
    "day": _DAYS,
    "month": _MONTHS,
}


@dataclass(frozen=True)
class Attribute:
    """One kind of fact: its labels, how its value is drawn, and wordings of its own beside the general ones."""

    labels: tuple[str, ...]
    kind: str
    argument: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]


def parse_attribute(line: str) -> Attribute:
    """Read one attribute line (see the module's docstring)."""
    labels, value, statement, question = ([part.strip() for part in field.split("/")] for field in line.split(";"))
    kind, _, argument = "/".join(value).partition(" ")
    return Attribute(tuple(labels), kind, argument, tuple(s for s in statement if s), tuple(q for q in question if q))


def _number(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.4:
        return str(rng.randint(2, 99))
    if roll < 0.6:
        return str(rng.randint(10, 99) * 10)
    if roll < 0.8:
        return f"{rng.randint(0, 49)}.{rng.randint(1, 9)}"
    return f"{rng.randint(1, 24)},{rng.randint(0, 19) * 50:03d}" if rng.random() < 0.5 else str(rng.randint(100, 999))


def _quantity(rng: Random, units: str) -> str:
    unit = rng.choice(units.split(","))
    gap = "" if unit == "%" and rng.random() < 0.3 else " "
    if rng.random() < 0.1:
        low = rng.randint(2, 60)
        return f"{low} to {low + rng.randint(1, 30)}{gap}{unit}"
    return f"{_number(rng)}{gap}{unit}"


def _date(rng: Random) -> str:
    day, month = rng.randint(1, 28), rng.choice(_MONTHS)
    return f"{day} {month} {rng.randint(1840, 2039)}" if rng.random() < 0.6 else f"{day} {month}"


def _interval(rng: Random) -> str:
    unit = rng.choice(("day", "week", "month", "hour", "year"))
    roll = rng.random()
    if roll < 0.2:
        return f"once a {unit}"
    if roll < 0.3:
        return f"twice a {unit}"
    return f"every {rng.randint(2, 48)} {unit}s"


def draw_value(attribute: Attribute, rng: Random) -> str:
    """A short value of the attribute's kind, as it stands in a document and as a bare answer."""
    kind, argument = attribute.kind, attribute.argument
    if kind in _WORDS:
        return rng.choice(_WORDS[kind])
    makers = {
        "quantity": lambda: _quantity(rng, argument),
        "count": lambda: str(rng.randint(2, 40) if rng.random() < 0.6 else rng.randint(41, 2400)),
        "year": lambda: str(rng.randint(1790, 2039)),
        "date": lambda: _date(rng),
        "time": lambda: f"{rng.randint(0, 23):02d}:{rng.choice((0, 10, 15, 20, 30, 40, 45, 50)):02d}",
        "interval": lambda: _interval(rng),
        "person": lambda: names.make_person(rng),
        "place": lambda: names.make_place(rng),
        "brand": lambda: names.make_brand(rng),
        "code": lambda: names.make_code(rng),
        "phrase": lambda: names.make_phrase(rng),
        "title": lambda: names.make_title(rng),
        "choice": lambda: rng.choice(argument.split(",")),
        "money": lambda: f"{rng.randint(2, 990)} {rng.choice(('euros', 'crowns', 'pounds', 'francs', 'dollars'))}",
    }
    return makers[kind]()


_MEASURES = (
    ("pressure", "bar,kPa,mbar"), ("temperature", "degrees,°C,K"), ("speed", "km/h,knots,m/s,rpm"), ("weight", "kg,tonnes,g"),
    ("load", "kg,tonnes,N"), ("length", "m,cm,mm"), ("height", "m,cm"), ("width", "m,cm,mm"), ("depth", "m,cm,fathoms"),
    ("capacity", "litres,m3,seats,tonnes"), ("voltage", "volts,V,kV"), ("current", "A,mA"), ("power", "kW,W,MW"), ("flow", "litres per minute,m3/h"),
    ("duration", "minutes,hours,days"), ("delay", "seconds,minutes"), ("dose", "mg,ml,drops"), ("distance", "km,m,miles"), ("volume", "ml,litres"),
    ("torque", "Nm"), ("frequency", "Hz,kHz,MHz"), ("humidity", "%"), ("share", "%"), ("output", "kg per hour,units per day,litres"), ("range", "km,m"),
    ("thickness", "mm,cm"), ("area", "hectares,m2"), ("fee", "euros,crowns,pounds"), ("budget", "euros,crowns"), ("level", "cm,mm,%"),
    ("tolerance", "mm,%"), ("angle", "degrees"), ("interval", "minutes,days,weeks"), ("limit", "kg,minutes,litres"), ("consumption", "kW,litres per hour"),
)
_MANNERS = (
    "maximum minimum normal nominal test average daily weekly reserve permitted standby total initial final rated usual safe net gross "
    "winter summer night opening closing inner outer upper lower starting filling storage working operating cleaning alarm rest target annual"
).split()
_ROLES = (
    "chief engineer/head engineer,captain,curator,director/head,caretaker,night guard,treasurer,head nurse,inspector,founder,owner,designer,"
    "builder,keeper,supervisor,deputy,secretary,trainer/coach,conductor,archivist,foreman,brewmaster,librarian,head cook,pilot,mayor,warden,"
    "quality manager,duty officer,contact person/contact,technician,safety officer,chair,project lead,head gardener,storekeeper,radio operator,author,patron"
).split(",")
_THINGS = (
    ("code", "inspection code,part number/part code,licence number,radio call sign/call sign,shelf mark,order number,spare fuse,filter type,battery type,file number,access code,lot number"),
    ("place", "storage place/place of storage,home port,place of origin/origin,meeting point,emergency exit,birthplace,training site,main depot,assembly point,sister town"),
    ("colour", "colour/paint colour,signal colour,flag colour,label colour,lamp colour,lid colour,cable colour,roof colour"),
    ("material", "material/main material,casing material,seal material,floor material,frame material"),
    ("phrase", "emblem/sign,password,motto,main product/product,nickname,first prize,warning sign,speciality,mascot,theme,symbol,special feature"),
    ("brand", "manufacturer/maker,supplier,main sponsor/sponsor,operator,predecessor,insurer,partner,cleaning agent,lubricant,publisher"),
    ("time", "opening time,closing time,departure time,start of the night shift,time of the daily test,lunch time,time of first bell,briefing time"),
    ("day", "closing day,market day,cleaning day,delivery day,rest day,day of the weekly meeting,maintenance day"),
    ("month", "harvest month,month of the audit,festival month,inspection month"),
    ("date", "founding date,date of the last inspection,opening date,expiry date,launch date,delivery date"),
    ("year", "year of construction/construction year,year of foundation,year of purchase,year of renovation,first year of service"),
    ("interval", "service interval/maintenance interval,inspection interval,cleaning rhythm,calibration interval,backup schedule,watering rhythm"),
    ("count", "number of rooms,number of members,crew size,number of seats,number of stops,number of blades,staff,number of windows,number of copies,number of sensors"),
    ("title", "main work,flagship,house song,best-known exhibit,annual festival,training course,newsletter,signature dish"),
)
_VERBS = tuple(
    parse_attribute(line)
    for line in """
year of construction/construction year; year; {x} was built in {v}/{v} saw the building of {x}; when was {x} built/in which year was {x} built/what year was {x} built in
founder; person; {x} was founded by {v}/{v} founded {x}; who founded {x}/by whom was {x} founded/who set up {x}
year of foundation/founding year; year; {x} was founded in {v}/{x} has existed since {v}; when was {x} founded/since when has {x} existed/how long ago, by year, was {x} founded
head/leader; person; {x} is led by {v}/{v} leads {x}/{v} is in charge of {x}; who leads {x}/who is in charge of {x}/who runs {x}/who heads {x}
keeper/person in charge; person; {v} looks after {x}/{x} is cared for by {v}; who looks after {x}/who takes care of {x}/who is responsible for {x}
designer; person; {v} designed {x}/{x} was designed by {v}; who designed {x}/whose design is {x}/who drew up the plans for {x}
location/place; place; {x} stands in {v}/{x} is located in {v}/{x} can be found in {v}; where is {x}/where is {x} located/in what place is {x}/where does one find {x}/where can {x} be found
storage place; place; {x} is kept in {v}/{x} is stored at {v}; where is {x} kept/where is {x} stored/in which place is {x} kept
weight/mass; quantity kg,tonnes,g; {x} weighs {v}; how much does {x} weigh/how heavy is {x}/what does {x} weigh
length; quantity m,km,cm; {x} is {v} long/{x} measures {v} in length; how long is {x}
height; quantity m,cm; {x} is {v} high/{x} rises to {v}; how high is {x}/how tall is {x}
depth; quantity m,fathoms; {x} is {v} deep/{x} reaches a depth of {v}; how deep is {x}/how far down does {x} go
width; quantity m,cm; {x} is {v} wide; how wide is {x}/how broad is {x}
capacity; quantity litres,seats,tonnes; {x} holds {v}/{x} has room for {v}; how much does {x} hold/how much fits into {x}
price/cost; money; {x} costs {v}/one pays {v} for {x}; how much does {x} cost/what does {x} cost/how much must one pay for {x}/what is the price of {x}
opening time; time; {x} opens at {v}; when does {x} open/at what time does {x} open/from what time is {x} open
closing time; time; {x} closes at {v}; when does {x} close/at what time does {x} close/until when is {x} open
starting time/start; time; {x} starts at {v}/{x} begins at {v}; when does {x} start/at what time does {x} begin/what time does {x} start
service interval; interval; {x} is serviced {v}/{x} gets a service {v}; how often is {x} serviced/at what interval is {x} serviced/how frequently is {x} serviced
inspection interval; interval; {x} is inspected {v}/{x} is checked {v}; how often is {x} inspected/how often is {x} checked/how regularly is {x} inspected
material; material; {x} is made of {v}/{x} consists of {v}; what is {x} made of/which material is {x} made of/of what is {x} made
colour; colour; {x} is painted {v}/{x} is {v}; what colour is {x}/which colour does {x} have/in which colour is {x} painted
maker/manufacturer; brand; {x} was made by {v}/{v} built {x}; who made {x}/which company made {x}/who is the maker of {x}
supplier; brand; {x} is supplied by {v}/{v} supplies {x}; who supplies {x}/which company supplies {x}/where does {x} come from
crew size/crew; count; {x} has a crew of {v}/{v} people work on {x}; how many people work on {x}/how large is the crew of {x}/how big is the crew of {x}
staff; count; {x} employs {v} people/{v} people work at {x}; how many people work at {x}/how many people does {x} employ
number of rooms; count; {x} has {v} rooms/there are {v} rooms in {x}; how many rooms does {x} have/how many rooms are there in {x}
running time/duration; quantity minutes,hours,days; {x} takes {v}/{x} lasts {v}; how long does {x} take/how long does {x} last/how much time does {x} take
life/service life; quantity years,months,hours; {x} lasts {v}/{x} is replaced after {v}; how long does {x} last/after how long is {x} replaced
successor; code; {x} was replaced by {v}/{v} is the successor of {x}; what replaced {x}/what came after {x}/by what was {x} replaced
energy source/power source; choice diesel,wind,gas,battery power,steam,peat,solar power,mains power,hydrogen,wood chips; {x} runs on {v}/{x} is driven by {v}; what does {x} run on/what drives {x}/what powers {x}
purpose/use; choice drying grain,cleaning bottles,pumping water,lifting crates,mixing paint,cutting glass,storing seeds,measuring wind,sorting mail,cooling milk,teaching children,treating burns,weighing fish,printing maps,testing cables; {x} serves for {v}/{x} is used for {v}; what is {x} used for/what purpose does {x} serve/what is {x} for
date of the last inspection/last inspection; date; {x} was last inspected on {v}; when was {x} last inspected/on what date was {x} last inspected
opening date/date of opening; date; {x} was opened on {v}/the opening of {x} was on {v}; when was {x} opened/on which date did {x} open
""".strip().splitlines()
)


def draw_attribute(rng: Random) -> Attribute:
    """One attribute out of thousands: a measure, a role, a thing with a label, or one with verbs of its own."""
    roll = rng.random()
    if roll < 0.35:
        return rng.choice(_VERBS)
    if roll < 0.6:
        noun, units = rng.choice(_MEASURES)
        label = f"{rng.choice(_MANNERS)} {noun}" if rng.random() < 0.75 else noun
        return Attribute((label,), "quantity", rng.choice(units.split(",")), (), ())
    if roll < 0.75:
        role = rng.choice(_ROLES).split("/")
        if rng.random() < 0.3:
            role = [f"{rng.choice('deputy former acting second honorary current'.split())} {role[0]}"]
        return Attribute(tuple(role), "person", "", (), ())
    kind, labels = rng.choice(_THINGS)
    return Attribute(tuple(rng.choice(labels.split(",")).split("/")), kind, "", (), ())
