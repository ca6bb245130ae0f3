"""The rooms of the bot; ARCHITECTURE.md draws them and says who may import whom."""
