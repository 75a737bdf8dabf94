"""That the measurements run. What they measure is never asserted: a figure is for people to judge."""
