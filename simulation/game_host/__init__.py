"""A game host on loopback: SFTP servers over folders, and a game that writes its logs there.

* ``host`` - an asyncssh SFTP server with users, a host key, counters and faults (``faults``).
* ``openssh`` - a real OpenSSH server, if one is installed.
* ``log_files`` - death logs as the game writes them, and faults of such files.
* ``battle`` - seeded deaths in the proportions of real days.
"""
