"""The adapter of PUPR: the regency's roads in the ministry's geodatabase.

PUPR has become two ministries, PU (Pekerjaan Umum) and PKP (Perumahan dan Kawasan Permukiman); the name is kept.
"""
