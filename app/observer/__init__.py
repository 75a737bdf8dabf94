"""The hub as observers see it: its events, its state in one look, its past, present and likely future."""
