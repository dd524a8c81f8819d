"""The adapter of PUPR: the regency's roads in the ministry's geodatabase.

PUPR is now two ministries: PU (Pekerjaan Umum) and PKP (Perumahan dan Kawasan Permukiman). The adapter keeps the old name.
"""
