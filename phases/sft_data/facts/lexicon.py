"""The words that the rules know: verbs, prepositions, units, roles, and words that make a sentence unfit.

In: nothing. Out: frozen sets and mappings of lower-case words.
"""

from __future__ import annotations

from types import MappingProxyType


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BE = _words("is are was were")
PLACES = _words("in on at under behind beside near above below over beneath between inside outside along opposite against "
                "around across to")
PREPOSITIONS = PLACES | _words("by of with from for after before until within every each into through during since as till "
                               "without per onto toward towards upon via than despite except beyond among throughout past")
PARTICLES = _words("up down out off away back over")
NEGATIONS = _words("not never no neither nor none hardly rarely seldom cannot only also always usually often sometimes "
                   "currently typically generally normally still already therefore thus however too so either")
MODALS = _words("must can may might should would could will shall need needs ought do does did")
CLAUSES = _words("that which who whom whose where when if unless because while although though since whether what how why "
                 "and or but than before until as so")
BAD_STARTS = _words(
    "it they he she we you i this that these those there here each every no any some such other others another many most "
    "all both one two three four five six seven eight nine ten none nothing nobody everyone everything someone something "
    "its his her their our your my what which who whose when where why how if unless because while although since as after "
    "before until at in on by of with from to for under over between during without within into not never only also then "
    "now thus therefore however and or but so yet usually often sometimes finally first second third next instead "
    "otherwise again perhaps maybe note see use using let please more less few several either neither see today whatever "
    "given similarly likewise additionally furthermore moreover for example twice once half")
GENERIC = _words(
    "function method value option file user system example chapter section program command argument result name list object "
    "type following latter former same other rest first second third default reason idea problem point way thing answer "
    "question case number string class module package code text page table figure document version process parameter "
    "variable field entry item element key data output input process rule work next last work test task step")
PARTICIPLES = _words(
    "built made kept held lit laid hung sent led set drawn cut bound cast found known written driven run sewn strung given sold "
    "bought taught shown worn wound put fed born closed open opened due broken chosen dug grown hidden lost met paid read "
    "said sealed seen sung spun stolen struck swept sworn thrown torn told understood won woven forged spent dug torn spoken "
    "beaten blown brought caught fought ground lent rung sunk shot shut split spread stuck frozen eaten taken located situated")
PAST_OF = MappingProxyType({
    "drawn": "drew", "written": "wrote", "driven": "drove", "sewn": "sewed", "given": "gave", "shown": "showed", "worn": "wore",
    "broken": "broke", "chosen": "chose", "thrown": "threw", "woven": "wove", "stolen": "stole", "spoken": "spoke",
    "beaten": "beat", "blown": "blew", "rung": "rang", "sunk": "sank", "taken": "took", "run": "ran", "grown": "grew",
    "known": "", "born": "", "due": "", "closed": "closed", "open": "", "located": "", "situated": "", "torn": "tore",
    "hidden": "hid", "seen": "saw", "sung": "sang", "eaten": "ate", "frozen": "froze"})
VERBS = MappingProxyType({  # third person or past -> base form; the past ones are in PAST_VERBS
    **{base + ("es" if base.endswith(("ss", "sh", "ch", "x", "o")) else "s"): base for base in (
        "weigh cost hold contain deliver last take run work open close leave arrive depart begin start end stand hang lie live "
        "sleep feed supply serve sell cover consist come show listen repair carve play tie keep bake draw use lift haul wear "
        "measure record produce power drive heat cool fill store connect link mark mean require seat accommodate transport "
        "fit pump light repeat grow breed collect teach lead manage own read expire retire meet sit rise fall operate flow rest").split()
       if not base.endswith(("ly", "ry", "ty"))},
    "carries": "carry", "supplies": "supply", "ties": "tie", "lies": "lie", "dries": "dry", "carried": "carry", "came": "come",
    "began": "begin", "opened": "open", "closed": "close", "sank": "sink", "started": "start", "taught": "teach", "lost": "lose",
    "rescued": "rescue", "cost": "cost", "held": "hold", "ended": "end", "arrived": "arrive", "left": "leave", "died": "die",
    "lived": "live", "founded": "found", "designed": "design", "invented": "invent", "discovered": "discover", "built": "build",
    "wrote": "write", "won": "win", "joined": "join", "moved": "move", "stood": "stand", "weighed": "weigh", "lasted": "last",
    "retired": "retire", "painted": "paint", "composed": "compose", "became": "become", "grew": "grow", "took": "take"})
PAST_VERBS = _words(
    "carried came began opened closed sank started taught lost rescued cost held ended arrived left died lived founded designed "
    "invented discovered built wrote won joined moved stood weighed lasted retired painted composed became grew took")
TRANSITIVE = _words(
    "repair carve play tie keep bake draw feed supply serve sell show lift haul wear measure record produce power drive "
    "heat cool pump light breed grow collect teach lead own carry rescue lose use mark cover found design invent discover "
    "build write paint compose join transport")
MEASURE_VERBS = _words("weigh cost hold contain deliver last take run carry seat accommodate use measure require transport fit store lift "
                       "cover")
LENGTHS = _words("long wide high deep tall thick broad old away apart heavy across")
TIME_UNITS = _words("second seconds minute minutes hour hours day days week weeks month months year years fortnight fortnights")
UNITS = TIME_UNITS | _words(
    "metre metres meter meters centimetre centimetres centimeter centimeters millimetre millimetres millimeter millimeters "
    "kilometre kilometres kilometer kilometers mile miles yard yards foot feet inch inches micron microns gram grams kilogram "
    "kilograms tonne tonnes ton tons pound pounds ounce ounces litre litres liter liters millilitre millilitres gallon gallons "
    "watt watts kilowatt kilowatts megawatt megawatts volt volts ampere amperes amp amps newton newtons bar pascal pascals hertz "
    "kilohertz megahertz degree degrees percent knot knots byte bytes kilobyte kilobytes megabyte megabytes gigabyte gigabytes bit "
    "bits dollar dollars euro euros crown crowns franc francs hectare hectares acre acres kg g mg t m cm mm km l ml kw w v a mw mb "
    "gb kb tb hz khz mhz ghz nm kn mph rpm psi mpa kpa mbar ms min h s lb oz ft kbit db °c °f % € $ £ ampere-hours")
SHAPE_WORDS = _words("nautical square cubic ampere light horse full")
PERSON_ROLES = _words(
    "author editor skipper founder architect keeper engineer doctor mate officer postmistress postmaster mason visitor captain "
    "owner manager director head chief inventor designer builder composer painter teacher leader chair chairman chairwoman "
    "president secretary treasurer mayor king queen minister nurse inspector curator caretaker guard supervisor deputy trainer "
    "coach conductor archivist foreman brewmaster librarian cook pilot warden master maintainer developer creator winner "
    "storekeeper operator chairperson dean principal translator publisher maker supplier manufacturer witness baker gardener "
    "contact ceo instructor driver sailor artist discoverer predecessor successor")
NOUNS_OF_ATTRIBUTES = _words(
    "colour color character signal period material range name title code model type size shape length width height depth weight "
    "mass volume capacity speed power voltage pressure temperature age date year time day month place location position origin "
    "birthplace capital language currency symbol emblem motto sound meaning cause purpose source author maker owner number price "
    "fee cost limit interval duration rate ratio frequency pitch area diameter radius thickness density lining crop dish engine "
    "fuel status licence license format extension port default address colour's destination crew cargo diet habitat surface base "
    "finish password nickname theme product unit grade brand output input layout mixture key remedy abbreviation")
COLOURS = _words(
    "red green blue white black yellow orange violet purple pink brown grey gray silver gold golden turquoise crimson scarlet "
    "ivory amber cobalt mustard maroon ochre tan lilac lavender cream beige navy indigo teal cyan magenta charcoal pearl")
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
WEEKDAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
NUMBER_WORDS = ("two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
                "nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety")
