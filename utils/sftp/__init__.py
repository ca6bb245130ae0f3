"""Game hosts over SFTP: the one package that knows asyncssh.

* ``login`` - values: the login at a host, and the limits of the pool.
* ``pool`` - connections, shared and limited by guild; ``assignment`` decides for it, without I/O.
* ``connection``, ``algorithms``, ``host_keys`` - one SSH connection, its algorithms and its check of the
  host's key.
* ``names``, ``addresses``, ``dialling``, ``gate`` - its address, and the limit of the time that its bytes may
  cost.
* ``session`` - reads files and folders; ``discovery``, ``listing``, ``checkup`` use it.
* ``failures`` - the one table that turns the library's exceptions into ours.
"""
