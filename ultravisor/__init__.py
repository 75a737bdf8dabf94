"""The front door: the command line, and the runtime that `ultravisor up` embeds. It starts processes, asks the hub over HTTP and
reads the database through SQL that cannot write; it changes nothing itself.
"""
