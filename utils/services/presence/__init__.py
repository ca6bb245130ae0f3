"""Players on a game server: rules about the lines of Deadside.log, without I/O."""
