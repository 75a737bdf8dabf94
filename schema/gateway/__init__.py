"""The gateway: foreign databases, what is known of them, and how they are served."""
