"""How a conversation becomes state, and where Rasa stores it. Imports `events`, and nothing of `rasax`."""
