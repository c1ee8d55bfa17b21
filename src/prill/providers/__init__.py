"""What the models of all vendors have in common; each vendor's room says how its requests and streams look."""
