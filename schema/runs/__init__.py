"""Operations, the runs that come of them, and the schedules that start runs."""
