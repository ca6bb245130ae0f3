"""Notices: the facts of posts, stored in the outbox until they are delivered.

* ``kinds`` - the registry: one row for each kind of notice.
* ``deaths``, ``bounties`` - the facts of each kind; ``notice``: the facts that all kinds have.
* ``highlights`` - what makes a death special.
* ``outbox`` - the entries of the outbox, and the messages made of them.
"""
