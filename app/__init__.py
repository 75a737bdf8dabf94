"""QUESTIONS: HTTP and HTML. Never changes the system of record: what should change goes into the journal, the only way out of here."""
