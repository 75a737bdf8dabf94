"""The parts of `ultravisor demo`: a hub and a beacon to work with, real work, and the evidence in SQL."""
