"""Notices: facts that wait in the outbox to become messages in a channel.

* ``kinds`` - the registry: one row for each kind of notice.
* ``deaths``, ``bounties`` - the facts of each kind; ``notice`` what all of them have.
* ``outbox`` - how they wait, and the messages made of them.
"""
