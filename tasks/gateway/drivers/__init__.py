"""How a foreign database is opened, by kind."""
