"""The features, one cog each: parse the options, one service call, one embed."""
