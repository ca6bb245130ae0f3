"""MongoDB: the one package that knows motor, pymongo and bson. It returns values of ``utils.models``.

* ``connection`` - a URI becomes a ``SafeDatabase``, or a plain refusal; ``embedded`` runs the bot's own
  mongod (``mongod_binary`` finds it, ``mongod_process`` is the running one).
* ``database`` - transactions, timing; ``sessions`` the few sessions they run in; ``faults`` the one table of
  errors.
* ``scoped`` - the only access to data of a guild; ``scope_rules`` holds its rules, without I/O.
* ``indexes``, ``migrations`` - the shape of the data; ``*_documents`` - how values are stored.
* ``repositories`` - the reads and writes of the rest of the bot, each with its scope first.
"""
