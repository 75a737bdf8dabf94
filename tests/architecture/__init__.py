"""Laws about the code itself. Each one is a function from source to offences, with a test on the code and a test that it can fail."""
