"""The command ``runlet``: a demonstration, and a chat."""
