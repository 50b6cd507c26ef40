"""Moses' own Perl scripts, as they were early in 2019: the second rule set.

The checkpoints were trained behind these scripts.  sacremoses, and so the first rule set, is a
translation of them that differs; ``docs/rules.md`` says where, and which set to use when.
"""
