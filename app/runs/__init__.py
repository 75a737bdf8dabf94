"""Operations, runs and schedules over HTTP."""
