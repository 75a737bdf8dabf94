"""What the bridge decides."""
