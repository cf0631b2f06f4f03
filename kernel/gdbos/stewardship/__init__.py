"""Stewardship of data elements (数据元管理): what departments bring is proposed, likenesses are found, a steward decides, decisions are kept.

proposal.py    proposals and what was decided of them
accepted.py    what was decided, as a standards pack's files
routes.py  pages.py  navigation.py  permissions.py   addresses

A decision changes no standard: what was accepted is written out as a pack's elements, and goes the way of every pack.
"""
