"""Content as it comes in and goes out: streamed, never whole in memory."""
