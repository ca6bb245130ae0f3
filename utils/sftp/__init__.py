"""Game hosts over SFTP: the one package that knows asyncssh.

* ``login`` - values: who logs in where, and the limits of the pool.
* ``pool`` - connections, shared and limited by guild; ``assignment`` decides for it, without I/O.
* ``connection``, ``algorithms``, ``host_keys`` - one SSH connection, what it offers and whom it trusts.
* ``names``, ``addresses``, ``dialling``, ``gate`` - which address it goes to, and what its bytes may cost.
* ``session`` - reading files and folders; ``discovery``, ``listing``, ``checkup`` stand on it.
* ``failures`` - the one table that turns the library's exceptions into ours.
"""
