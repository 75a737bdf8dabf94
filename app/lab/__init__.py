"""What people see: pages, rendered from the domains' questions."""
