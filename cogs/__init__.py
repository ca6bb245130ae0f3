"""The features, one cog each: it parses the options, calls one service and sends one embed."""
