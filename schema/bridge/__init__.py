"""The bridge: a hub's rows in a database that the operator chooses."""
