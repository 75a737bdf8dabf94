"""What the kernel remembers: receipts of settled commands, and the commands that were given up."""
