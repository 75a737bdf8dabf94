"""What is true of connections, descriptors, filters and plans, whatever the database."""
