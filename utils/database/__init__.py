"""MongoDB: the one package that knows motor, pymongo and bson. What leaves it are values of ``utils.models``.

* ``connection`` - a URI becomes a ``SafeDatabase``, or a plain refusal; ``embedded`` runs the bot's own
  mongod (``mongod_binary`` finds it, ``mongod_process`` is the running one).
* ``database`` - transactions, timing; ``sessions`` the few sessions they run in; ``faults`` the one table of
  errors.
* ``scoped`` - the only door to data of a guild; ``scope_rules`` decides for it, without I/O.
* ``indexes``, ``migrations`` - the shape of the data; ``*_documents`` how a value is stored.
* ``repositories`` - what the rest of the bot asks for, scope first.
"""
