"""Files that work puts out, by what is in them: stored in SQL, named by their digest, kept as long as somebody refers to them."""
