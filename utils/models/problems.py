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
    NO_SUCH_HOST = sentence("There is no host named {host}. Check the name.")
    NAMES_SILENT = sentence(
        "The address of {host} was not found in time: the name server does not answer. Check the name, or "
        "enter the address instead."
    )
    UNREACHABLE = sentence("{host} cannot be reached: nothing answers at that port, or the server is down.")
    CLOSED_DOOR = sentence(
        "The bot finds no SSH server at {host} that it may connect to. Check host and port with the hoster. "
        "Addresses inside a private network cannot be used with this bot."
    )
    NO_ANSWER = sentence("{host} did not answer in time.")
    HELD_UP = sentence(
        "There was no time for {host}, because game hosts of this Discord server send more than the bot "
        "takes. It will be tried again. If that goes on, remove the game server whose host floods the bot."
    )
    TOO_MANY_CONNECT = sentence("Too many connect to {host} at this moment. It will be tried again.")
    CONNECTIONS_BUSY = sentence(
        "All connections of this Discord server are busy; {host} had to wait too long. It will be "
        "tried again."
    )

    # the handshake
    NO_SSH = sentence(
        "What answers at {host} does not speak SSH as it should: a maintenance page, perhaps, or another "
        "port. Unless that passes by itself, check host and port."
    )
    OTHER_SERVER = sentence("What answers at {host} is not the SSH server expected. Check host and port.")
    HUNG_UP_AT_ONCE = sentence(
        "{host} hung up before it greeted as an SSH server: it is busy, blocks the bot, or something else "
        "answers at that port."
    )
    HUNG_UP = sentence("{host} hung up during the handshake: it is busy, or blocks the bot.")
    HUNG_UP_PERHAPS_OLD = sentence(
        "{host} hung up during the handshake: it is busy, or blocks the bot. Old SSH servers look like this "
        "as well; for one of those: {edit}."
    )
    OLD_ALGORITHMS = sentence(
        "{host} offers only old algorithms, which the bot does not use unless it is told to: {edit} (or the "
        "same option of {add})."
    )
    NO_COMMON_ALGORITHM = sentence(
        "{host} and the bot found no common encryption, although “legacy” is on. Ask the hoster which SSH "
        "algorithms the server speaks."
    )
    COMPRESSION = sentence(
        "{host} insists on compression, which the bot does not use, because a few bytes could fill its "
        "memory. Ask the hoster to allow SSH without compression."
    )
    HOST_KEY_UNPINNED = sentence(
        "No host key of {host} is pinned, so it gets no password. It shows {fingerprint}: ask the hoster "
        "whether that is right, then accept it with {accept}."
    )
    HOST_KEY_CHANGED = sentence(
        "{host} shows another host key than before ({fingerprint}). Either the hoster moved the server, or "
        "somebody is in between. Ask the hoster, then accept the new key with {accept}."
    )

    # the login
    LOGIN_REFUSED = sentence(
        "{host} refused the login. Check user name and password (or key) with the hoster."
    )
    NEW_PASSWORD_DEMANDED = sentence(
        "{host} demands a new password before it lets anybody in. Change it there, then enter it here."
    )
    SECOND_FACTOR = sentence(
        "{host} asks for more than a password: a one-time code, perhaps, or a confirmation. The bot cannot "
        "answer that. Ask the hoster for a login with a password or a key alone."
    )
    NO_SFTP = sentence(
        "{host} lets the login in but opens no SFTP channel for it. Check that the login may use SFTP."
    )
    LOGIN_UNREADABLE = sentence(
        "The stored login of this server cannot be read with the bot's secret key. Enter it again with "
        "{edit}, or ask those who host this bot to restore the old key."
    )

    # private keys
    KEY_UNUSABLE = sentence(
        "The private key cannot be used. Paste the whole file again, or make a new key with "
        "“ssh-keygen -t ed25519”."
    )
    KEY_OF_PUTTY = sentence(
        "The private key is one of PuTTY's. Open it in PuTTYgen, choose “Export OpenSSH key” in the menu "
        "“Conversions”, and paste the file that this makes."
    )
    KEY_PUBLIC = sentence(
        "That is a public key. The bot needs the private key: the file of the same name without “.pub”, "
        "which begins with “-----BEGIN”."
    )
    KEY_LOCKED = sentence(
        "The private key is locked with a passphrase, which the bot does not take. Make a copy of the file, "
        "unlock the copy with “ssh-keygen -p -f FILE” and an empty new passphrase, and paste that."
    )
    KEY_CUT = sentence(
        "A part of the private key is missing. Paste the whole file, from “-----BEGIN” to the last line, "
        "which begins with “-----END”."
    )
    KEY_IS_NONE = sentence(
        "That is not a private key: one begins with “-----BEGIN”. If it is the password, put it into the "
        "field for the password and leave the field for the key empty."
    )
    KEY_UNKNOWN = sentence(
        "The bot cannot read that private key. Paste a key as “ssh-keygen” makes it, the whole file, which "
        "begins with “-----BEGIN”."
    )
    KEY_DAMAGED = sentence(
        "The private key cannot be used: something in it is wrong. Copy the file once more and paste all of "
        "it, or make a new key with “ssh-keygen -t ed25519”."
    )

    # the connection
    CLOSED_BY_HOST = sentence("{host} closed the connection.")
    CLOSED_AFTER_LOGIN = sentence("{host} closed the connection right after the login.")
    CLOSED_BY_US = sentence(
        "The connection was closed because the server's settings changed or the bot is shutting down."
    )
    CONNECTION_CLOSED = sentence("The connection to {host} is closed.")
    SHUTTING_DOWN = sentence("The bot is shutting down.")
    TOO_MUCH = sentence(
        "{host} sends more than the bot asked for, without end. The bot closed the connection."
    )
    TAKES_NOTHING = sentence("{host} does not take what the bot sends. The bot closed the connection.")
    TOO_MANY_EXCHANGES = sentence(
        "{host} wants to exchange keys again and again. The bot closed the connection."
    )

    # files and folders
    ANSWER_GARBLED = sentence(
        "{host} gave an answer about “{path}” that the bot cannot understand, so it passes over that answer."
    )
    MISSING = sentence("{host} has no “{path}”.")
    NOT_PERMITTED = sentence("{host} does not let this login read “{path}”.")
    NOT_READ = sentence("{host} failed to read “{path}”.")
    NO_PATH = sentence("{host} gave no answer about “{path}”.")
    WRONG_PATH = sentence("{host} gave no path as an answer about “{path}”.")
    SMALL_PIECES = sentence("{host} hands “{path}” out in pieces too small to be read.")
    NEVER_THE_SAME = sentence("“{path}” is another file at each look.")

    # the place of the logs
    PATH_UNPRINTABLE = sentence("The base path holds characters that no path has, or is too long.")
    PATH_UPWARDS = sentence("The base path must not hold “..”. Write the whole path instead.")
    PATH_OUTSIDE = sentence(
        "The base path leads out of the login's folder. If that is meant, enter “{path}”."
    )
    NO_SUCH_FOLDER = sentence("There is no folder “{path}” on {host}. Check the base path.")
    FOLDER_GONE = sentence("The folder “{path}” is gone from {host}.")
    SEVERAL_SERVERS = sentence("Several game servers lie here. Set “number” to one of: {numbers}.")
    SEVERAL_FOLDERS = sentence(
        "Several game servers lie here, and some share a number. Set “base_path” to one of: {folders}."
    )
    NO_LOGS = sentence(
        "No death logs found: looked in the login's folder for “{folder}/actual1/deathlogs”, "
        "“actual1/deathlogs” and the same below “Deadside/Saved”. Set “number” or “base_path”."
    )
    NO_LOGS_BESIDE = sentence(
        "No death logs found: looked in the login's folder for “{folder}/actual1/deathlogs”, "
        "“actual1/deathlogs” and the same below “Deadside/Saved”. Server folders there: {beside}. Set "
        "“number” or “base_path”."
    )
    NO_LOGS_IN = sentence(
        "No death logs found: looked in “{path}” for “{folder}/actual1/deathlogs”, “actual1/deathlogs” and "
        "the same below “Deadside/Saved”. Set “number” or “base_path”."
    )
    NO_LOGS_IN_BESIDE = sentence(
        "No death logs found: looked in “{path}” for “{folder}/actual1/deathlogs”, “actual1/deathlogs” and "
        "the same below “Deadside/Saved”. Server folders there: {beside}. Set “number” or “base_path”."
    )
    QUOTED = sentence("“{name}”")
    NUMBERED = sentence("“{number}” ({name})")
    SAME_LOGS = sentence(
        "“{other}” reads these logs already, so “{server}” is not read: every kill would count twice. Remove "
        "one of the two with {remove}."
    )

    # gaps of a listing
    NO_DEATH_YET = sentence("“{path}” has no folder “deathlogs” yet. The game makes it with the first death.")
    OUTSIDE = sentence("“{path}” leads out of the login's folder, so it is not read.")
    MANY_FOLDERS = sentences(
        "“{path}” holds {count} folder. The newest {read} are read.",
        "“{path}” holds {count} folders. The newest {read} are read.",
    )
    MANY_LOGS = sentences(
        "“{path}” holds {count} death log. The newest {read} are read.",
        "“{path}” holds {count} death logs. The newest {read} are read.",
    )
    MANY_LINKS = sentences(
        "“{path}” holds {count} link or untyped entry. The newest {read} are read.",
        "“{path}” holds {count} links or untyped entries. The newest {read} are read.",
    )
    NAMES_UNREADABLE = sentences(
        "“{path}” holds {count} name the bot cannot read. Rename it if it is a log.",
        "“{path}” holds {count} names the bot cannot read. Rename them if they are logs.",
    )
    LISTING_CUT = sentence("“{path}” holds more than the bot lists. The newest logs it saw are read.")
    AND_MORE = sentences("{first} ({count} more problem)", "{first} ({count} more problems)")

    # faults that the host does not cause
    DATABASE_AWAY = sentence("The bot's database does not answer. It will be tried again.")
    DATABASE_REFUSES = sentence(
        "The bot's database refuses what was read. I try again by myself; the log of the bot says why."
    )
    SURPRISE = sentence(
        "Reading failed unexpectedly ({failure}). I try again by myself; the log of the bot says where "
        "it failed."
    )
    UNKNOWN = sentence("Something was in the way. The next try tells what it is.")
