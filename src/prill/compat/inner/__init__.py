"""What packages import from inside ``langchain_core`` and Prill itself has no use for.

Each module has the names of one or more of the core's undocumented modules; the tables in ``prill.compat.core`` say
which. Nothing outside ``prill.compat`` imports them.
"""
