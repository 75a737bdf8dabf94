"""What `ultravisor up` runs on: the data folder, the bundled Redis, and processes that are started again when they die."""
