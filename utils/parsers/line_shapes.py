"""The shape of a line that no rule knows: enough to see what it is, and nothing that belongs to anybody.

A shape keeps words of a fixed vocabulary (identifiers of the engine and of the game, states, the words of the
rules) and plain ASCII marks. Every other word becomes ``·``, every number ``#``. So it holds no name, id,
address or password, of any line.
"""

import re
from collections.abc import Iterator

LONGEST_SHAPE = 200
"""Characters of a shape; known lines have fewer."""

UNKNOWN_WORD = "·"
NUMBER = "#"

VOCABULARY = frozenset(
    """
    a an at be by did does for from has have in into is no not of on or out over the to up was will with
    without accept accepted accepting add added advertise airdrop already as asked back ban banned
    beacon before began begin can cannot channel channels client clients close closed closebunch closing
    cleanup code complete completed connect connected connection connections convoy could create created
    dead del delete deleted destroy destroyed disconnect disconnected dropping drop dropped due elapsed
    encounter end ended ending enter entered error event events expired fail failed failure finish
    finished flying found full game gameplayevent handshake helicrash host id inactive initial invalid
    join joined joining kick kicked kickplayer leave leaving left limit load loaded logged login logout
    lost lostconnection map max min mission missing name none null ok old online open opened owner
    patrolpoint ping platform player players queue quit ready reason refused register registered reject
    rejected remove removed request reservation reset respawn result return returned roamingtrader save
    saved seconds sending server session set slot slots spawn spawned spawning start started starting
    state status stop stopped success successfully succeeded switched take terminate terminated time
    timed timeout timer took total trader unregister unregistered update updated user vehicle vehicles
    version waiting warning welcomed win won world active fatal display verbose driver isserver yes pc
    chindex uniqueid remoteaddr actor base class component controller manager mode spawner point zone
    area group loot squad sfps sfpsac asfps usfps usfpsacmission asfpsgamemode asfpsgamesession ga eos
    ltEOS sfpsonlinebeaconclient sfpsonlinebeaconhost sfpsonlinebeaconhostobject sfpsplayercontrollerbp
    airdropmanager convoyevent convoymanager helicrashevent helicrashmanager roamingtraderevent
    roamingtradermanager onlogin prelogin postlogin onlogout newvehicle newplayer canspawnvehicle
    notifyclientdisconnected notifyclientconnected notifyacceptingconnection notifyacceptedconnection
    notifycontrolmessage unetconnection unetdriver uchannel ucontrolchannel gamenetdriver
    beaconnetdriver ipnetdriver ipconnection addclientconnection removeclientconnection tick driverindex
    real good drivertime threshold loguniquenetid fuid netspeed netguid
    """.lower().split()
)
"""The words that a shape keeps, compared without case and written in small letters."""

_token = re.compile(r"\w+|[^\w]")
_numbered = re.compile(r"(?P<base>.*?)(?P<number>(?:_c)?_\d+)", re.ASCII).fullmatch
_kept_marks = frozenset(" .,:;=!?()[]<>{}/|+-*'\"")
_runs = re.compile(rf"{UNKNOWN_WORD}(?:[ ._-]*{UNKNOWN_WORD})+|{NUMBER}(?:[ ._:]*{NUMBER})+| {{2,}}")


def build_shape(category: str, text: str) -> str:
    """Return the shape of a line: its category, which the caller knows, and the shape of its text."""
    shape = f"{category}: {''.join(_shape_tokens(text))}"
    return _runs.sub(lambda run: run[0][0], shape)[:LONGEST_SHAPE].rstrip()


def _shape_tokens(text: str) -> Iterator[str]:
    for token in _token.findall(text[: LONGEST_SHAPE * 4]):
        yield _shape_word(token.lower()) if token[0].isalnum() or token[0] == "_" else _shape_mark(token)


def _shape_word(word: str) -> str:
    """Keep a known word, also with the number of an object behind it; hide every other one."""
    if word in VOCABULARY:
        return word
    if word.isdigit():
        return NUMBER
    numbered = _numbered(word)
    if numbered is not None and numbered["base"] in VOCABULARY:
        return f"{numbered['base']}_{NUMBER}"
    parts = word.split("_")
    if len(parts) > 1 and all(part in VOCABULARY for part in parts):
        return word
    return UNKNOWN_WORD


def _shape_mark(mark: str) -> str:
    if mark.isspace():
        return " "
    return mark if mark in _kept_marks else UNKNOWN_WORD
