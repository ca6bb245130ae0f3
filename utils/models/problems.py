"""Problems: the reasons why a game server's logs cannot be read, worded for its admins.

A problem is stored as its code and its facts, so a code must keep its meaning; the English may change.
``{host}`` is a host with its port.
"""

from enum import unique

from utils.models.coded_texts import CodedText, sentence, sentences


@unique
class Problem(CodedText):
    """The sentences of problems: what is wrong, and what to do about it."""

    # connecting
    NO_SUCH_HOST = sentence("There's no host named {host}. Check the spelling.")
    NAMES_SILENT = sentence(
        "I couldn't look up {host}: the name server isn't answering. Check the spelling, or use the IP "
        "address instead."
    )
    UNREACHABLE = sentence(
        "I can't reach {host}: nothing answers on that port. Check host and port; if they're right, the "
        "host is down."
    )
    CLOSED_DOOR = sentence(
        "I can't connect to an SSH server at {host}. Check host and port with your hosting "
        "company. Addresses inside a private network don't work with this bot."
    )
    NO_ANSWER = sentence("{host} didn't answer in time.")
    HELD_UP = sentence(
        "I skipped {host} for now: your game hosts send more than I can handle. I'll try again. If it keeps "
        "happening, remove the server whose host sends too much."
    )
    TOO_MANY_CONNECT = sentence("There are too many connections to {host} right now. I'll try again.")
    CONNECTIONS_BUSY = sentence(
        "I'm busy with your other game servers and didn't get to {host}. I'll try again."
    )

    # the handshake
    NO_SSH = sentence(
        "Something answers at {host}, but not as an SSH server: maybe a maintenance page, maybe the wrong "
        "port. If it keeps happening, check host and port."
    )
    OTHER_SERVER = sentence(
        "The answer from {host} isn't from the SSH server I expected. Check host and port."
    )
    HUNG_UP_AT_ONCE = sentence(
        "{host} hung up before saying hello as an SSH server: it's busy, it blocks me, or the port is wrong."
    )
    HUNG_UP = sentence("{host} hung up during the handshake: it's busy, or it blocks me.")
    HUNG_UP_PERHAPS_OLD = sentence(
        "{host} hung up during the handshake: it's busy, or it blocks me. Old SSH servers do that too: if "
        "yours is old, use {edit}."
    )
    OLD_ALGORITHMS = sentence(
        "{host} only has old SSH encryption. To allow it, use {edit}, or {add} with the same option."
    )
    NO_COMMON_ALGORITHM = sentence(
        "{host} and I have no encryption in common, even with old SSH encryption allowed. Ask your hosting "
        "company which SSH algorithms the server uses."
    )
    COMPRESSION = sentence(
        "{host} insists on compression, which I don't use because a few bytes could fill my memory. Ask "
        "your hosting company to allow SSH without compression."
    )
    HOST_KEY_UNPINNED = sentence(
        "I haven't saved a host key for {host} yet, so I don't send it a password. It shows {fingerprint}: "
        "ask your hosting company whether that's right, then accept it with {accept}."
    )
    HOST_KEY_CHANGED = sentence(
        "{host} shows a new host key ({fingerprint}). Either your hosting company moved the server, or "
        "someone is intercepting the connection. Ask the company, and accept the new key with {accept} only "
        "if it's theirs."
    )

    # the login
    LOGIN_REFUSED = sentence(
        "{host} refused the login. Check user name and password (or key) with your hosting company."
    )
    NEW_PASSWORD_DEMANDED = sentence(
        "{host} wants a new password. Change it there first, then enter the new one."
    )
    SECOND_FACTOR = sentence(
        "{host} asks for more than a password, perhaps a one-time code, and I can't answer that. Ask your "
        "hosting company for a login with only a password or a key."
    )
    NO_SFTP = sentence(
        "{host} accepts the login but opens no SFTP for it. Ask your hosting company to allow SFTP for "
        "this login."
    )
    LOGIN_UNREADABLE = sentence(
        "I can't decrypt the saved login of this server with my current secret key. Enter it again with "
        "{edit}, or ask the bot's owner to restore the old key."
    )

    # private keys
    KEY_UNUSABLE = sentence(
        "I can't use that private key. Paste the whole file again, or make a new key with “ssh-keygen -t "
        "ed25519”."
    )
    KEY_OF_PUTTY = sentence(
        "That's a PuTTY key. Open it in PuTTYgen, choose “Export OpenSSH key” in the menu “Conversions”, "
        "and paste the exported file."
    )
    KEY_PUBLIC = sentence(
        "That's the public key. I need the private one: the file with the same name without “.pub”, which "
        "begins with “-----BEGIN”."
    )
    KEY_LOCKED = sentence(
        "That private key has a passphrase, which I can't enter. Copy the file, run “ssh-keygen -p -f FILE” "
        "on the copy with an empty new passphrase, and paste the copy."
    )
    KEY_CUT = sentence(
        "Part of the private key is missing. Paste the whole file, from “-----BEGIN” to the last line with "
        "“-----END”."
    )
    KEY_IS_NONE = sentence(
        "That isn't a private key: one begins with “-----BEGIN”. If it's the password, put it into the "
        "password field and leave the key empty."
    )
    KEY_UNKNOWN = sentence(
        "I can't read that private key. Paste the whole file as “ssh-keygen” makes it; it begins with "
        "“-----BEGIN”."
    )
    KEY_DAMAGED = sentence(
        "Something in that private key is broken. Copy the file again and paste all of it, or make a new "
        "key with “ssh-keygen -t ed25519”."
    )

    # the connection
    CLOSED_BY_HOST = sentence("{host} closed the connection.")
    CLOSED_AFTER_LOGIN = sentence("{host} closed the connection right after the login.")
    CLOSED_BY_US = sentence(
        "I closed the connection because the server's settings changed or I'm shutting down."
    )
    CONNECTION_CLOSED = sentence("The connection to {host} is closed.")
    SHUTTING_DOWN = sentence("I'm shutting down.")
    TOO_MUCH = sentence("{host} kept sending more than I asked for, so I closed the connection.")
    TAKES_NOTHING = sentence(
        "{host} doesn't take what I send, so I closed the connection. I'll try again. If it keeps happening, "
        "ask your hosting company."
    )
    TOO_MANY_EXCHANGES = sentence(
        "{host} kept changing the encryption, so I closed the connection. I'll try again. If it keeps "
        "happening, ask your hosting company."
    )

    # files and folders
    ANSWER_GARBLED = sentence("I can't make sense of the answer of {host} about “{path}”, so I skip it.")
    MISSING = sentence("{host} has no “{path}”.")
    NOT_PERMITTED = sentence(
        "This login isn't allowed to read “{path}” on {host}. Ask your hosting company to allow it."
    )
    NOT_READ = sentence("{host} failed to read “{path}”.")
    NO_PATH = sentence("{host} didn't say where “{path}” is.")
    WRONG_PATH = sentence("{host} gave a broken answer about “{path}”.")
    SMALL_PIECES = sentence("{host} sends “{path}” in pieces too small to read.")
    NEVER_THE_SAME = sentence("“{path}” is a different file every time I look.")

    # the place of the logs
    PATH_UNPRINTABLE = sentence("That log folder is too long, or has characters that no path has.")
    PATH_UPWARDS = sentence("A log folder can't contain “..”. Write the whole path instead.")
    PATH_OUTSIDE = sentence(
        "That log folder leads out of the login's folder. If you mean it, enter “{path}”."
    )
    NO_SUCH_FOLDER = sentence("There's no folder “{path}” on {host}. Check the path.")
    FOLDER_GONE = sentence("The folder “{path}” is gone from {host}.")
    SEVERAL_SERVERS = sentence("This login has several game servers. Choose a server number: {numbers}.")
    SEVERAL_FOLDERS = sentence(
        "This login has several game servers, and some share a number. Choose a log folder: {folders}."
    )
    NO_LOGS = sentence(
        "No death logs found. I looked in the login's folder for “{folder}/actual1/deathlogs”, "
        "“actual1/deathlogs” and the same below “Deadside/Saved”. Enter the server number or the log folder."
    )
    NO_LOGS_BESIDE = sentence(
        "No death logs found in “{folder}”, but these server folders are there: {beside}. Enter the "
        "server number or the log folder."
    )
    NO_LOGS_IN = sentence(
        "No death logs found. I looked in “{path}” for “{folder}/actual1/deathlogs”, “actual1/deathlogs” "
        "and the same below “Deadside/Saved”. Enter the server number or the log folder."
    )
    NO_LOGS_IN_BESIDE = sentence(
        "No death logs found in “{folder}” below “{path}”, but these server folders are there: {beside}. "
        "Enter the server number or the log folder."
    )
    QUOTED = sentence("“{name}”")
    NUMBERED = sentence("“{number}” ({name})")
    SAME_LOGS = sentence(
        "“{other}” already uses these logs, so I don't read “{server}”: every kill would count twice. "
        "Remove one of the two with {remove}."
    )

    # gaps of a listing
    NO_DEATH_YET = sentence("“{path}” has no folder “deathlogs” yet. The game makes it with the first death.")
    OUTSIDE = sentence("“{path}” leads out of the login's folder, so I don't read it.")
    MANY_FOLDERS = sentences(
        "“{path}” has {count} folder. I read the newest {read}.",
        "“{path}” has {count} folders. I read the newest {read}.",
    )
    MANY_LOGS = sentences(
        "“{path}” has {count} death log. I read the newest {read}.",
        "“{path}” has {count} death logs. I read the newest {read}.",
    )
    MANY_LINKS = sentences(
        "“{path}” has {count} link or special file. I read the newest {read}.",
        "“{path}” has {count} links or special files. I read the newest {read}.",
    )
    NAMES_UNREADABLE = sentences(
        "“{path}” has {count} name I can't read. Rename it if it's a log.",
        "“{path}” has {count} names I can't read. Rename them if they're logs.",
    )
    LISTING_CUT = sentence("“{path}” has more entries than I list. I read the newest logs that I saw.")
    AND_MORE = sentences("{first} ({count} more problem)", "{first} ({count} more problems)")

    # faults that the host does not cause
    DATABASE_AWAY = sentence("My database isn't answering. I'll try again.")
    DATABASE_REFUSES = sentence(
        "My database refuses these kills. I'll keep trying; the bot's owner can see why in the log."
    )
    SURPRISE = sentence(
        "Reading failed unexpectedly ({failure}). I'll keep trying; the bot's owner can see why in the log."
    )
    UNKNOWN = sentence("Something went wrong. I'll try again.")
