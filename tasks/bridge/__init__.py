"""A hub's rows are kept in a database that the operator chooses."""
