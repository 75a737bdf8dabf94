"""Who may do what: users, tokens, join secrets."""
