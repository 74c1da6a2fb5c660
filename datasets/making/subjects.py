"""What the long documents are about: a harbour, a museum, an observatory, a valley's trails. All of it is invented."""

from __future__ import annotations

from random import Random
from typing import Final

from making.names import people, places
from making.writing import Written

__all__ = ["harbour", "museum", "observatory", "trails"]

_MONTHS: Final = (
    "January February March April May June July August September October November December".split()
)


def harbour(draw: Random) -> Written:
    """The annual report of a port: its quays in prose, its traffic in a table."""
    made = Written("Port of Skarholm: report on the year 2025")
    made.paragraph(
        "The port lies in the lee of two islands and has been worked without a break since the first jetty was laid.",
        "This report goes through the quays from the west to the east, and then through the traffic of the year.",
        "All lengths and depths are those of the last survey; goods are named as the customs office names them.",
        "Where a figure could not be had in time, the office has left it out and not guessed it.",
    )
    names = "Tallow Juniper Lantern Corsair Amber Millstone Herring Saltpan Gannet Foundry Chandler Pilgrim Osprey Bellman Thorn Magpie Quarry Sextant".split()
    masters = people(draw, len(names))
    lengths, depths = draw.sample(range(90, 480), len(names)), draw.sample(range(40, 160), len(names))
    built, lifts = draw.sample(range(1841, 1990), len(names)), draw.sample(range(4, 95), len(names))
    goods = draw.sample(
        "timber grain cement salt herring granite wool machinery fertiliser paper ore cider glass bricks sugar coal slate wax".split(),
        len(names),
    )
    for place, name in enumerate(names):
        quay = f"{name} Quay"
        made.section(
            draw,
            quay,
            {
                "length": (f"{quay} measures {lengths[place]} metres along its edge, ladders and steps included.", f"How many metres does {quay} measure along its edge?", str(lengths[place])),
                "depth": (f"At mean low water the depth beside {quay} is {depths[place] / 10} metres.", f"What is the depth beside {quay} at mean low water, in metres?", str(depths[place] / 10)),
                "built": (f"The masonry of {quay} was finished in {built[place]}, after two winters of work.", f"In which year was the masonry of {quay} finished?", str(built[place])),
                "master": (f"The berth master of {quay} is {masters[place]}, who took the post over from a cousin.", f"Who is the berth master of {quay}?", masters[place]),
                "crane": (f"The largest crane on {quay} lifts {lifts[place]} tonnes at full reach.", f"How many tonnes does the largest crane on {quay} lift?", str(lifts[place])),
                "goods": (f"Most of what is landed at {quay} is {goods[place]}, and has been for a generation.", f"What is most of what is landed at {quay}?", goods[place]),
            },
            _QUAY_REMARKS,
        )  # fmt: skip
    rows = [
        (month, draw.randrange(61, 199), draw.randrange(210, 989), draw.randrange(1, 19)) for month in _MONTHS
    ]
    made.table("Traffic of the year", ["Month", "Ships", "Passengers", "Days closed by wind"], rows)
    for month, ships, passengers, closed in rows:
        made.questions += [
            (f"According to the traffic table, how many ships called in {month}?", str(ships), "table"),
            (f"According to the traffic table, how many passengers were there in {month}?", str(passengers), "table"),
            (f"According to the traffic table, on how many days was the port closed by wind in {month}?", str(closed), "table"),
        ]  # fmt: skip
    return made


def museum(draw: Random) -> Written:
    """The catalogue of a museum: one entry an object."""
    made = Written("Catalogue of the Wexley Museum of Instruments")
    made.paragraph(
        "The collection was begun by a clockmaker who could throw nothing away, and left to the town by his daughters.",
        "An entry names the object, its maker, what it is made of, where it stands, and how it came to the house.",
        "Weights were taken on the old scale in the cellar and are good to a tenth of a kilogram.",
    )
    objects = (
        "orrery theodolite metronome sextant barograph hygrometer astrolabe pantograph heliostat planimeter tellurion "
        "spectroscope chronograph seismograph kaleidoscope stroboscope anemometer clinometer"
    ).split()
    makers, givers = people(draw, len(objects)), people(draw, len(objects))
    years, weights = draw.sample(range(1702, 1931), len(objects)), draw.sample(range(9, 420), len(objects))
    numbers, rooms = draw.sample(range(1001, 9990), len(objects)), draw.sample(range(2, 41), len(objects))
    woods = "walnut pearwood brass ebony maple bronze silver boxwood mahogany steel ivory cherry copper horn teak slate oak pewter".split()
    stuff = draw.sample(woods, len(objects))
    for place, thing in enumerate(objects):
        named = f"the {thing}"
        made.section(
            draw,
            f"{numbers[place]}. {thing.capitalize()}",
            {
                "maker": (f"The maker of {named} was {makers[place]}, whose mark is cut under the base.", f"Who was the maker of {named}?", makers[place]),
                "year": (f"An inscription on {named} gives the year {years[place]}, in a later hand.", f"Which year does the inscription on {named} give?", str(years[place])),
                "stuff": (f"The body of {named} is of {stuff[place]}, turned and then polished with oil.", f"What is the body of {named} made of?", stuff[place]),
                "weight": (f"On the scale {named} weighs {weights[place] / 10} kilograms without its case.", f"How many kilograms does {named} weigh without its case?", str(weights[place] / 10)),
                "room": (f"Visitors find {named} in room {rooms[place]}, behind glass.", f"In which room do visitors find {named}?", str(rooms[place])),
                "giver": (f"The giver of {named} was {givers[place]}, who asked for no receipt.", f"Who was the giver of {named}?", givers[place]),
            },
            _OBJECT_REMARKS,
        )  # fmt: skip
    return made


def observatory(draw: Random) -> Written:
    """The handbook of an observatory: its instruments in prose, its dome roster in a table."""
    made = Written("Handbook of the Tarnfell Observatory")
    made.paragraph(
        "This handbook is for observers on their first night and for engineers on their last.",
        "Read the chapter on your instrument before you open its dome, and the page on lightning before anything else.",
        "Sizes are those of the clear opening, not of the tube; focal lengths are with the field flattener in place.",
    )
    names = "Heron Basilisk Merlin Griffin Sparrow Chimera Plover Wyvern Kestrel Selkie Bittern Phoenix Curlew Manticore Dotterel Sphinx Lapwing".split()
    keepers = people(draw, len(names))
    openings, focal = draw.sample(range(80, 990), len(names)), draw.sample(range(1001, 9900), len(names))
    years, cold = draw.sample(range(1951, 2024), len(names)), draw.sample(range(31, 140), len(names))
    limits = draw.sample(range(11, 90), len(names))
    targets = draw.sample(
        "comets pulsars binaries asteroids quasars nebulae meteors exoplanets supernovae clusters flares novae blazars magnetars occultations planets maps".split(),
        len(names),
    )
    for place, name in enumerate(names):
        made.section(
            draw,
            f"The {name} telescope",
            {
                "opening": (f"The clear opening of the {name} telescope is {openings[place]} millimetres.", f"What is the clear opening of the {name} telescope, in millimetres?", str(openings[place])),
                "focal": (f"With the flattener in place the focal length of the {name} telescope is {focal[place]} millimetres.", f"What is the focal length of the {name} telescope with the flattener in place, in millimetres?", str(focal[place])),
                "year": (f"First light of the {name} telescope was in {years[place]}, on a night of thin cloud.", f"In which year was first light of the {name} telescope?", str(years[place])),
                "keeper": (f"The keeper of the {name} telescope is {keepers[place]}, who also keeps its logbook.", f"Who is the keeper of the {name} telescope?", keepers[place]),
                "cold": (f"Before an exposure the detector of the {name} telescope is cooled to {cold[place]} degrees below zero.", f"To how many degrees below zero is the detector of the {name} telescope cooled?", str(cold[place])),
                "limit": (f"Close the dome of the {name} telescope when gusts pass {limits[place]} kilometres an hour.", f"At gusts of how many kilometres an hour is the dome of the {name} telescope closed?", str(limits[place])),
                "targets": (f"By agreement of the board the {name} telescope is kept for work on {targets[place]}.", f"For work on what is the {name} telescope kept?", targets[place]),
            },
            _TELESCOPE_REMARKS,
        )  # fmt: skip
    return made


def trails(draw: Random) -> Written:
    """A walker's guide to a valley: its trails in prose, its huts in a table."""
    made = Written("Walking in the Lorn Valley: a guide to its trails and huts")
    made.paragraph(
        "The valley has one road, one bus, and more trails than either would lead you to expect.",
        "Distances are for the way there; climbs add up every rise, however small; times are for a walker with a pack.",
        "The wardens know what the maps do not: ask them about bridges after rain and about snow before June.",
    )
    names = "Raven Marmot Thistle Larkspur Chamois Bilberry Ibex Gentian Otter Juniper Falcon Bracken Heather Lynx Sorrel Badger Rowan".split()
    wardens = people(draw, len(names))
    lengths, climbs = draw.sample(range(31, 290), len(names)), draw.sample(range(180, 999), len(names))
    highest, springs = draw.sample(range(1040, 1990), len(names)), draw.sample(range(11, 240), len(names))
    ends, colours = (
        places(draw, len(names)),
        draw.sample(
            "red ochre blue white green violet black yellow orange grey pink brown turquoise crimson indigo silver lilac".split(),
            len(names),
        ),
    )
    for place, name in enumerate(names):
        trail = f"the {name} Trail"
        made.section(
            draw,
            f"{name} Trail",
            {
                "length": (f"From the bus stop {trail} runs for {lengths[place] / 10} kilometres.", f"For how many kilometres does {trail} run?", str(lengths[place] / 10)),
                "climb": (f"All rises together, {trail} climbs {climbs[place]} metres.", f"How many metres does {trail} climb, all rises together?", str(climbs[place])),
                "highest": (f"The highest point of {trail} is at {highest[place]} metres, marked by a cairn.", f"At how many metres is the highest point of {trail}?", str(highest[place])),
                "warden": (f"The warden of {trail} is {wardens[place]}, who walks it every second week.", f"Who is the warden of {trail}?", wardens[place]),
                "end": (f"The far end of {trail} is the hamlet of {ends[place]}, where bread can be had.", f"What hamlet is the far end of {trail}?", ends[place]),
                "colour": (f"Blazes on {trail} are painted {colours[place]}, at the height of the eye.", f"In what colour are the blazes on {trail} painted?", colours[place]),
                "spring": (f"The last spring on {trail} gives {springs[place]} litres an hour in August.", f"How many litres an hour does the last spring on {trail} give in August?", str(springs[place])),
            },
            _TRAIL_REMARKS,
        )  # fmt: skip
    huts = [
        f"{name} Hut" for name in "Anvil Beacon Cobble Drover Eyrie Flint Gable Hollow Inkpot Jackdaw".split()
    ]
    rows = [(hut, draw.randrange(6, 60), draw.randrange(14, 49), draw.randrange(101, 999)) for hut in huts]
    made.table("Huts", ["Hut", "Beds", "Price in crowns", "Telephone"], rows)
    for hut, beds, price, telephone in rows:
        made.questions += [
            (f"According to the table of huts, how many beds has {hut}?", str(beds), "table"),
            (f"According to the table of huts, what is the price in crowns at {hut}?", str(price), "table"),
            (f"According to the table of huts, what is the telephone number of {hut}?", str(telephone), "table"),
        ]  # fmt: skip
    return made


_QUAY_REMARKS: Final = (
    "Fenders were renewed in the autumn, and the old ones given to the sailing school.",
    "Lorries wait on the landward side and are called forward one at a time.",
    "A second lamp has been asked for, since the pilots find the corner hard to see in rain.",
    "The bollards were tested under load and all of them passed.",
    "Complaints about noise came from one neighbour only and were settled over coffee.",
    "In ice the tug is kept here overnight, with its engine warm.",
    "The paving is sound, though the joints want new tar before another winter.",
    "Rats have been fewer since the granary doors were hung anew.",
    "The office thanks the night watch, who reported a broken chain before any harm was done.",
    "A school class painted the shed doors, and did it better than the firm that was asked first.",
    "Ropes left on the edge are taken to the store and given back against a signature.",
    "The drains were cleared twice, since leaves from the avenue gather in them.",
    "Gulls nest on the roof of the scales house and are left in peace until August.",
    "An agreement with the railway about the siding is close, and has been close for long.",
)
_OBJECT_REMARKS: Final = (
    "It still works, and is set going for school classes on the first Tuesday of a month.",
    "One foot was replaced by a restorer who left a note of it inside.",
    "A drawing of it hangs on the landing, by a hand that is not known.",
    "It was thought lost for some decades and turned up in a crate of door handles.",
    "Scholars disagree about what the small second dial was for.",
    "The case is later, and too large, which has saved it from being dropped.",
    "Lent out twice, it came back both times with a better stand than it went with.",
    "It is cleaned with a soft brush only, and never by the apprentice alone.",
    "Children like it best of all, to judge by the marks on the glass.",
    "A letter about it, in a very small hand, is kept in the office and can be asked for.",
    "Its key is a copy, since the first one left the house in a visitor's pocket.",
    "The label was rewritten after a guest pointed out, kindly, that it described something else.",
    "On sunny afternoons the blinds beside it are drawn, for the sake of the varnish.",
    "Two screws do not match, which tells of a repair that nobody wrote down.",
)
_TELESCOPE_REMARKS: Final = (
    "Its shutter sticks in damp weather and wants a patient hand.",
    "The logbook of its early years is kept in the library and may be read there, not taken out.",
    "Focus drifts while the tube cools, so look at it again after the first hour.",
    "Two observers should be present whenever the mirror is uncovered.",
    "A red torch hangs by the door, and whoever takes it brings it back.",
    "Cables run under the grating; do not set anything hot on it.",
    "The guider loses its star near the meridian, and finds it again if left alone.",
    "Dust on the first lens is the business of the workshop and of nobody else.",
    "In the visitors' week it shows the Moon and little else.",
    "Its counterweights are numbered; put them back in the order in which they came off.",
    "Moths gather on the warm side of the dome and are swept out in the morning.",
    "When the wind turns to the east the image softens, and nothing but waiting helps.",
    "The ladder is shared with the next dome and is returned before midnight.",
    "A page at the back of its logbook is kept for drawings, some of them good.",
)
_TRAIL_REMARKS: Final = (
    "Dogs are welcome on a lead while the sheep are up.",
    "After rain the second ford is better crossed with boots in hand.",
    "The best light is early, when the far wall of the valley catches the sun.",
    "There is no signal beyond the stile, and few walkers miss it.",
    "A bench halfway was given by a family who come every year.",
    "In autumn the larches below the crags are worth the walk by themselves.",
    "Children manage it well if there is a promise of cake at the end.",
    "Where the path forks at the dead pine, both ways meet again soon.",
    "Snow lies in the gully longer than one would think.",
    "The gate in the wall is heavy, and is closed behind one all the same.",
    "Marmots whistle long before they are seen, and vanish before a camera is out.",
    "A shower can be sat out under the overhang, which has room for six friends.",
    "Mushrooms are plentiful in a wet September and are best left to those who know them.",
    "The last farm sells cheese to anyone who knocks, and to some who only pass.",
)
