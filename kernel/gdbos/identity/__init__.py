"""Who is calling, for whom, from which body, and what they may do (DESIGN §7).

body.py        bodies and the places they serve
person.py      natural persons · enterprise.py  legal persons and who represents them
account.py     by what someone logs in · password.py  · attempt.py  · login.py
role.py        roles of standards packs · post.py  who holds one, where, until when · appointment.py  of administrators, by two
mandate.py     who acts for whom
system.py      client applications and their public keys · assertion.py  how they prove themselves
signed.py      systems that sign each message, and the node's signature under its answers
session.py     who is logged in · tokens.py  · jose.py  tokens as bytes
identity.py    from a credential to an actor · identify.py  at the edge · generation.py  ended is ended everywhere
setup.py       the first account of a node · seed.py  those of a demonstration
routes.py  administration.py  pages.py  commands.py
"""
