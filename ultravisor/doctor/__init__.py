"""What `ultravisor doctor` measures, one module for each part of the hub: each `look` yields findings and changes nothing."""
