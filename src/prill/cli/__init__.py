"""The command ``prill``: a demonstration, and a chat."""
