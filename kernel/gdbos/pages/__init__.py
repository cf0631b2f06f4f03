"""What people see: layout, components, static files and words in Chinese and English.

navigation.py   what the header offers, by area and permission
frame.py        what stands around every page: site, account, path
render.py       Pages: templates to HTML · Page: what a page handler returns
translation.py  Catalogues: English message ids to Chinese words
language.py     which language a visitor reads, and how they change it
formats.py      dates, money, numbers as each language writes them
assets.py       static files under content-hashed addresses
routes.py       the two addresses this layer serves itself: static files and the language switch
problems.py     a problem as a page
schema.py       the API reference, rendered on the server
gallery.py      every component on one page, for those who build pages
catalogue.py    which messages the code holds, and which still want words
"""
