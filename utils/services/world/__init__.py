"""Events of the world of game servers: the state machine of Deadside.log's lines, and what is posted."""
