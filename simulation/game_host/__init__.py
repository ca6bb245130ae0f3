"""A game host on loopback: SFTP servers over folders, and the game that writes its logs into them.

* ``host`` - an asyncssh SFTP server with users, a host key, counters and faults (``faults``).
* ``openssh`` - a real OpenSSH server, where one is installed.
* ``log_files`` - death logs as the game writes them, and everything that can happen to such files.
* ``battle`` - seeded deaths in the proportions of real days.
"""
